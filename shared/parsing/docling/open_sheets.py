"""Spreadsheets of OpenDocument that are too large or too sparse for Docling, read row by row.

A row or a cell is written once there with how often it is repeated, empty ones up to the end of the sheet.
"""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from lxml import etree
from msgspec import Struct

from shared.parsing.assembly import Assembly
from shared.parsing.docling.sheets import MOST_CELLS, MOST_GAPS, tables
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

MOST_FILLED = 2_000_000
"""Cells with something in them, repeated ones each time."""

MOST_IN_A_TEXT = 400_000
"""Cells of the tables of a text or a presentation, empty ones too."""

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_WIDEST = 16_384


class SheetRow(Struct, frozen=True):
    """A row's cells by column, and how often the row is repeated."""

    cells: dict[int, str]
    times: int


class Sheet(Struct, frozen=True):
    name: str
    rows: list[SheetRow]


def read_if_large(content: bytes, limits: ParsingLimits) -> ParsedDocument | None:
    """Read like a large workbook; None where Docling can read it."""
    found = list(sheets(content))
    if sum(map(_spanned, found)) <= MOST_CELLS:
        return None
    assembly = Assembly(limits)
    for place, sheet in enumerate(found, 1):
        assembly.page = place
        assembly.heading(2, sheet.name)
        rows = (row.cells for row in sheet.rows for _ in range(row.times if row.cells else min(row.times, MOST_GAPS)))
        for table in tables(rows, limits):
            assembly.table(table)
    return assembly.finish(len(found))


def check_tables(content: bytes) -> None:
    """Raises Rejected("too-large-expanded") for tables of a text that repeat more than anybody reads."""
    if sum(map(_spanned, sheets(content))) > MOST_IN_A_TEXT:
        raise Rejected("too-large-expanded", f"its tables have more than {MOST_IN_A_TEXT} cells")


def sheets(content: bytes) -> Iterator[Sheet]:
    """Raises Rejected("too-large-expanded") for more than anybody reads."""
    with zipfile.ZipFile(BytesIO(content)) as archive, archive.open("content.xml") as part:
        opened: list[Sheet] = []
        filled = 0
        for event, element in etree.iterparse(part, events=("start", "end"), no_network=True, resolve_entities=False):
            if event == "start" and element.tag == f"{_TABLE}table":
                opened.append(Sheet(element.get(f"{_TABLE}name", ""), []))
            elif event == "end" and element.tag == f"{_TABLE}table" and opened:
                sheet = opened.pop()
                if not opened:
                    yield sheet
            elif event == "end" and element.tag == f"{_TABLE}table-row" and opened:
                if element.get(f"{_TABLE}visibility") == "collapse":
                    element.clear()
                    continue
                row = _row(element)
                filled += len(row.cells) * row.times
                if filled > MOST_FILLED:
                    raise Rejected("too-large-expanded", f"it has more than {MOST_FILLED} cells")
                opened[-1].rows.append(row)
                element.clear()


def _row(element: Any) -> SheetRow:
    cells: dict[int, str] = {}
    place = 0
    for cell in element.iterchildren(*_CELLS):
        times = _times(cell, "columns", _WIDEST)
        if text := "\n".join("".join(each.itertext()) for each in cell.iterchildren(f"{_TEXT}p")).strip():
            cells |= dict.fromkeys(range(place, min(place + times, _WIDEST)), text)
        place += times
    return SheetRow(cells, _times(element, "rows", 1 << 20))


def _times(element: Any, what: str, most: int) -> int:
    value = element.get(f"{_TABLE}number-{what}-repeated", "1")
    return max(1, min(int(value), most)) if value.isascii() and value.isdigit() and len(value) < 10 else 1


def _spanned(sheet: Sheet) -> int:
    """The cells of the rectangle that holds everything."""
    place, last, widest = 0, 0, 0
    for row in sheet.rows:
        place += row.times
        if row.cells:
            last, widest = place, max(widest, max(row.cells) + 1)
    return last * widest
