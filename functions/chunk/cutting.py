"""Cuts one block of a document into atoms that fit: the whole block if it fits, else at its most natural boundaries."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from functions.chunk.ruler import Ruler
from shared.language.sentences import sentence_spans
from shared.parsing.document import Block
from shared.parsing.tables import TableRow, table_head, table_markdown, table_row
from shared.processes.cpu_threads import stop_if_left
from shared.types.passage import Box

BETWEEN_BLOCKS = "\n\n"


class Atom(Struct, frozen=True):
    """Text that is not cut further. `glue` stands between it and the atom before it, when both share a piece."""

    text: str
    tokens: int
    glue: str = BETWEEN_BLOCKS
    page: int | None = None
    box: Box | None = None
    heads: bool = False
    """It is a heading: no piece ends with it."""


Cutter = Callable[[str], Iterator[str]]
"""Yields parts whose concatenation is the text again."""

_LINE = re.compile(r"[^\n]*\n+|[^\n]+$")
_ITEM = re.compile(r"(?:-|\d{1,9}[.)]) ")
_PAIR = re.compile(r"[^\s:][^:\n]{0,300}: ?")
_SPACE = re.compile(r"\s+")


def cut(block: Block, room: int, ruler: Ruler) -> list[Atom]:
    """Returns atoms of at most `room` tokens, in order, that have all text of the block."""
    if ruler.length(block.text) <= room:
        texts = [("", block.text)]
    elif block.kind == "table" and block.rows:
        texts = _table(block.rows, room, ruler)
    else:
        texts = _text(block.text, room, ruler, _cutters(block))
    return [
        Atom(text, ruler.length(text), glue if place else BETWEEN_BLOCKS, block.page, block.box)
        for place, (glue, text) in enumerate(texts)
    ]


def _cutters(block: Block) -> Sequence[Cutter]:
    if block.kind == "list":
        return _by_item, _by_line, _by_sentence
    lines = block.text[:5000].split("\n")
    is_pairs = len(lines) > 2 and all(map(_PAIR.match, lines[:-1]))
    if block.kind == "code" or is_pairs:
        return _by_line, _by_sentence
    return _by_sentence, _by_line


def _text(text: str, room: int, ruler: Ruler, cutters: Sequence[Cutter]) -> list[tuple[str, str]]:
    """Returns the parts, each with the white space before it."""
    if not cutters:
        return _glued(_slices(text, room, ruler))
    parts = list(cutters[0](text))
    ruler.learn(part.rstrip() for part in parts)
    result: list[tuple[str, str]] = []
    glue = ""
    for part in parts:
        bare = part.rstrip()
        inner = [("", bare)] if ruler.length(bare) <= room else _text(bare, room, ruler, cutters[1:])
        result += [(glue + inner[0][0], inner[0][1]), *inner[1:]] if bare else []
        glue = part[len(bare) :] if bare else glue + part
    return result


def _glued(parts: list[str]) -> list[tuple[str, str]]:
    glue, result = "", []
    for part in parts:
        bare = part.rstrip()
        if bare:
            result.append((glue, bare))
            glue = ""
        glue += part[len(bare) :]
    return result


def _by_sentence(text: str) -> Iterator[str]:
    starts: list[int] = []
    for begin, _ in sentence_spans(text, 0, len(text)):
        stop_if_left()
        starts.append(begin)
    for begin, following in pairwise([*starts, len(text)]):
        yield text[begin:following]


def _by_line(text: str) -> Iterator[str]:
    return (found[0] for found in _LINE.finditer(text))


def _by_item(text: str) -> Iterator[str]:
    """Yields the items of the outermost list, each with what is indented below it."""
    item = ""
    for line in _by_line(text):
        if item and _ITEM.match(line):
            yield item
            item = ""
        item += line
    yield item


def _slices(text: str, room: int, ruler: Ruler) -> list[str]:
    """Cuts at spaces where there are any: first by an estimated length, then in halves until all parts fit."""
    parts = list(_windows(text, 3 * max(room, 1)))
    while True:
        ruler.learn(part.rstrip() for part in parts)
        if all(_fits(part, room, ruler) for part in parts):
            return parts
        parts = [
            smaller
            for part in parts
            for smaller in ([part] if _fits(part, room, ruler) else _windows(part, -(-len(part) // 2)))
        ]


def _fits(part: str, room: int, ruler: Ruler) -> bool:
    return len(part) < 2 or ruler.length(part.rstrip()) <= room


def _windows(text: str, size: int) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            spaces = list(_SPACE.finditer(text, start + size // 2, end))
            end = spaces[-1].end() if spaces else end
        yield text[start:end]
        start = end


def _table(rows: tuple[TableRow, ...], room: int, ruler: Ruler) -> list[tuple[str, str]]:
    """Cuts a table by rows, each part with the header; a table too wide for that is written cell by cell."""
    header, body = rows[0], rows[1:]
    lines = [table_row(row) for row in body]
    ruler.learn([table_head(header), *lines])
    left = room - ruler.length(table_head(header))
    if left < room // 2 or not body:
        cells = "\n".join(cell for cell in header if cell)
        return [*_text(cells, room, ruler, (_by_line, _by_sentence)), *_row_texts(header, body, room, ruler)]
    result: list[tuple[str, str]] = []
    for group in _row_groups(body, [ruler.length(line) for line in lines], left):
        if len(group) == 1 and ruler.length(table_row(group[0])) > left:
            result += _row_texts(header, group, room, ruler)
        else:
            result.append((BETWEEN_BLOCKS, table_markdown((header, *group))))
    return result


def _row_groups(body: Sequence[TableRow], lengths: list[int], left: int) -> Iterator[list[TableRow]]:
    """Groups rows to about equal length, so that the last group is not a single row; a row too long is alone."""
    parts = max(1, -(-sum(lengths) // left))
    aim = min(left, -(-sum(lengths) // parts) + max(lengths) // 2)
    group: list[TableRow] = []
    filled = 0
    for row, length in zip(body, lengths, strict=True):
        if group and filled + length > aim:
            yield group
            group, filled = [], 0
        group.append(row)
        filled += length
    yield group


def _row_texts(header: TableRow, body: Sequence[TableRow], room: int, ruler: Ruler) -> Iterator[tuple[str, str]]:
    """Writes a row with one line for each cell, after its column's name."""
    for row in body:
        lines = (f"{name}: {cell}" if name else cell for name, cell in zip(header, row, strict=True) if cell)
        parts = _text("\n".join(lines), room, ruler, (_by_line, _by_sentence))
        yield from ((glue if place else BETWEEN_BLOCKS, text) for place, (glue, text) in enumerate(parts))
