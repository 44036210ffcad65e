"""Sheets that are too large or too sparse for Docling, and the tables in their rows."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO

from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

MOST_CELLS = 20_000
"""Docling takes about a millisecond for each cell of the rectangle that a sheet spans, empty or not."""

MOST_GAPS = 2
"""Empty rows that always part two tables."""

_LOOKED_AT = 10
"""Rows of a table that show which columns it has."""

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
        columns = max(columns, column_number(found[1]))
        rows = max(rows, int(found[2]))
    return columns * rows


def column_number(letters: bytes) -> int:
    """The number of the column that letters name; the first is 1."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def tables(rows: Iterable[dict[int, str]], limits: ParsingLimits) -> Iterator[list[list[str]]]:
    """Each run of rows, which may go on after one that is empty. A row is what stands in it, by column."""
    run: list[dict[int, str]] = []
    held, gaps = 0, 0
    for cells in rows:
        held += sum(map(len, cells.values()))
        if held > limits.expanded_bytes:
            raise Rejected("too-large-expanded", f"its text exceeds {limits.expanded_bytes} bytes")
        if not cells:
            gaps += 1
            continue
        if run and gaps and (gaps >= MOST_GAPS or not _goes_on(run, cells)):
            yield _table(run)
            run = []
        gaps = 0
        run.append(cells)
    if run:
        yield _table(run)


def _goes_on(run: list[dict[int, str]], cells: dict[int, str]) -> bool:
    """Whether a row behind an empty one belongs to the rows before: it has their columns, and they are only a head or
    it has figures, which no head has."""
    used = {place for row in run[-_LOOKED_AT:] for place in row}
    if len(used) < 2 or len(cells) < 2 or min(cells) != min(used) or max(cells) > max(used):
        return False
    return len(run) == 1 or has_figures(cells.values())


def has_figures(cells: Iterable[str]) -> bool:
    """Whether a row has numbers, by which it is none of the names of columns."""
    return any(text[:1].isdigit() or text[:1] in "-$€£" for text in cells if text)


def _table(run: list[dict[int, str]]) -> list[list[str]]:
    used = sorted({place for cells in run for place in cells})
    return [[cells.get(place, "") for place in used] for cells in run]
