"""Lines that were found in a picture of small print keep their order."""

from docling_core.types.doc.base import BoundingBox

from shared.parsing.paged.ocr import in_reading_order


def line(left: float, top: float) -> BoundingBox:
    return BoundingBox(l=left, t=top, r=left + 100, b=top + 7)


def test_an_indented_line_stays_above_the_next_one_however_small_the_print() -> None:
    column = [line(20, 10), line(10, 18), line(10, 26)]
    assert in_reading_order(column) == [0, 1, 2]


def test_each_of_two_columns_reads_from_its_top_though_their_lines_are_not_level() -> None:
    left = [line(10, 10 + 8 * row) for row in range(5)]
    right = [line(150, 13 + 8 * row) for row in range(5)]
    order = in_reading_order([*right, *left])
    assert [number for number in order if number < 5] == [0, 1, 2, 3, 4]
    assert [number for number in order if number > 4] == [5, 6, 7, 8, 9]


def test_what_stands_on_one_line_reads_from_the_left() -> None:
    assert in_reading_order([line(150, 11), line(10, 10), line(300, 9)]) == [1, 0, 2]
