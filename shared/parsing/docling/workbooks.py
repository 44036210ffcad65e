"""Workbooks rewritten to what Docling reads as Excel shows it, before it reads them.

Numbers are written as their format shows them, formulas without a result as formulas; sheets, rows and columns that are
hidden and white text on white are taken out and counted. Rows that a filter hides are read: a click brings them back.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, NamedTuple

from lxml import etree

from shared.parsing.colours import are_alike
from shared.parsing.docling.charts import chart_lines
from shared.parsing.docling.diagrams import diagram_lines
from shared.parsing.docling.hidden_lines import HiddenLines, SheetLines
from shared.parsing.docling.office_packages import (
    ReadablePackage,
    related,
    related_by_id,
    rewritten,
    xml_part,
    xml_tree,
)
from shared.parsing.docling.package_words import words_of_sheet
from shared.parsing.docling.sheets import column_number
from shared.parsing.docling.workbook_texts import cell_links, is_rich, linked, page_lines, string_text
from shared.parsing.number_formats import formatted

MOST_SECTIONS = 4
"""Of a number format: for numbers above, below and equal to zero, and for text."""

_BOOK = "xl/workbook.xml"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_PAPER = "#ffffff"
_THEME = {"0": _PAPER, "1": "#000000"}
_PALETTE = {"0": "#000000", "8": "#000000", "1": _PAPER, "9": _PAPER, "65": _PAPER}
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


class Book(NamedTuple):
    """`rich` are the places of strings with powers, `unseen` the styles whose text has the colour of its paper."""

    formats: list[str]
    strings: list[str]
    rich: frozenset[int]
    from_1904: bool
    unseen: frozenset[str]


class ListedSheet(NamedTuple):
    """A sheet in the list of its workbook: the part that it refers to, its name, whether it is hidden."""

    part: str
    name: str
    is_off: bool


class SheetTexts(NamedTuple):
    """The addresses that cells lead to, by their names, and the formulas that several cells share."""

    links: dict[str, str]
    formulas: dict[str, str]


class Hiding(NamedTuple):
    """What is hidden of a sheet: all of it, rows unless a filter hid them, columns, cells of some styles."""

    is_off: bool
    is_filtered: bool
    columns: frozenset[int]
    styles: frozenset[str]

    def hides(self, row: Any) -> bool:
        return self.is_off or (not self.is_filtered and is_hidden_row(row))


def readable(content: bytes) -> ReadablePackage:
    """The same workbook with its cells as they are shown."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        sheets = [entry for entry in archive.infolist() if _SHEET.fullmatch(entry.filename)]
        if not sheets:
            return ReadablePackage(content, 0, Counter())
        book = read_book(archive)
        listed = listed_sheets(archive)
        names = {each.part: each.name for each in listed}
        off = {each.part for each in listed if each.is_off}
        hidden, words = 0, Counter[str]()
        parts: dict[str, bytes] = {}
        hidden_lines: dict[str, SheetLines] = {}
        lines: list[str] = []
        for entry in sheets:
            part = entry.filename
            tree = xml_tree(archive.read(entry), huge_tree=True)
            hiding = _hiding(tree, book, is_off=part in off)
            texts = SheetTexts(cell_links(archive, part, tree.iterfind(f"{_S}hyperlinks/{_S}hyperlink")), {})
            columns = (
                range(each.start - 1, each.stop - 1) for each in _column_ranges(tree.iterfind(f"{_S}cols/{_S}col"))
            )
            hidden_lines[names.get(part, "")] = SheetLines(
                HiddenLines(_hidden_rows(tree, hiding)), HiddenLines(columns)
            )
            for row in tree.iterfind(f"{_S}sheetData/{_S}row"):
                hidden += without_hidden(row, book, hiding)
                write_display_values(row, book, texts)
            if part not in off:
                own = dict.fromkeys(page_lines(tree.iterfind(f"{_S}headerFooter")))
                _with_lines(tree, [*shape_lines(archive, part), *(line for line in own if line not in lines)])
                lines += own
            words += words_of_sheet(tree, lambda cell: cell_text(cell, book))
            parts[part] = xml_part(tree)
        return ReadablePackage(rewritten(archive, parts.get), hidden, words, hidden_lines)


def read_book(archive: zipfile.ZipFile) -> Book:
    names = {name.lower(): name for name in archive.namelist()}
    styles, book = (
        xml_tree(archive.read(names[name]), huge_tree=True) if name in names else None
        for name in ("xl/styles.xml", "xl/workbook.xml")
    )
    properties = None if book is None else book.find(f"{_S}workbookPr")
    strings = list(_strings(archive, names["xl/sharedstrings.xml"])) if "xl/sharedstrings.xml" in names else []
    return Book(
        [] if styles is None else _formats(styles),
        [text for text, _ in strings],
        frozenset(place for place, (_, rich) in enumerate(strings) if rich),
        properties is not None and properties.get("date1904") in {"1", "true"},
        frozenset() if styles is None else _unseen_styles(styles),
    )


