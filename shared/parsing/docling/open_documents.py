"""Texts, sheets and presentations of OpenDocument rewritten to what Docling reads whole, before it reads them.

What a reader of the document does not see is taken out and counted; what Docling passes over or glues together is
written in plain paragraphs and cells.
"""

import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from lxml import etree

from shared.parsing.docling.hidden_lines import SheetLines
from shared.parsing.docling.office_packages import ReadablePackage, rewritten, xml_part, xml_tree
from shared.parsing.docling.open_numbering import labels_written
from shared.parsing.docling.open_powers import powers_written
from shared.parsing.docling.open_sheet_cells import (
    cells_written,
    lines_written,
    shapes_written,
    without_hidden_cells,
)
from shared.parsing.docling.open_slides import box_of, is_shape_of_slide, mark_unnamed
from shared.parsing.docling.open_styles import OFFICE, STYLE, TEXT, OpenStyles, take_unseen, words_of
from shared.parsing.docling.package_words import words_of_open
from shared.parsing.page_numbers import is_page_number
from shared.parsing.tables import row_line

_CONTENT, _STYLES = "content.xml", "styles.xml"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_MATH = "{http://www.w3.org/1998/Math/MathML}"
_PARAGRAPHS = (f"{TEXT}p", f"{TEXT}h")
_BLOCKS = (*_PARAGRAPHS, f"{TEXT}list", f"{_TABLE}table")
_PAGE_FIELDS = tuple(f"{TEXT}{name}" for name in ("page-number", "page-count", "sheet-name"))
_FIELDS = (*_PAGE_FIELDS, *(f"{TEXT}{name}" for name in ("date", "time", "file-name", "title")))
_UNFILLED = "???"
"""Stands in fields of headers for what is known only when they are printed."""

_BLANKS = tuple(f"{TEXT}{name}" for name in ("s", "tab", "line-break"))


