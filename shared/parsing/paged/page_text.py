"""Reads the blocks of a page that has a text layer: every word that is seen is in a block, and no other."""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.engine import current_engine
from shared.parsing.letters import letters_of
from shared.parsing.links import with_address
from shared.parsing.paged import layout
from shared.parsing.paged.annotations import PageLink
from shared.parsing.paged.layout_repair import from_right_to_left, repair_layout
from shared.parsing.paged.page_method import page_method
from shared.parsing.paged.page_tables import add_tables
from shared.parsing.paged.raised_text import write_raised
from shared.parsing.paged.reading_order import in_reading_order
from shared.parsing.paged.rulings import ruling
from shared.parsing.paged.table_words import TableWord, centre_in
from shared.parsing.paged.text_blocks import TextPage, body_size, rows_of_runs, text_blocks
from shared.parsing.paged.text_layer import TextRun
from shared.parsing.paged.unowned_text import add_unowned, insert_block
from shared.parsing.tables import table_markdown
from shared.types.passage import Box

LEAST_FIELDS = 0.2
"""Share of the rows of a form that have fields."""


def layout_quarters(page: TextPage) -> int | None:
    """Returns the quarter turns after which layout analysis reads the page; None where its text layer is enough."""
    counts = _letters_by_direction(page)
    main = counts.index(max(counts))
    turned = _rotated(page, main)
    turned = replace(turned, runs=[run for run in turned.runs if run.quarters == 0])
    if _is_form(turned) or not layout.is_available():
        return None
    return main if current_engine().is_docling or page_method(turned) == "layout" else None


def page_blocks(page: TextPage, number: int, found: Sequence[Block] | None = None) -> list[Block]:
    """`found` are the blocks of layout analysis, on the page as it was rotated for it; None without."""
    counts = _letters_by_direction(page)
    main = counts.index(max(counts))
    blocks = _of_direction(page, main, number, found)
    for quarters in range(4):
        if counts[quarters] and quarters != main:
            for block in _of_direction(_without_cells(page, quarters, blocks), quarters, number, None):
                insert_block(blocks, block)
    write_raised(blocks, [(word, page.fractions(word.box)) for run in page.runs for word in run.raised])
    for link in page.links:
        _add_address(blocks, link, page)
    notes = [
        Block("paragraph", note.text, page=number, box=page.fractions(note.box), aside=True) for note in page.notes
    ]
    return blocks + notes


def _letters_by_direction(page: TextPage) -> list[int]:
    return [sum(len(run.text) for run in page.runs if run.quarters == quarters) for quarters in range(4)]


def _without_cells(page: TextPage, quarters: int, blocks: Sequence[Block]) -> TextPage:
    """Returns the page without those runs of the direction that are in a table already."""
    tables = [(letters_of(block.text), block.box) for block in blocks if block.kind == "table" and block.box]

    def is_held(run: TextRun) -> bool:
        box = page.fractions(run.box)
        return run.quarters == quarters and any(
            centre_in(box, table) and letters_of(run.text) in letters for letters, table in tables
        )

    return replace(page, runs=[run for run in page.runs if not is_held(run)])


def _of_direction(page: TextPage, quarters: int, number: int, found: Sequence[Block] | None) -> list[Block]:
    """Returns the blocks of the runs that are upright once the page is rotated."""
    upright = _rotated(page, quarters)
    runs = [run for run in upright.runs if run.quarters == 0]
    others = [run for run in upright.runs if run.quarters]
    turned = replace(upright, runs=runs)
    body = body_size(runs)
    blocks = None if found is None else _without(found, [*upright.hidden, *others], turned)
    if blocks is not None:
        blocks = from_right_to_left(blocks, turned)
        if not current_engine().is_docling:
            blocks = add_tables(blocks, turned, number, body, others)
        blocks = add_unowned(blocks, turned, number, body)
        if not current_engine().is_docling:
            blocks = in_reading_order(blocks)
    else:
        blocks = text_blocks(turned, number, body)
        if not _is_form(turned):
            blocks = add_tables(blocks, turned, number, body, others)
    blocks = repair_layout(blocks, turned, body)
    return [replace(block, box=layout.rotated_box(block.box, -quarters % 4)) for block in blocks]


def _is_form(page: TextPage) -> bool:
    """Whether so many rows have fields that the page is read row by row: a field belongs to the label beside it."""
    return page.fields > LEAST_FIELDS * len(rows_of_runs(page.runs))


def _rotated(page: TextPage, quarters: int) -> TextPage:
    """Rotates the page clockwise by quarter turns."""
    for _ in range(quarters):
        page = replace(
            page,
            runs=[_rotated_run(run, page.height) for run in page.runs],
            hidden=[_rotated_run(run, page.height) for run in page.hidden],
            rulings=[ruling(_rotated_box(one.box, page.height)) for one in page.rulings],
            width=page.height,
            height=page.width,
        )
    return page


def _rotated_run(run: TextRun, height: float) -> TextRun:
    turned = (run.quarters - 1) % 4
    words = tuple(TableWord(word.text, _rotated_box(word.box, height)) for word in run.words)
    box = _rotated_box(run.box, height)
    return replace(run, box=box, quarters=turned, upright=turned == 0, words=words)


def _rotated_box(box: Box, height: float) -> Box:
    left, top, right, bottom = box
    return height - bottom, left, height - top, right


def _without(blocks: Sequence[Block], unwanted: Sequence[TextRun], page: TextPage) -> list[Block] | None:
    """Removes the runs from the blocks; None where one of them cannot be told from the text around it."""
    remaining = list(blocks)
    for run in unwanted:
        pattern = re.compile(r"\W*".join(map(re.escape, re.findall(r"\w+", run.text))) or r"(?!)")
        box = page.fractions(run.box)
        for place, block in enumerate(remaining):
            if _overlap(block.box, box) and letters_of(run.text) in letters_of(block.text):
                rows = tuple(tuple(pattern.sub("", cell) for cell in row) for row in block.rows)
                text = table_markdown(rows) if rows else " ".join(pattern.sub("", block.text, count=1).split())
                if letters_of(text) == letters_of(block.text):
                    return None
                remaining[place] = replace(block, text=text, rows=rows)
                break
    return [block for block in remaining if letters_of(block.text)] if unwanted else remaining


def _overlap(one: Box | None, other: Box) -> bool:
    return one is None or (one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3])


def _add_address(blocks: list[Block], link: PageLink, page: TextPage) -> None:
    """Writes the address of a link behind its words."""
    words = " ".join(run.text for run in page.runs if _lies_in(run.box, link.box))
    box = page.fractions(link.box)
    for place, block in enumerate(blocks):
        text = _linked_words(words, block, box)
        if text and _overlap(block.box, box):
            linked = with_address(text, link.address)
            rows = tuple(tuple(linked if cell == text else cell for cell in row) for row in block.rows)
            written = table_markdown(rows) if rows else block.text.replace(text, linked, 1)
            blocks[place] = replace(block, text=written, rows=rows)
            return


def _linked_words(words: str, block: Block, box: Box) -> str:
    """Returns the link's words as they stand in the block; all of it where the link is a part of one run."""
    if words and words in block.text:
        return words
    return block.text if not words and block.kind != "table" and _overlap(block.box, box) else ""


def _lies_in(inner: Box, outer: Box) -> bool:
    return outer[0] - 2 <= inner[0] and inner[2] <= outer[2] + 2 and outer[1] <= (inner[1] + inner[3]) / 2 <= outer[3]
