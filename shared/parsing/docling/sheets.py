"""Workbooks that are too large or too sparse for Docling, read row by row."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from shared.parsing.assembly import Assembly
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

MOST_CELLS = 20_000
"""Docling takes about a millisecond for each cell of the rectangle that a sheet spans, empty or not."""

_CELL = re.compile(rb'\br(?:ef)?="(?:[A-Z]{1,3}[0-9]{1,7}:)?([A-Z]{1,3})([0-9]{1,7})"')
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)


def are_large(content: bytes) -> bool:
    """Whether the sheets of this workbook span more than `MOST_CELLS`, by the names of their cells."""
    cells = 0
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for entry in archive.infolist():
            if _SHEET.fullmatch(entry.filename):
                cells += _spanned(archive.read(entry))
                if cells > MOST_CELLS:
                    return True
    return False


def _spanned(sheet: bytes) -> int:
    columns, rows = 0, 0
    for found in _CELL.finditer(sheet):
        columns = max(columns, _column(found[1]))
        rows = max(rows, int(found[2]))
    return columns * rows


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def read_large(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """Every run of rows between empty ones is a table, of the columns that it uses. A sheet counts as a page."""
    from openpyxl import load_workbook

    workbook = load_workbook(BytesIO(content), read_only=True, data_only=True)
    assembly = Assembly(limits)
    for place, sheet in enumerate(workbook.worksheets, 1):
        if sheet.sheet_state != "visible":
            continue
        assembly.page = place
        assembly.heading(2, sheet.title)
        sheet.reset_dimensions()
        rows = (
            {place: _cell_text(value) for place, value in enumerate(row) if value is not None and value != ""}
            for row in sheet.iter_rows(values_only=True)
        )
        for table in tables(rows, limits):
            assembly.table(table)
    return assembly.finish(len(workbook.worksheets))


def tables(rows: Iterable[dict[int, str]], limits: ParsingLimits) -> Iterator[list[list[str]]]:
    """Each run of rows that are not empty. A row is what stands in it, by column."""
    run: list[dict[int, str]] = []
    held = 0
    for cells in rows:
        held += sum(map(len, cells.values()))
        if held > limits.expanded_bytes:
            raise Rejected("too-large-expanded", f"its text exceeds {limits.expanded_bytes} bytes")
        if cells:
            run.append(cells)
        elif run:
            yield _table(run)
            run = []
    if run:
        yield _table(run)


def _table(run: list[dict[int, str]]) -> list[list[str]]:
    used = sorted({place for cells in run for place in cells})
    return [[cells.get(place, "") for place in used] for cells in run]


def _cell_text(value: Any) -> str:
    """Dates without a time that nobody wrote."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    return value.isoformat() if isinstance(value, date) else str(value)
