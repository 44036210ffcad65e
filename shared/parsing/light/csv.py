"""Tables of separated values."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

DELIMITERS = ",;\t|"
SAMPLE_CHARACTERS = 64 * 1024
SAMPLE_ROWS = 100


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    read_into(assembly, decode(content), limits)
    return assembly.finish()


def read_into(assembly: Assembly, text: str, limits: ParsingLimits) -> None:
    csv.field_size_limit(limits.expanded_bytes)
    sample = text[:SAMPLE_CHARACTERS]
    delimiter = max(DELIMITERS, key=lambda candidate: _fit(sample, candidate))
    try:
        assembly.table(list(_rows(text, delimiter)))
    except csv.Error as error:
        raise Rejected("corrupt", f"it cannot be read as a table: {error}") from error


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(text.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)


def _fit(sample: str, delimiter: str) -> tuple[float, int]:
    """The share of the first rows that have the same number of cells, and that number; greater is better."""
    try:
        widths = Counter(len(row) for row in islice(_rows(sample, delimiter), SAMPLE_ROWS) if row)
    except csv.Error:
        return 0.0, 0
    width, often = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
    return (often / widths.total(), width) if width > 1 else (0.0, 0)
