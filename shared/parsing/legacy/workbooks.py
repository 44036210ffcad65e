"""Excel's workbooks of 1997 to 2003, read as they are shown: numbers in their format, nothing that is hidden."""

import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

from msgspec import Struct

from shared.parsing.assembly import Assembly
from shared.parsing.docling.sheets import MOST_GAPS, tables
from shared.parsing.document import ParsedDocument
from shared.parsing.legacy.workbook_records import (
    SharedString,
    WorkbookRecord,
    formula_address,
    linked_cell,
    records,
    shared_strings,
    text_at,
)
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import with_address
from shared.parsing.number_formats import formatted
from shared.parsing.page_numbers import coded_lines
from shared.parsing.raised import ScriptPosition, marked

_BOF, _EOF, _VERSION, _GLOBALS = 0x0809, 0x000A, 0x0600, 0x0005
_BOUND, _SST, _FORMAT, _XF, _FONT, _DATES = 0x0085, 0x00FC, 0x041E, 0x00E0, 0x0031, 0x0022
_ROW, _COLUMNS, _FILTERED, _CONDITIONS, _TEXT_BOX, _SERIES_TEXT = 0x0208, 0x007D, 0x009B, 0x01B0, 0x01B6, 0x100D
_LABEL_SST, _LABEL, _NUMBER, _RK, _MANY_RK, _FORMULA = 0x00FD, 0x0204, 0x0203, 0x027E, 0x00BD, 0x0006
_TRUTH, _STRING, _LINK = 0x0205, 0x0207, 0x01B8
_HEADERS = {0x0014, 0x0015}
_SCRIPTS: dict[int, ScriptPosition] = {1: "sup", 2: "sub"}
_ON_LINE: ScriptPosition = ""
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_WINDOW, _PATTERNED = 65, -1
_PAPER = {1, 9, 64, 65}
"""Colours of the palette that are white: white itself, and those of the window."""

_WHITE = {1, 9}


class _Style(Struct, frozen=True):
    format: str
    is_unseen: bool


class _Book(Struct):
    """`fonts` are the colours of the fonts, `scripts` where their letters stand. A style is its font, its format and
    the colour of its ground."""

    strings: list[str] = []
    formats: dict[int, str] = {}
    styles: list[tuple[int, int, int]] = []
    fonts: list[int] = []
    scripts: list[ScriptPosition] = []
    sheets: list[tuple[str, int, bool]] = []
    from_1904: bool = False

    def style(self, number: int) -> _Style:
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        if number >= len(self.styles):
            return _Style("", False)
        font, code, ground = self.styles[number]
        place = _place(font)
        colour = self.fonts[place] if place < len(self.fonts) else None
        is_unseen = colour == ground or (colour in _WHITE and ground in _PAPER)
        return _Style(self.formats.get(code) or BUILTIN_FORMATS.get(code, ""), is_unseen)

    def written(self, string: SharedString) -> str:
        """The text of a string, its powers and indices in their line."""
        starts = [0, *(start for start, _ in string.runs), len(string.text)]
        fonts = [-1, *(_place(font) for _, font in string.runs)]
        scripts = [self.scripts[font] if 0 <= font < len(self.scripts) else _ON_LINE for font in fonts]
        pieces = (string.text[start:end] for start, end in pairwise(starts))
        return "".join(marked(zip(pieces, scripts, strict=True)))


def _place(font: int) -> int:
    return font - 1 if font > 4 else font  # there is no font with the number 4


class _Sheet(Struct):
    cells: dict[int, dict[int, tuple[str, bool]]] = {}
    hidden_rows: set[int] = set()
    hidden_columns: set[int] = set()
    lines: list[str] = []
    links: dict[tuple[int, int], str] = {}
    pages: list[str] = []
    is_filtered: bool = False
    has_conditions: bool = False

    def put(self, row: int, column: int, text: str, *, is_unseen: bool) -> None:
        if text:
            self.cells.setdefault(row, {})[column] = (text, is_unseen)


