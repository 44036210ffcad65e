"""Workbooks that are too large or too sparse for Docling, read row by row as they are shown."""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from itertools import takewhile
from typing import Any

from shared.parsing.assembly import Assembly
from shared.parsing.docling.office_packages import related
from shared.parsing.docling.sheets import MOST_GAPS, are_large, tables
from shared.parsing.docling.workbook_texts import cell_links, page_lines
from shared.parsing.docling.workbooks import (
    Book,
    Hiding,
    SheetTexts,
    cell_text,
    column_of,
    elements,
    hidden_columns,
    listed_sheets,
    read_book,
    row_number,
    shape_lines,
    without_hidden,
    write_display_values,
)
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import MIB, ParsingLimits

_BOOK = "xl/workbook.xml"
_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_MARK = re.compile(rb"<(?:\w+:)?(conditionalFormatting|tablePart|picture|filterColumn|hyperlink)\b")
_FILTER, _LINK = b"filterColumn", b"hyperlink"
_COLOURS = frozenset({b"conditionalFormatting", b"tablePart", b"picture"})
_TRUTH = {"1": "TRUE", "0": "FALSE"}
_LONGEST_NAME = 64


def read_if_large(content: bytes, limits: ParsingLimits) -> ParsedDocument | None:
    """Reads every run of rows between empty ones as a table; None where Docling can read the workbook."""
    if not are_large(content):
        return None
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if _BOOK not in archive.namelist():
            return None
        book, listed = read_book(archive), listed_sheets(archive)
        off = {each.part for each in listed if each.is_off}
        assembly = Assembly(limits)
        place, lines = 0, set[str]()
        for place, (part, name, _) in enumerate(listed, 1):
            if part not in archive.namelist():
                continue
            rows = _rows(archive, part, book, assembly, is_off=part in off)
            assembly.page = place
            if part not in off:
                assembly.heading(2, name)
            for table in tables(rows, limits):
                assembly.table(table)
            if part not in off:
                own = dict.fromkeys(page_lines(elements(archive, part, "headerFooter")))
                fresh = [line for line in own if line not in lines]
                for line in (*shape_lines(archive, part), *_comments(archive, part), *fresh):
                    assembly.paragraph(line)
                lines.update(own)
        return assembly.finish(place)


def _rows(
    archive: zipfile.ZipFile, part: str, book: Book, assembly: Assembly, *, is_off: bool
) -> Iterator[dict[int, str]]:
    """Yields the cells of each row by column, those that are seen; counts the words of the others."""
    marks = _marks(archive, part)
    before = takewhile(lambda element: element.tag == f"{_S}col", elements(archive, part, "col", "row"))
    columns = hidden_columns(before)
    hiding = Hiding(is_off, _FILTER in marks, frozenset(columns), frozenset() if marks & _COLOURS else book.unseen)
    links = cell_links(archive, part, elements(archive, part, "hyperlink") if _LINK in marks else ())
    texts = SheetTexts(links, {})
    last = 0
    for row in elements(archive, part, "row"):
        number = row_number(row, last)
        yield from ({} for _ in range(min(number - last - 1, MOST_GAPS)))
        last = number
        is_seen = not hiding.hides(row)
        assembly.hidden_words += without_hidden(row, book, hiding)
        write_display_values(row, book, texts)
        if is_seen:
            yield dict(_cells(row, book))


def _comments(archive: zipfile.ZipFile, part: str) -> Iterator[str]:
    for comments in related(archive, part, "comments"):
        for comment in elements(archive, comments, "comment"):
            yield f"{comment.get('ref', '')}: {' '.join(''.join(comment.itertext(f'{_S}t')).split())}"


def _cells(row: Any, book: Book) -> Iterator[tuple[int, str]]:
    for place, cell in enumerate(row, 1):
        if text := cell_text(cell, book):
            view = _TRUTH.get(text, text) if cell.get("t") == "b" else text
            yield column_of(cell.get("r", "")) or place, view


def _marks(archive: zipfile.ZipFile, part: str) -> set[bytes]:
    """The names of elements of a sheet: those that say that a filter hides rows, that more than styles colours cells,
    that cells are links."""
    marks: set[bytes] = set()
    before = b""
    with archive.open(part) as stream:
        while piece := stream.read(MIB):
            marks.update(_MARK.findall(before + piece))
            before = piece[-_LONGEST_NAME:]
    return marks
