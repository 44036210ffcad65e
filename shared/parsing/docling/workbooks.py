"""Workbooks rewritten to what Docling reads as Excel shows it, before it reads them.

Numbers are written as their format shows them, formulas without a result as formulas; rows and columns that are hidden
are taken out and counted. Rows that a filter hides are read: they come back with a click.
"""

import re
import zipfile
from io import BytesIO
from typing import Any, NamedTuple

from lxml import etree

from shared.parsing.docling.diagrams import diagram_lines
from shared.parsing.docling.office_packages import ReadablePackage, related, rewritten, xml_part, xml_tree
from shared.parsing.limits import MIB
from shared.parsing.number_formats import formatted

MOST_REWRITTEN = 64 * MIB
"""Of the sheets together, as they unfold; larger ones are read with numbers as they are stored."""

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


class _Book(NamedTuple):
    formats: list[str]
    strings: list[str]
    from_1904: bool


def readable(content: bytes) -> ReadablePackage:
    """The same workbook with its cells as they are shown."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        sheets = [entry for entry in archive.infolist() if _SHEET.fullmatch(entry.filename)]
        if not sheets or sum(entry.file_size for entry in sheets) > MOST_REWRITTEN:
            return ReadablePackage(content, 0)
        book = _book(archive)
        hidden = 0
        parts: dict[str, bytes] = {}
        for entry in sheets:
            tree = xml_tree(archive.read(entry), huge_tree=True)
            hidden += _without_hidden(tree, book)
            _written(tree, book)
            _with_shapes(tree, _shape_lines(archive, entry.filename))
            parts[entry.filename] = xml_part(tree)
        return ReadablePackage(rewritten(archive, parts.get), hidden)


def _book(archive: zipfile.ZipFile) -> _Book:
    names = {name.lower(): name for name in archive.namelist()}
    styles, strings, book = (
        xml_tree(archive.read(names[name]), huge_tree=True) if name in names else None
        for name in ("xl/styles.xml", "xl/sharedstrings.xml", "xl/workbook.xml")
    )
    properties = None if book is None else book.find(f"{_S}workbookPr")
    return _Book(
        [] if styles is None else _formats(styles),
        [] if strings is None else ["".join(each.itertext(f"{_S}t")) for each in strings.iterchildren(f"{_S}si")],
        properties is not None and properties.get("date1904") in {"1", "true"},
    )


def _formats(styles: Any) -> list[str]:
    """The number format of each cell style."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    own = {each.get("numFmtId"): each.get("formatCode", "") for each in styles.iter(f"{_S}numFmt")}
    formats = []
    for style in styles.iterfind(f"{_S}cellXfs/{_S}xf"):
        number = style.get("numFmtId", "0")
        formats.append(own.get(number) or (BUILTIN_FORMATS.get(int(number), "") if number.isdigit() else ""))
    return formats


def _without_hidden(tree: Any, book: _Book) -> int:
    filtered = tree.find(f"{_S}autoFilter/{_S}filterColumn") is not None
    columns = _hidden_columns(tree)
    words = 0
    for row in tree.iterfind(f"{_S}sheetData/{_S}row"):
        all_of_it = not filtered and row.get("hidden") in {"1", "true"}
        for cell in list(row) if all_of_it or columns else ():
            if all_of_it or _column(cell.get("r", "")) in columns:
                words += len(_text(cell, book).split())
                row.remove(cell)
    return words


def _hidden_columns(tree: Any) -> set[int]:
    columns: set[int] = set()
    for each in tree.iterfind(f"{_S}cols/{_S}col"):
        first, last = each.get("min", ""), each.get("max", "")
        if each.get("hidden") in {"1", "true"} and first.isdigit() and last.isdigit():
            columns.update(range(int(first), min(int(last), 16_384) + 1))
    return columns


def _column(reference: str) -> int:
    found = _REFERENCE.fullmatch(reference)
    number = 0
    for letter in found[1] if found else "":
        number = number * 26 + ord(letter) - 64
    return number


def _text(cell: Any, book: _Book) -> str:
    value = cell.findtext(f"{_S}v") or ""
    if cell.get("t") == "s":
        return book.strings[int(value)] if value.isdigit() and int(value) < len(book.strings) else ""
    return value or "".join(cell.itertext(f"{_S}t"))


def _written(tree: Any, book: _Book) -> None:
    shared: dict[str, str] = {}
    for cell in tree.iterfind(f"{_S}sheetData/{_S}row/{_S}c"):
        formula, value = cell.find(f"{_S}f"), cell.findtext(f"{_S}v")
        if formula is not None and formula.get("si") and formula.text:
            shared[formula.get("si")] = formula.text
        if formula is not None and not value and cell.get("t") != "inlineStr":
            _write(cell, "=" + (formula.text or shared.get(formula.get("si", ""), "")))
        elif value and cell.get("t", "n") == "n":
            style = cell.get("s", "0")
            code = book.formats[int(style)] if style.isdigit() and int(style) < len(book.formats) else ""
            view = _view(value, code, book.from_1904)
            if view is not None:
                _write(cell, view)


def _shape_lines(archive: zipfile.ZipFile, sheet: str) -> list[str]:
    """The texts of the boxes, shapes and diagrams on a sheet."""
    lines: list[str] = []
    for drawing in related(archive, sheet, "drawing"):
        for shape in xml_tree(archive.read(drawing), huge_tree=True).iter(f"{_DRAWING}txBody"):
            lines += filter(None, (" ".join("".join(each.itertext(f"{_A}t")).split()) for each in shape.iter(f"{_A}p")))
        for diagram in related(archive, drawing, "diagramData"):
            lines += diagram_lines(archive.read(diagram))
    return lines


def _with_shapes(tree: Any, lines: list[str]) -> None:
    """Writes lines below the cells of a sheet, apart from its tables."""
    data = tree.find(f"{_S}sheetData")
    if data is None or not lines:
        return
    numbers = [int(row.get("r", "0")) for row in data if row.get("r", "").isdigit()]
    first = max([len(data), *numbers]) + 3
    for place, line in enumerate(lines):
        row = etree.SubElement(data, f"{_S}row", r=str(first + 2 * place))
        _write(etree.SubElement(row, f"{_S}c", r=f"A{first + 2 * place}"), line)


def _view(value: str, code: str, from_1904: bool) -> str | None:
    try:
        return formatted(float(value), code, from_1904=from_1904) or None
    except (ValueError, ArithmeticError):
        return None


def _write(cell: Any, text: str) -> None:
    for part in list(cell):
        cell.remove(part)
    if text in {"", "="}:
        return
    cell.set("t", "inlineStr")
    etree.SubElement(etree.SubElement(cell, f"{_S}is"), f"{_S}t").text = text