def elements(archive: zipfile.ZipFile, part: str, *names: str) -> Iterator[Any]:
    """Yields each element of some names, one at a time, of a part that may be too large for a tree."""
    asked = {f"{_S}{name}" for name in names}
    with archive.open(part) as stream:
        for _, element in etree.iterparse(
            stream,
            events=("end",),
            # Rows are cleared as well where they are only passed by: they are what makes a part large.
            tag=[*(asked | {f"{_S}row"})],
            no_network=True,
            resolve_entities=False,
            huge_tree=True,
        ):
            if element.tag in asked:
                yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _strings(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, bool]]:
    """Yields each string that cells share, and whether it has powers or indices."""
    for item in elements(archive, part, "si"):
        yield string_text(item), is_rich(item)


def listed_sheets(archive: zipfile.ZipFile) -> list[ListedSheet]:
    if _BOOK not in archive.namelist():
        return []
    targets = related_by_id(archive, _BOOK)
    sheets = xml_tree(archive.read(_BOOK), huge_tree=True).iter(f"{_S}sheet")
    return [
        ListedSheet(
            targets.get(each.get(f"{_R}id", ""), ""), each.get("name", ""), each.get("state", "visible") != "visible"
        )
        for each in sheets
    ]


def _unseen_styles(styles: Any) -> frozenset[str]:
    """The places of cell styles whose letters have the colour of what fills the cell."""
    fonts = [_colour(font.find(f"{_S}color")) for font in styles.iterfind(f"{_S}fonts/{_S}font")]
    fills = [_filling(fill) for fill in styles.iterfind(f"{_S}fills/{_S}fill")]
    unseen = set()
    for place, style in enumerate(styles.iterfind(f"{_S}cellXfs/{_S}xf")):
        font, fill = (style.get(name, "0") for name in ("fontId", "fillId"))
        if font.isdigit() and int(font) < len(fonts) and fill.isdigit() and int(fill) < len(fills):
            unseen.update([str(place)] if are_alike(fonts[int(font)], fills[int(fill)]) else [])
    return frozenset(unseen)


def _colour(color: Any) -> str:
    """The colour that an element names; empty for one that is not known."""
    if color is None or color.get("tint", "0").strip("0."):
        return ""
    if color.get("rgb"):
        return f"#{color.get('rgb')[-6:]}"
    return _THEME.get(color.get("theme", ""), "") or _PALETTE.get(color.get("indexed", ""), "")


def _filling(fill: Any) -> str:
    """The colour that fills a cell, which is the paper's where nothing does."""
    pattern = fill.find(f"{_S}patternFill")
    if pattern is None:
        return ""
    match pattern.get("patternType", "none"):
        case "none":
            return _PAPER
        case "solid":
            return _colour(pattern.find(f"{_S}fgColor"))
        case _:
            return ""


