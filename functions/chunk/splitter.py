"""Cuts a document into pieces that can be found and quoted on their own: along its structure, never across it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from functions.chunk.cutting import BETWEEN_BLOCKS, Atom, cut
from functions.chunk.ruler import CountTokens, Ruler
from shared.parsing.document import Block, ParsedDocument
from shared.processes.cpu_threads import stop_if_left
from shared.types.passage import Box

STAGE_VERSION = 3
"""Raised with every change of the cuts: it is part of the stage's key."""

MOST_TOKENS = 220
CONTEXT_TOKENS = 34
"""Room that the embedding model has for the context beside a piece of full length; what it lacks, the piece gives."""

LONGEST_NAME = 80
DEEPEST_PATH = 4

Path = tuple[str, ...]


class ChunkDraft(Struct, frozen=True):
    """A passage without its identity. `context` has the document's title and the headings of the whole piece.

    `tokens` are those of `text`, which stands on `page`; only a heading may stand on the one before. `box` covers what
    it has on that page.
    """

    text: str
    context: str
    page: int | None
    box: Box | None
    tokens: int
    language: str


class _Part(Struct):
    """A section, cut into atoms; its headings first."""

    path: Path
    atoms: list[Atom]
    most: int

    @property
    def tokens(self) -> int:
        return sum(atom.tokens for atom in self.atoms)


def split(
    document: ParsedDocument,
    *,
    title: str,
    count_tokens: CountTokens,
    detect_language: Callable[[str], str],
    max_tokens: int = MOST_TOKENS,
    context_tokens: int = CONTEXT_TOKENS,
) -> list[ChunkDraft]:
    """Splits a document into pieces in its order, of at most `max_tokens` tokens each.

    Together they hold every word once; only the header of a table is repeated in each of its parts.
    `count_tokens` must count two texts with white space between them as the sum of both.
    """
    ruler = Ruler(count_tokens, max_tokens)
    ruler.learn(block.text for block in document.blocks)
    parts = list(_parts(document, title, ruler, max_tokens, context_tokens))
    pieces: list[ChunkDraft] = []
    for group in _groups(parts, max_tokens):
        context = _context(title, _common([part.path for part in group]))
        atoms = [atom for part in group for atom in part.atoms]
        runs = (run for leaf in _leaves(atoms) for run in _runs(leaf, group[0].most))
        pieces += [_piece(run, context, detect_language) for run in runs]
    return pieces


