"""Completes the blocks of layout analysis from the page's text layer: marks of lists, rows of small tables, levels of
headings."""

import re
from collections.abc import Sequence
from itertools import groupby

from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.paged.table_words import is_right_to_left
from shared.parsing.paged.text_blocks import TextPage, body_size, heading_level, lines_of, rows_of_runs, text_of
from shared.parsing.paged.text_layer import TextRun
from shared.parsing.tables import rectangular, table_markdown
from shared.types.passage import around

FEWEST_ROWS = 3
_LONGEST_NAME = 10
"""Letters of a glyph's name, which layout analysis returns for a mark that has no letter."""

_MARK = re.compile("[•·*∙⁃‣∗⋅⋄→»›\uf000-\uf8ff\ufffd\u25a0\u25aa-\u25ff\u2b00-\u2bff\u2700-\u2712\u271a-\u27bf–—-]")
"""What marks the items of lists. Checks, and signs that say something of what they precede (§, €, ≥, ±), stay in it."""


def repair_layout(blocks: Sequence[Block], page: TextPage, body: float) -> list[Block]:
    """`body` is the size of the page's text, in points."""
    return _merge_lists([_repaired(block, _within(block, page), body) for block in blocks])


def from_right_to_left(blocks: Sequence[Block], page: TextPage) -> list[Block]:
    """Returns the blocks with the text of the page's own layer where it is written from right to left: Docling returns
    forms instead of letters, and takes points from them. A block without a run of the layer is a piece of another."""
    whole: list[Block] = []
    rest = page
    for block in blocks:
        if block.kind not in ("paragraph", "heading", "list") or not block.box or not is_right_to_left(block.text):
            whole.append(block)
            continue
        if runs := _within(block, rest):
            rest = replace(rest, runs=[run for run in rest.runs if run not in runs])
            whole.append(replace(block, text=text_of(line.text for line in lines_of(runs))[1]))
    return whole


def _repaired(block: Block, runs: list[TextRun], body: float) -> Block:
    if not runs:
        return block
    if block.kind == "heading":
        return replace(block, level=heading_level(block.text, body_size(runs), body))
    if block.kind == "paragraph":
        return _table(block, runs) or _list_item(block, runs)
    return block


def _within(block: Block, page: TextPage) -> list[TextRun]:
    if block.box is None:
        return []
    left, top, right, bottom = block.box
    found = []
    for run in page.runs:
        x1, y1, x2, y2 = page.fractions(run.box)
        if left <= (x1 + x2) / 2 <= right and top <= (y1 + y2) / 2 <= bottom:
            found.append(run)
    return found


def _table(block: Block, runs: list[TextRun]) -> Block | None:
    """Returns a table where the paragraph is one: every row has as many runs."""
    rows = rows_of_runs(runs)
    if len(rows) < FEWEST_ROWS or {len(row) for row in rows} != {max(len(rows[0]), 2)}:
        return None
    cells = rectangular([run.text for run in row] for row in rows)
    return replace(block, kind="table", text=table_markdown(cells), rows=cells)


def _list_item(block: Block, runs: list[TextRun]) -> Block:
    """Returns a list where the paragraph begins with the name of its mark's glyph."""
    name, _, rest = block.text.partition(" ")
    first = rows_of_runs(runs)[0][0].text
    mark, words = first[:1], first[1:].strip()
    if not _MARK.match(mark) or len(name) > _LONGEST_NAME or not rest.startswith(words[:20]):
        return block
    kind, text = text_of(iter([f"• {rest}"]))
    return replace(block, kind=kind, text=text)


def _merge_lists(blocks: list[Block]) -> list[Block]:
    """Merges consecutive lists into one."""
    whole: list[Block] = []
    for kind, group in groupby(blocks, key=lambda block: block.kind):
        items = list(group)
        boxes = [item.box for item in items if item.box]
        if kind == "list" and len(boxes) == len(items):
            items = [replace(items[0], text="\n".join(item.text for item in items), box=around(boxes))]
        whole += items
    return whole