def readable(content: bytes) -> ReadablePackage:
    """The same document with everything that is seen, and nothing else, in plain paragraphs and cells."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = set(archive.namelist())
        if _CONTENT not in names:
            return ReadablePackage(content, 0, Counter())
        tree = xml_tree(archive.read(_CONTENT), huge_tree=True)
        common = xml_tree(archive.read(_STYLES), huge_tree=True) if _STYLES in names else None
        styles = OpenStyles(tree, common)
        hidden = _take_deleted(tree) + _take_hidden(tree, styles)
        lines: dict[str, SheetLines] = {}
        if (book := tree.find(f"{OFFICE}body/{OFFICE}spreadsheet")) is not None:
            words, lines = without_hidden_cells(book, styles)
            hidden += words
        hidden += take_unseen(tree, styles)
        powers_written(tree, styles)
        if (text := tree.find(f"{OFFICE}body/{OFFICE}text")) is not None:
            labels_written(text, *(each for each in (tree, common) if each is not None))
        _objects_written(tree, archive)
        _ruby_written(tree)
        _groups_opened(tree)
        mark_unnamed(tree)
        if book is not None:
            for sheet in book.iterchildren(f"{_TABLE}table"):
                shapes_written(sheet)
            cells_written(book)
            _with_pages(book, common, styles)
        else:
            _lists_in_cells_opened(tree)
            _nested_tables_written(tree)
        if text is not None:
            _boxes_written(text)
            if common is not None:
                hidden += take_unseen(common, styles)
                powers_written(common, styles)
                _with_furniture(text, common)
        return ReadablePackage(rewritten(archive, {_CONTENT: xml_part(tree)}.get), hidden, words_of_open(tree), lines)


def _take_deleted(tree: Any) -> int:
    """Takes out what changes have removed: it is stored apart from the text."""
    words = 0
    for holder in [*tree.iter(f"{TEXT}tracked-changes"), *tree.iter(f"{_TABLE}tracked-changes")]:
        words += words_of(holder)
        _remove(holder)
    return words


def _take_hidden(tree: Any, styles: OpenStyles) -> int:
    words = 0
    for section in list(tree.iter(f"{TEXT}section")):
        is_hidden = section.get(f"{TEXT}display") == "none" or section.get(f"{TEXT}is-hidden") == "true"
        if is_hidden and section.getparent() is not None:
            words += words_of(section)
            _remove(section)
    for field in tree.iter(f"{TEXT}hidden-text"):
        if field.get(f"{TEXT}is-hidden") == "true" or not (field.text or "").strip():
            words += len((field.get(f"{TEXT}string-value") or field.text or "").split())
            field.text = ""
    for field in list(tree.iter(f"{TEXT}hidden-paragraph")):
        holder = next(field.iterancestors(*_PARAGRAPHS), None)
        if holder is not None and field.get(f"{TEXT}is-hidden") == "true" and holder.getparent() is not None:
            words += words_of(holder)
            _remove(holder)
    for page in list(tree.iter(f"{_DRAW}page")):
        if styles.value("drawing-page", page.get(f"{_DRAW}style-name", ""), f"{_PRESENTATION}visibility") == "hidden":
            words += words_of(page)
            for child in list(page):
                page.remove(child)
        words += _take_outside(page, styles)
    return words


def _take_outside(page: Any, styles: OpenStyles) -> int:
    """Takes out what stands beside its slide, which no show displays; returns how many words it had."""
    words, slide = 0, styles.slide(page)
    for shape in [each for each in page.iter(f"{_DRAW}*") if is_shape_of_slide(each)] if slide else ():
        box = box_of(shape)
        if box is not None and slide is not None and not box.meets(slide):
            words += words_of(shape)
            _remove(shape)
    return words


def _objects_written(tree: Any, archive: zipfile.ZipFile) -> None:
    """Writes formulas in their line, and the tables of embedded sheets behind the paragraph that holds them."""
    names = set(archive.namelist())
    for item in list(tree.iter(f"{_DRAW}object")):
        part = f"{item.get(_LINK, '').removeprefix('./').rstrip('/')}/content.xml"
        math = item.find(f"{_MATH}math")
        if math is None and part not in names:
            continue
        embedded = math if math is not None else xml_tree(archive.read(part), huge_tree=True)
        frame = next(item.iterancestors(f"{_DRAW}frame"), None)
        if frame is None:
            continue
        if embedded.tag == f"{_MATH}math":
            from shared.parsing.equations import mathml_text

            span = etree.Element(f"{TEXT}span")
            span.text = f" {mathml_text(embedded)} "
            _replace(frame, span)
        elif (book := embedded.find(f"{OFFICE}body/{OFFICE}spreadsheet")) is not None:
            holder = next(frame.iterancestors(*_PARAGRAPHS), frame)
            if holder.getparent().tag in {f"{OFFICE}text", f"{TEXT}section"}:
                for table in reversed(book.findall(f"{_TABLE}table")):
                    cells_written(table)
                    holder.addnext(table)


def _groups_opened(tree: Any) -> None:
    for group in reversed(list(tree.iter(f"{_DRAW}g"))):
        for child in list(group):
            group.addprevious(child)
        _remove(group)


def _nested_tables_written(tree: Any) -> None:
    """Writes a table inside a cell as a paragraph, row by row."""
    for table in reversed(list(tree.iter(f"{_TABLE}table"))):
        if next(table.iterancestors(f"{_TABLE}table-cell"), None) is not None:
            rows = (
                [_line(cell) for cell in row.iterchildren(f"{_TABLE}table-cell")]
                for row in table.iter(f"{_TABLE}table-row")
            )
            paragraph = etree.Element(f"{TEXT}p")
            paragraph.text = "; ".join(filter(None, map(row_line, rows)))
            _replace(table, paragraph)


def _lists_in_cells_opened(tree: Any) -> None:
    """Puts the paragraphs of a list inside a cell in its place: of such a list Docling reads the first level alone."""
    for items in reversed(list(tree.iter(f"{TEXT}list"))):
        if next(items.iterancestors(f"{_TABLE}table-cell"), None) is not None:
            for block in [child for item in items for child in item if child.tag in _BLOCKS]:
                items.addprevious(block)
            items.getparent().remove(items)


def _ruby_written(tree: Any) -> None:
    for ruby in list(tree.iter(f"{TEXT}ruby")):
        reading = ruby.find(f"{TEXT}ruby-text")
        if reading is not None and (text := "".join(reading.itertext()).strip()):
            for child in list(reading):
                reading.remove(child)
            reading.text = f"（{text}）"


def _boxes_written(text: Any) -> None:
    """Puts the paragraphs of a box behind the one that it is anchored to."""
    for shape in list(text.iter(f"{_DRAW}text-box", f"{_DRAW}custom-shape", f"{_DRAW}rect", f"{_DRAW}ellipse")):
        blocks = [child for child in shape if child.tag in _BLOCKS]
        anchor = next(shape.iterancestors(*_PARAGRAPHS), None)
        if anchor is None:
            anchor = shape
            while anchor.getparent() is not None and anchor.getparent().tag not in {f"{OFFICE}text", f"{TEXT}section"}:
                anchor = anchor.getparent()
        if anchor.getparent() is not None:
            for block in reversed(blocks):
                anchor.addnext(block)


def _with_furniture(text: Any, common: Any) -> None:
    """Puts the words of headers before the text and those of footers behind it, each once."""
    headers, footers = _furniture(common)
    for place, line in enumerate(headers):
        text.insert(place, _paragraph(line))
    text.extend(map(_paragraph, footers))


def _with_pages(book: Any, common: Any, styles: OpenStyles) -> None:
    """Puts the words of the headers and footers of the pages of a sheet below its cells, each once."""
    masters = {} if common is None else {each.get(f"{STYLE}name"): each for each in common.iter(f"{STYLE}master-page")}
    seen: set[str] = set()
    for sheet in book.iterchildren(f"{_TABLE}table"):
        master = masters.get(styles.master("table", sheet.get(f"{_TABLE}style-name", "")))
        lines = [] if master is None else [line for part in _furniture(master) for line in part if line not in seen]
        seen.update(lines)
        lines_written(sheet, lines)


def _paragraph(line: str) -> Any:
    paragraph = etree.Element(f"{TEXT}p")
    paragraph.text = line
    return paragraph


def _furniture(common: Any) -> Iterator[list[str]]:
    """Yields the lines of the headers, then those of the footers, each once."""
    seen: set[str] = set()
    for name in ("header", "footer"):
        lines: list[str] = []
        for holder in common.iter(*(f"{STYLE}{name}{kind}" for kind in ("", "-left", "-first"))):
            if holder.get(f"{STYLE}display") != "false":
                lines += _lines(holder)
        fresh = [line for line in dict.fromkeys(lines) if line not in seen]
        seen.update(fresh)
        yield fresh


def _lines(holder: Any) -> Iterator[str]:
    """Yields the paragraphs of a header or footer, the rows of a table each in one line, without the pages' numbers."""
    for field in holder.iter(*_FIELDS):
        field.text = "" if field.tag in _PAGE_FIELDS or field.text == _UNFILLED else field.text
    for blank in holder.iter(*_BLANKS):
        blank.text = " "
    for element in holder.iter(*_PARAGRAPHS, f"{_TABLE}table-row"):
        line = ""
        if element.tag == f"{_TABLE}table-row":
            cells = (cell.iter(*_PARAGRAPHS) for cell in element.iterchildren(f"{_TABLE}table-cell"))
            line = row_line([" ".join(filter(None, map(_line, cell))) for cell in cells])
        elif next(element.iterancestors(f"{_TABLE}table-row"), None) is None:
            line = _line(element)
        if not is_page_number(line):
            yield line


def _line(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _remove(element: Any) -> None:
    """Takes an element out, and leaves the text behind it."""
    _replace(element, etree.Element(f"{TEXT}soft-page-break"))


def _replace(element: Any, other: Any) -> None:
    other.tail, element.tail = element.tail, None
    element.getparent().replace(element, other)
