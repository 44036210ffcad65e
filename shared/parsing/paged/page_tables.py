"""Puts the tables of a page into its blocks, in place of what layout analysis made of their words."""

from collections.abc import Sequence

from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.paged.table_finder import FoundTable, find_tables, is_list
from shared.parsing.paged.table_words import centre_in, overlap
from shared.parsing.paged.text_blocks import TextPage, text_blocks
from shared.parsing.paged.text_columns import text_columns
from shared.parsing.paged.text_layer import TextRun, words_of
from shared.parsing.paged.unowned_text import insert_block
from shared.parsing.tables import table_markdown
from shared.types.passage import Box, around

_MIXED = 0.2
"""Share of the smaller of two paragraphs that lies in the other."""


def add_tables(
    blocks: Sequence[Block], page: TextPage, number: int, body: float, sideways: Sequence[TextRun] = ()
) -> list[Block]:
    """Returns the blocks with the page's tables. What else a former table held, a caption or a note, is left out: it is
    in no block then, or in another one already. `sideways` are the runs of other directions, which a ruled table may
    have in its header."""
    blocks = [part for block in blocks for part in _without_text(block, page, number, body)]
    regions = [_points(block.box, page) for block in blocks if block.kind == "table" and block.box]
    whole = list(blocks)
    for table in find_tables(page.runs, page.rulings, regions, sideways):
        whole = _with_table(whole, table, page, number, body)
    return _rebuilt(whole, page, number, body)


def _rebuilt(blocks: Sequence[Block], page: TextPage, number: int, body: float) -> list[Block]:
    """Reads paragraphs that lie on one another from the page's lines: layout analysis divides lines between them."""
    whole: list[Block] = []
    for block in blocks:
        last = whole[-1] if whole else None
        if last and _are_mixed(last, block):
            assert last.box and block.box
            box = _points(around((last.box, block.box)), page)
            runs = [run for run in page.runs if centre_in(run.box, box)]
            whole[-1:] = text_blocks(replace(page, runs=runs), number, body)
        else:
            whole.append(block)
    return whole


def _are_mixed(one: Block, other: Block) -> bool:
    if one.kind != "paragraph" or other.kind != "paragraph" or not one.box or not other.box:
        return False
    return overlap(one.box, other.box) > _MIXED


def _without_text(block: Block, page: TextPage, number: int, body: float) -> list[Block]:
    """Returns the text of a block that is a list or text in two columns, though layout analysis calls it a table."""
    if block.kind != "table" or block.box is None:
        return [block]
    box = _points(block.box, page)
    runs = [run for run in page.runs if centre_in(run.box, box)]
    parts = [runs] if is_list(block.rows) else _columns(runs)
    return [text for part in parts for text in text_blocks(replace(page, runs=part), number, body)] or [block]


def _columns(runs: Sequence[TextRun]) -> list[list[TextRun]]:
    """Returns the runs of each part of a text in two columns, where they are one."""
    parts = text_columns([word for run in runs for word in words_of(run)])
    places = {word: place for place, part in enumerate(parts) for word in part}
    return [[run for run in runs if places[words_of(run)[0]] == place] for place in range(len(parts))]


def _with_table(blocks: Sequence[Block], table: FoundTable, page: TextPage, number: int, body: float) -> list[Block]:
    box = page.fractions(table.box)
    block = Block("table", table_markdown(table.rows), rows=table.rows, page=number, box=box)
    before: list[Block] = []
    after: list[Block] = []
    is_replaced = False
    for other in blocks:
        above, below = _rest(other, table, page, number, body)
        is_other = above == [other]
        (after if is_replaced else before).extend(above)
        is_replaced |= not is_other
        after += below
    if not is_replaced:
        insert_block(before, block)
        return before
    return [*before, block, *after]


def _rest(block: Block, table: FoundTable, page: TextPage, number: int, body: float) -> tuple[list[Block], list[Block]]:
    """Returns what of the block remains above the table and below it."""
    if block.box is None:
        return [block], []
    box = _points(block.box, page)
    if block.kind == "picture":  # its text is its caption, which stands elsewhere
        return [block if overlap(box, table.box) < 0.5 else replace(block, kind="paragraph")], []
    runs = [run for run in page.runs if centre_in(run.box, box)]
    rest = [part for run in runs if (part := _outside(run, table.box))]
    if rest == runs and runs:
        return [block], []
    if not runs and overlap(box, table.box) < 0.5:
        return [block], []
    if block.kind == "table":
        return [], []
    middle = (table.box[1] + table.box[3]) / 2
    parts = ([run for run in rest if run.box[1] < middle], [run for run in rest if run.box[1] >= middle])
    above, below = (text_blocks(replace(page, runs=part), number, body) for part in parts)
    return above, below


def _outside(run: TextRun, box: Box) -> TextRun | None:
    """Returns the words of the run that do not stand in the box."""
    words = words_of(run)
    rest = [word for word in words if not centre_in(word.box, box)]
    if len(rest) in (0, len(words)):
        return run if rest else None
    text = " ".join(word.text for word in rest)
    return replace(run, text=text, box=around(word.box for word in rest), words=tuple(rest))


def _points(box: Box, page: TextPage) -> Box:
    left, top, right, bottom = box
    return left * page.width, top * page.height, right * page.width, bottom * page.height