def _formats(styles: Any) -> list[str]:
    """The number format of each cell style."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    own = {each.get("numFmtId"): each.get("formatCode", "") for each in styles.iter(f"{_S}numFmt")}
    formats = []
    for style in styles.iterfind(f"{_S}cellXfs/{_S}xf"):
        number = style.get("numFmtId", "0")
        formats.append(own.get(number) or (BUILTIN_FORMATS.get(int(number), "") if number.isdigit() else ""))
    return formats


def _hiding(tree: Any, book: Book, *, is_off: bool) -> Hiding:
    # Where conditions or a table's style may colour a cell, its own style does not say what stands behind its text.
    is_plain = all(tree.find(f"{_S}{name}") is None for name in ("conditionalFormatting", "tableParts", "picture"))
    return Hiding(
        is_off,
        tree.find(f"{_S}autoFilter/{_S}filterColumn") is not None,
        frozenset(hidden_columns(tree.iterfind(f"{_S}cols/{_S}col"))),
        book.unseen if is_plain else frozenset(),
    )


def without_hidden(row: Any, book: Book, hiding: Hiding) -> int:
    """Takes hidden cells out of a row; returns how many words they had."""
    words = 0
    is_off = hiding.hides(row)
    for cell in list(row):
        is_unseen = cell.get("s", "0") in hiding.styles or _shows_nothing(cell, book)
        if is_off or is_unseen or (hiding.columns and column_of(cell.get("r", "")) in hiding.columns):
            words += len(cell_text(cell, book).split())
            row.remove(cell)
    return words


def _shows_nothing(cell: Any, book: Book) -> bool:
    """Whether the number format of a cell has no place for its value."""
    code = _format_of(cell, book)
    is_number = cell.get("t", "n") == "n"
    return ";" in code and not code.strip("; ") and (is_number or code.count(";") == MOST_SECTIONS - 1)


def _format_of(cell: Any, book: Book) -> str:
    """The number format of a cell; empty where its style is not among those of the book."""
    style = cell.get("s", "0")
    return book.formats[int(style)] if style.isdigit() and int(style) < len(book.formats) else ""


def is_hidden_row(row: Any) -> bool:
    return row.get("hidden") in {"1", "true"} or row.get("ht", "").strip("0.") == "" != row.get("ht", "")


def _hidden_rows(tree: Any, hiding: Hiding) -> Iterator[range]:
    """Yields the places of hidden rows, also of those that a sheet hides because it does not list them."""
    properties = tree.find(f"{_S}sheetFormatPr")
    only_listed = properties is not None and properties.get("zeroHeight") in {"1", "true"}
    last = 0
    for row in tree.iterfind(f"{_S}sheetData/{_S}row"):
        number = row_number(row, last)
        if only_listed:
            yield range(last, number - 1)
        if hiding.hides(row):
            yield range(number - 1, number)
        last = number


def row_number(row: Any, last: int) -> int:
    number = row.get("r", "")
    return int(number) if number.isdigit() and len(number) < 8 else last + 1


def hidden_columns(listed: Iterable[Any]) -> set[int]:
    return {column for each in _column_ranges(listed) for column in each}


def _column_ranges(listed: Iterable[Any]) -> Iterator[range]:
    """Yields the numbers of hidden columns."""
    for each in listed:
        first, last = each.get("min", ""), each.get("max", "")
        is_hidden = each.get("hidden") in {"1", "true"} or each.get("width", "9").strip("0.") == ""
        if is_hidden and first.isdigit() and last.isdigit():
            yield range(int(first), min(int(last), 16_384) + 1)


def column_of(reference: str) -> int:
    found = _REFERENCE.fullmatch(reference)
    return column_number(found[1].encode()) if found else 0


def cell_text(cell: Any, book: Book) -> str:
    value = cell.findtext(f"{_S}v") or ""
    if cell.get("t") == "s":
        return book.strings[int(value)] if value.isdigit() and int(value) < len(book.strings) else ""
    inline = cell.find(f"{_S}is")
    return value or ("" if inline is None else string_text(inline))


def write_display_values(row: Any, book: Book, texts: SheetTexts) -> None:
    """Writes each cell of a row as the text that it shows, and the address that it leads to."""
    for cell in row.iterfind(f"{_S}c"):
        formula, value = cell.find(f"{_S}f"), cell.findtext(f"{_S}v")
        source = "" if formula is None else formula.text or ""
        if formula is not None and formula.get("si"):
            source = source or texts.formulas.get(formula.get("si"), "")
            texts.formulas[formula.get("si")] = source
        view = None
        if formula is not None and not value and cell.get("t") != "inlineStr":
            view = f"={source}"
        elif value and cell.get("t", "n") == "n":
            view = _view(value, _format_of(cell, book), book.from_1904)
        elif _is_rich(cell, value or "", book):
            view = cell_text(cell, book)
        address = texts.links.get(cell.get("r", ""), "")
        if address or "HYPERLINK" in source.upper():
            view = linked(view or cell_text(cell, book), address, source)
        if view is not None:
            _write(cell, view)


def _is_rich(cell: Any, value: str, book: Book) -> bool:
    """Whether a cell has powers, which another reader writes as digits."""
    if cell.get("t") == "s":
        return value.isdigit() and int(value) in book.rich
    inline = cell.find(f"{_S}is")
    return inline is not None and is_rich(inline)


def shape_lines(archive: zipfile.ZipFile, sheet: str) -> list[str]:
    """The texts of the boxes, shapes and diagrams on a sheet."""
    lines: list[str] = []
    for drawing in related(archive, sheet, "drawing"):
        for shape in xml_tree(archive.read(drawing), huge_tree=True).iter(f"{_DRAWING}txBody"):
            lines += filter(None, (" ".join("".join(each.itertext(f"{_A}t")).split()) for each in shape.iter(f"{_A}p")))
        for diagram in related(archive, drawing, "diagramData"):
            lines += diagram_lines(archive.read(diagram))
        for kind in ("chart", "chartEx"):
            for chart in related(archive, drawing, kind):
                lines += chart_lines(archive.read(chart))
    return lines


def _with_lines(tree: Any, lines: list[str]) -> None:
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
