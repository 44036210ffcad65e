"""Lines, blocks and tables of a page are read in the order in which they are printed."""

import pytest
from docling_core.types.doc.base import BoundingBox

from shared.parsing.document import Block
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.ocr import in_reading_order as lines_in_order
from shared.parsing.paged.reading_order import in_reading_order
from shared.parsing.paged.slices import parse
from tests.speed.page_order import order_faults, ordered_page


def line(left: float, top: float) -> BoundingBox:
    return BoundingBox(l=left, t=top, r=left + 100, b=top + 7)


def test_an_indented_line_stays_above_the_next_one_however_small_the_print() -> None:
    column = [line(20, 10), line(10, 18), line(10, 26)]
    assert lines_in_order(column) == [0, 1, 2]


def test_each_of_two_columns_reads_from_its_top_though_their_lines_are_not_level() -> None:
    left = [line(10, 10 + 8 * row) for row in range(5)]
    right = [line(150, 13 + 8 * row) for row in range(5)]
    order = lines_in_order([*right, *left])
    assert [number for number in order if number < 5] == [0, 1, 2, 3, 4]
    assert [number for number in order if number > 4] == [5, 6, 7, 8, 9]


def test_what_stands_on_one_line_reads_from_the_left() -> None:
    assert lines_in_order([line(150, 11), line(10, 10), line(300, 9)]) == [1, 0, 2]


Place = tuple[float, float, float, float]
TEXT = "text that is long enough to be a part of a paragraph in a column"
_TITLE: Place = (0.1, 0.05, 0.9, 0.08)
_LEFT: Place = (0.1, 0.1, 0.48, 0.3)
_RIGHT: Place = (0.52, 0.1, 0.9, 0.35)
_TABLE: Place = (0.1, 0.4, 0.9, 0.5)
_LOWER_LEFT: Place = (0.1, 0.55, 0.48, 0.7)
_LOWER_RIGHT: Place = (0.52, 0.55, 0.9, 0.8)


@pytest.mark.parametrize(
    ("printed", "given"),
    [
        (
            [(0.1, 0.1, 0.4, 0.12), (0.1, 0.15, 0.9, 0.3), (0.1, 0.33, 0.5, 0.4)],
            [1, 2, 0],
        ),  # a short line above a table
        ([_LEFT, (0.1, 0.32, 0.48, 0.5), _RIGHT, (0.52, 0.37, 0.9, 0.5)], [0, 2, 1, 3]),
        ([_LEFT, (0.1, 0.32, 0.48, 0.6), _RIGHT], [0, 2, 1]),  # the left column is the longer one
        ([_TITLE, _LEFT, _RIGHT, _TABLE, _LOWER_LEFT, _LOWER_RIGHT], [0, 1, 4, 2, 3, 5]),
        ([_LEFT, _RIGHT, _TABLE], [2, 0, 1]),
        ([(0.1, 0.1, 0.7, 0.3), (0.1, 0.32, 0.7, 0.5), (0.75, 0.12, 0.9, 0.2)], [2, 1, 0]),  # a note at the side
    ],
)
def test_columns_read_from_the_top_and_what_stands_across_them_divides_them(
    printed: list[Place], given: list[int]
) -> None:
    blocks = [Block("paragraph", f"{TEXT} {place}", page=1, box=box) for place, box in enumerate(printed)]
    assert in_reading_order([blocks[place] for place in given]) == blocks


def test_rows_of_labels_stay_rows() -> None:
    places: list[Place] = [(left, top, left + 0.2, top + 0.02) for top in (0.1, 0.15, 0.2) for left in (0.1, 0.6)]
    blocks = [Block("paragraph", f"label {place}", page=1, box=box) for place, box in enumerate(places)]
    assert in_reading_order(blocks) == blocks


def test_a_block_without_a_place_follows_the_block_before_it() -> None:
    low = Block("paragraph", "low", page=1, box=_TABLE)
    high, note = Block("paragraph", "high", page=1, box=_TITLE), Block("paragraph", "note", page=1)
    assert in_reading_order([low, note, high]) == [high, low, note]


@pytest.mark.parametrize("seed", [5, 9, 11, 16, 33, 47])
def test_the_parts_of_a_page_with_tables_are_read_in_the_order_in_which_they_are_printed(seed: int) -> None:
    content, parts = ordered_page(seed)
    assert order_faults(parts, parse("application/pdf", "a.pdf", content, ParsingLimits(page_seconds=600))) == 0