def read(content: bytes, limits: ParsingLimits) -> ParsedDocument | None:
    """None where it is of an older version, or damaged: another reader may know more."""
    import olefile

    try:
        with olefile.OleFileIO(BytesIO(content)) as file:
            if not file.exists("Workbook"):
                return None
            stream: bytes = file.openstream("Workbook").read()
        book = _book(stream)
        sheets = None if book is None else [(name, _sheet(stream, at, book), off) for name, at, off in book.sheets]
    except (OSError, ValueError, struct.error, IndexError, TypeError, AttributeError):
        return None
    if not sheets:
        return None
    assembly = Assembly(limits)
    printed: set[str] = set()
    for place, (name, sheet, is_off) in enumerate(sheets, 1):
        assembly.page = place
        rows = list(_rows(sheet, assembly, is_off=is_off))
        if is_off:
            continue
        assembly.heading(2, name)
        for table in tables(rows, limits):
            assembly.table(table)
        for line in (*sheet.lines, *(line for line in dict.fromkeys(sheet.pages) if line not in printed)):
            assembly.paragraph(line)
        printed.update(sheet.pages)
    return assembly.finish(len(sheets))


def _book(stream: bytes) -> _Book | None:
    book = _Book()
    for number, record in enumerate(records(stream, 0)):
        content = record.content
        if number == 0 and (record.kind != _BOF or struct.unpack_from("<HH", content) != (_VERSION, _GLOBALS)):
            return None
        if record.kind == _EOF:
            return book
        if record.kind == _BOUND and content[5] == 0:
            offset, state = struct.unpack_from("<IB", content)
            book.sheets.append((text_at(content, 6, length_bytes=1), offset, state & 3 != 0))
        elif record.kind == _SST:
            book.strings = [book.written(string) for string in shared_strings(record)]
        elif record.kind == _FORMAT:
            book.formats[int.from_bytes(content[:2], "little")] = text_at(content, 2)
        elif record.kind == _XF:
            font, code = struct.unpack_from("<HH", content)
            pattern, colours = struct.unpack_from("<IH", content, 14)
            ground = {0: _WINDOW, 1: colours & 127}.get(pattern >> 26, _PATTERNED)
            book.styles.append((font, code, ground))
        elif record.kind == _FONT:
            book.fonts.append(struct.unpack_from("<H", content, 4)[0])
            book.scripts.append(_SCRIPTS.get(int.from_bytes(content[8:10], "little"), _ON_LINE))
        elif record.kind == _DATES:
            book.from_1904 = content[0] == 1
    return None


def _sheet(stream: bytes, place: int, book: _Book) -> _Sheet:
    sheet, depth, waiting = _Sheet(), 0, (0, 0, False)
    for record in records(stream, place):
        depth += {_BOF: 1, _EOF: -1}.get(record.kind, 0)
        if depth == 0:
            break
        if depth > 1:  # a chart
            if record.kind == _SERIES_TEXT:
                sheet.lines.append(text_at(record.content, 2, length_bytes=1))
        elif record.kind == _STRING:
            row, column, is_unseen = waiting
            sheet.put(row, column, text_at(record.content, 0), is_unseen=is_unseen)
        elif record.kind == _TEXT_BOX and len(record.blocks) > 1:
            length = int.from_bytes(record.content[10:12], "little")
            sheet.lines.append(text_at(length.to_bytes(2, "little") + record.blocks[1], 0))
        elif record.kind == _LINK and (found := linked_cell(record.content)):
            sheet.links[found[:2]] = found[2]
        elif record.kind in _HEADERS and record.content:
            sheet.pages += coded_lines(text_at(record.content, 0))
        else:
            waiting = _take(record, sheet, book) or waiting
    for (row, column), address in sheet.links.items():
        text, is_unseen = sheet.cells.get(row, {}).get(column, ("", False))
        sheet.put(row, column, with_address(text, address), is_unseen=is_unseen)
    sheet.lines = list(dict.fromkeys(" ".join(line.split()) for line in sheet.lines if line.strip()))
    return sheet


