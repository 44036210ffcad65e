"""Tables of separated values."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.tables import row_line
from shared.types.errors import Rejected

DELIMITERS = ",;\t|"
SAMPLE_CHARACTERS = 64 * 1024
SAMPLE_ROWS = 100

MOST_BEFORE = 30
"""Lines above the head of a table: its title, for example, and when it was made."""

_SEPARATOR = re.compile(r'\s*"?sep=(.)"?[ \t]*(?:\n|\Z)', re.IGNORECASE)


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    read_into(assembly, decode(content), limits)
    return assembly.finish()


def read_into(assembly: Assembly, text: str, limits: ParsingLimits) -> None:
    csv.field_size_limit(limits.expanded_bytes)
    named = _SEPARATOR.match(text)
    text = text[named.end() :] if named else text
    sample = text[:SAMPLE_CHARACTERS]
    delimiter = named[1] if named else max(DELIMITERS, key=lambda candidate: _fit(sample, candidate))
    try:
        rows = _read_rows(text, delimiter)
    except (csv.Error, TypeError, ValueError) as error:
        raise Rejected("corrupt", f"it cannot be read as a table: {error}") from error
    head = _head(rows)
    for row in rows[:head]:
        assembly.paragraph(row_line([cell.strip().rstrip(":") for cell in row if cell.strip()]))
    assembly.table(rows[head:])


def _head(rows: list[list[str]]) -> int:
    """The place of the table's first row: the lines above it have far fewer cells than most rows have."""
    widths = [sum(map(bool, map(str.strip, row))) for row in rows]
    width = max(Counter(filter(None, widths)).items(), key=lambda item: (item[1], item[0]), default=(0, 0))[0]
    for place, filled in enumerate(widths[: MOST_BEFORE + 1]):
        if filled > max(1, width // 2):
            return place if place < MOST_BEFORE else 0
    return 0


def _read_rows(text: str, delimiter: str) -> list[list[str]]:
    """Quotation marks enclose cells. Where some are not closed as they should be, inches for example, that is so only
    if more rows are then as wide as the others."""
    try:
        return list(_rows(text, delimiter, strict=True))
    except csv.Error:
        sample = text[:SAMPLE_CHARACTERS]
        quoted = _fit(sample, delimiter) > _fit(sample, delimiter, quoted=False)
        return list(_rows(text, delimiter, quoted=quoted))


def _rows(text: str, delimiter: str, *, quoted: bool = True, strict: bool = False) -> Iterator[list[str]]:
    lines = text.splitlines(keepends=True)
    if quoted:
        return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, quoting=csv.QUOTE_NONE)
    return (list(map(_unquoted, row)) for row in rows)


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _fit(sample: str, delimiter: str, *, quoted: bool = True) -> tuple[float, int]:
    """The share of the first rows that have the same number of cells, and that number; greater is better."""
    try:
        rows = islice(_rows(sample, delimiter, quoted=quoted), SAMPLE_ROWS)
        widths = Counter(len(row) for row in rows if row)
    except csv.Error:
        return 0.0, 0
    width, often = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
    return (often / widths.total(), width) if width > 1 else (0.0, 0)