def _parts(document: ParsedDocument, title: str, ruler: Ruler, most: int, context_tokens: int) -> Iterator[_Part]:
    """Yields the sections; a heading with only deeper headings below it joins the first of them."""
    waiting: list[Block] = []
    sections = [*_sections(document), ((), [])]
    for (path, blocks), (following, _) in pairwise(sections):
        headings = [*waiting, *(block for block in blocks if _is_heading(block))]
        body = [block for block in blocks if not _is_heading(block)]
        if not body and len(following) > len(path) and following[: len(path)] == path:
            waiting = headings
            continue
        waiting = []
        over = max(0, ruler.length(_context(title, path)) - context_tokens)
        budget = max(most - over, -(-most // 2))
        yield _Part(path, _atoms(headings, body, budget, ruler), budget)


def _sections(document: ParsedDocument) -> Iterator[tuple[Path, list[Block]]]:
    """Yields the blocks of each section, its heading first, with its path; before any heading that is empty."""
    above: list[Block] = []
    blocks: list[Block] = []
    for block in document.blocks:
        if _is_heading(block):
            if blocks:
                yield _path(above), blocks
            above = [heading for heading in above if _level(heading) < _level(block)] + [block]
            blocks = []
        if block.text.strip():
            blocks.append(block)
    if blocks:
        yield _path(above), blocks


def _is_heading(block: Block) -> bool:
    return block.kind in {"title", "heading"}


def _level(heading: Block) -> int:
    return 0 if heading.kind == "title" else heading.level


def _path(headings: Sequence[Block]) -> Path:
    return tuple(" ".join(heading.text.split()) for heading in headings)


def _atoms(headings: list[Block], body: list[Block], most: int, ruler: Ruler) -> list[Atom]:
    """Cuts a section into atoms; the beginning of its body always has room beside its headings."""
    heads: list[Atom] = []
    for heading in headings:
        text = f"{'#' * max(heading.level, 1)} {' '.join(heading.text.split())}"
        heads.append(Atom(text, ruler.length(text), page=heading.page, box=heading.box, heads=True))
    beside = sum(head.tokens for head in heads)
    if beside > most // 2:
        heads = [atom for heading in headings for atom in cut(heading, most, ruler)]
        beside = 0
    return [*heads, *_led(body, [cut(block, most - beside, ruler) for block in body], most - beside)]


def _led(blocks: list[Block], cuts: list[list[Atom]], room: int) -> Iterator[Atom]:
    """Yields atoms; a line that announces what follows ("…:") is joined with the beginning of that."""
    lead: Atom | None = None
    for place, (block, atoms) in enumerate(zip(blocks, cuts, strict=True)):
        if not atoms:
            continue
        first, *rest = atoms
        if lead and lead.tokens + first.tokens <= room and not _turns(lead.page, first.page):
            text, tokens = lead.text + BETWEEN_BLOCKS + first.text, lead.tokens + first.tokens
            first = Atom(text, tokens, lead.glue, *_place([lead, first]))
        elif lead:
            yield lead
        lead = None
        announces = block.kind == "paragraph" and first.text.endswith(":") and not rest
        if announces and any(cuts[place + 1 : place + 2]):
            lead = first
        else:
            yield first
            yield from rest


def _groups(parts: Sequence[_Part], most: int) -> Iterator[list[_Part]]:
    """Groups tiny sections beside or below each other into pieces of half the length: alone they are too short."""
    group: list[_Part] = []
    filled = 0
    for part in parts:
        tiny = min(part.tokens, group[-1].tokens if group else 0) <= most // 5
        first = group[0].path if group else ()
        is_beside = len(part.path) >= len(first) and part.path[: len(first) - 1] == first[:-1]
        if group and not (tiny and is_beside and filled + part.tokens <= most // 2):
            yield group
            group, filled = [], 0
        group.append(part)
        filled += part.tokens
    if group:
        yield group


def _leaves(atoms: Sequence[Atom]) -> Iterator[list[Atom]]:
    """Splits atoms where the page changes, so that a passage is on the page that its citation names. A heading stays
    with the text below it."""
    leaf: list[Atom] = []
    for atom in atoms:
        if _turns(_body_page(leaf), atom.page):
            end = next(place for place in range(len(leaf), 0, -1) if not leaf[place - 1].heads)
            yield leaf[:end]
            leaf = leaf[end:]
        leaf.append(atom)
    if leaf:
        yield leaf


def _turns(before: int | None, page: int | None) -> bool:
    return before is not None and page is not None and before != page


def _body_page(atoms: Sequence[Atom]) -> int | None:
    return next((atom.page for atom in atoms if not atom.heads), None)


def _runs(atoms: Sequence[Atom], most: int) -> Iterator[list[Atom]]:
    """Divides atoms into pieces of about equal length: a greedy filling would leave a tiny last one."""
    left = sum(atom.tokens for atom in atoms)
    run: list[Atom] = []
    filled = 0
    for atom in atoms:
        aim = (filled + left) / max(1, -(-(filled + left) // most))
        full = filled + atom.tokens > most or filled + atom.tokens / 2 > aim
        if run and full and not run[-1].heads:
            yield run
            run, filled = [], 0
        run.append(atom)
        filled += atom.tokens
        left -= atom.tokens
    if run:
        yield run


def _piece(run: Sequence[Atom], context: str, detect_language: Callable[[str], str]) -> ChunkDraft:
    stop_if_left()
    text = run[0].text + "".join(atom.glue + atom.text for atom in run[1:])
    page, box = _place(run)
    return ChunkDraft(text, context, page, box, sum(atom.tokens for atom in run), detect_language(text))


def _place(atoms: Sequence[Atom]) -> tuple[int | None, Box | None]:
    page = _body_page(atoms) or atoms[0].page
    boxes = [atom.box for atom in atoms if atom.page == page]
    known = [box for box in boxes if box]
    if not known or len(known) < len(boxes):
        return page, None
    left, top, right, bottom = zip(*known, strict=True)
    return page, (min(left), min(top), max(right), max(bottom))


def _common(paths: Sequence[Path]) -> Path:
    first, *others = paths
    shared = [name for place, name in enumerate(first) if all(path[place : place + 1] == (name,) for path in others)]
    return tuple(shared)


def _context(title: str, path: Path) -> str:
    """Returns title and nearest headings, long ones shortened; a title equal to the first heading appears once."""
    names = [" ".join(name.split()) for name in path]
    title = " ".join(title.split())
    if names and names[0].casefold() == title.casefold():
        names = names[1:]
    return " > ".join(
        name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"
        for name in (title, *names[-DEEPEST_PATH:])
        if name
    )