def _take(record: WorkbookRecord, sheet: _Sheet, book: _Book) -> tuple[int, int, bool] | None:
    """Takes a record of a sheet; returns the place of a cell whose text is in the next record."""
    content = record.content
    if record.kind == _ROW:
        if struct.unpack_from("<H", content, 12)[0] & 0x20:
            sheet.hidden_rows.add(int.from_bytes(content[:2], "little"))
    elif record.kind == _COLUMNS:
        first, last, _, _, flags = struct.unpack_from("<HHHHH", content)
        if flags & 1:
            sheet.hidden_columns.update(range(first, last + 1))
    elif record.kind == _FILTERED:
        sheet.is_filtered = True
    elif record.kind == _CONDITIONS:
        sheet.has_conditions = True
    elif record.kind == _MANY_RK:
        row, column = struct.unpack_from("<HH", content)
        for number in range((len(content) - 6) // 6):
            style, value = struct.unpack_from("<HI", content, 4 + 6 * number)
            _put_number(sheet, book, (row, column + number), book.style(style), _compressed(value))
    elif record.kind in {_LABEL_SST, _LABEL, _NUMBER, _RK, _FORMULA, _TRUTH}:
        return _take_cell(record.kind, content, sheet, book)
    return None


def _take_cell(kind: int, content: bytes, sheet: _Sheet, book: _Book) -> tuple[int, int, bool] | None:
    row, column, number = struct.unpack_from("<HHH", content)
    if kind == _FORMULA and (address := formula_address(content)):
        sheet.links[row, column] = address
    style = book.style(number)
    is_unseen = style.is_unseen
    if kind == _LABEL_SST:
        (index,) = struct.unpack_from("<I", content, 6)
        sheet.put(row, column, book.strings[index] if index < len(book.strings) else "", is_unseen=is_unseen)
    elif kind == _LABEL:
        sheet.put(row, column, text_at(content, 6), is_unseen=is_unseen)
    elif kind == _RK:
        _put_number(sheet, book, (row, column), style, _compressed(struct.unpack_from("<I", content, 6)[0]))
    elif kind == _TRUTH or (kind == _FORMULA and content[12:14] == b"\xff\xff" and content[6] in {1, 2}):
        value, is_error = (content[6], content[7]) if kind == _TRUTH else (content[8], content[6] == 2)
        sheet.put(
            row, column, _ERRORS.get(value, "#N/A") if is_error else str(bool(value)).upper(), is_unseen=is_unseen
        )
    elif kind == _NUMBER or content[12:14] != b"\xff\xff":
        _put_number(sheet, book, (row, column), style, struct.unpack_from("<d", content, 6)[0])
    elif content[6] == 0:
        return row, column, is_unseen
    return None


def _put_number(sheet: _Sheet, book: _Book, place: tuple[int, int], style: _Style, value: float) -> None:
    shows_nothing = ";" in style.format and not style.format.strip("; ")
    view = None if shows_nothing else formatted(value, style.format, from_1904=book.from_1904)
    sheet.put(*place, view or f"{value:.15g}", is_unseen=style.is_unseen or shows_nothing)


def _compressed(value: int) -> float:
    """A number in 30 bits: a whole one or the upper half of a float, perhaps of a hundred times the value."""
    if value & 2:
        whole = value >> 2
        number = float(whole - (1 << 30) if whole >> 29 else whole)
    else:
        (number,) = struct.unpack("<d", struct.pack("<Q", (value & 0xFFFFFFFC) << 32))
    return number / 100 if value & 1 else number


def _rows(sheet: _Sheet, assembly: Assembly, *, is_off: bool) -> Iterator[dict[int, str]]:
    """Yields the cells of each row that are seen, empty rows for a gap; counts the words of the others."""
    hidden = set[int]() if sheet.is_filtered else sheet.hidden_rows
    last = -1
    for row, cells in sorted(sheet.cells.items()):
        gaps = sum(line not in hidden for line in range(last + 1, row))
        yield from ({} for _ in range(min(gaps, MOST_GAPS)))
        last = row
        gone = is_off or row in hidden
        seen: dict[int, str] = {}
        for column, (text, is_unseen) in sorted(cells.items()):
            if gone or column in sheet.hidden_columns or (is_unseen and not sheet.has_conditions):
                assembly.hidden_words += len(text.split())
            else:
                seen[column] = text
        if not gone:
            yield seen
