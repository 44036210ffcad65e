"""A table of a sheet is one table, whatever empty or hidden rows and columns lie in it."""

from collections.abc import Callable, Sequence

import pytest
from openpyxl import Workbook

from shared.parsing.dispatch import parse
from shared.parsing.docling.hidden_lines import HiddenLines
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from tests.documents.make import saved
from tests.shared.parsing.test_open_documents import package, read, row, table, words

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Rows = Sequence[Sequence[str | int | None]]
TOWNS: Rows = (
    ["Town", None, "Rain", "Sun"],
    [],
    ["Vik", None, 11, 12],
    ["Bodo", None, 21, 22],
    [],
    ["Molde", None, 31, 32],
    [],
    ["Total", None, 63, 66],
)
TOWNS_READ = tuple(tuple(str(text) for text in each if text is not None) for each in TOWNS if each)
ROLES: Rows = (["Name", "x", "Role"], ["Ann", "x", "Cook"], ["x", "x", "x"], ["Bob", "x", "Pilot"])
ROLES_READ = (("Name", "Role"), ("Ann", "Cook"), ("Bob", "Pilot"))
TWO: Rows = (["Name", "Role"], ["Ann", "Cook"], [], ["Goods", "Place"], ["Rope", "Quay"])
TWO_READ = (("Name", "Role"), ("Ann", "Cook")), (("Goods", "Place"), ("Rope", "Quay"))


def workbook(rows: Rows, *, is_hidden: bool = False) -> ParsedDocument:
    book = Workbook()
    for each in rows:
        book.active.append(list(each))
    if is_hidden:
        for line in (3, 7):
            book.active.row_dimensions[line].hidden = True
        book.active.column_dimensions["B"].hidden = True
    return parse("docling", SHEET, "a.xlsx", saved(book), ParsingLimits())


def open_sheet(rows: Rows, *, is_hidden: bool = False) -> ParsedDocument:
    column = "<table:table-column/>"
    hidden = '<table:table-column table:visibility="collapse"/>' if is_hidden else column
    empty = "<table:table-cell/>"
    lines = [
        row(
            *(empty if text is None else words(str(text)) for text in each or [None]),
            more='table:visibility="collapse"' if is_hidden and place == 2 else "",
        )
        for place, each in enumerate(rows)
    ]
    return read("spreadsheet", package("spreadsheet", table("T", column, hidden, column * 2, *lines)))


@pytest.mark.parametrize("read_sheet", [workbook, open_sheet])
@pytest.mark.parametrize("is_large", [False, True])
def test_empty_and_hidden_rows_and_columns_do_not_tear_a_table(
    read_sheet: Callable[..., ParsedDocument], is_large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_large:
        monkeypatch.setattr("shared.parsing.docling.sheets.MOST_CELLS", 1)
        monkeypatch.setattr("shared.parsing.docling.open_sheets.MOST_CELLS", 1)
    assert [block.rows for block in read_sheet(TOWNS).blocks if block.rows] == [TOWNS_READ]
    document = read_sheet(ROLES, is_hidden=True)
    assert [block.rows for block in document.blocks if block.rows] == [ROLES_READ]
    assert document.hidden_words == 6
    assert [block.rows for block in read_sheet(TWO).blocks if block.rows] == list(TWO_READ)


def test_places_of_lines_are_counted_without_the_hidden_ones() -> None:
    lines = HiddenLines([range(8, 9), range(2, 4), range(3, 6), range(1, 1)])
    assert [lines.place(line) for line in range(11)] == [0, 1, 2, 2, 2, 2, 2, 3, 4, 4, 5]
