"""Cells of OpenDocument spreadsheets as they are shown."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from shared.parsing.docling.hidden_lines import HiddenLines, SheetLines
from shared.parsing.docling.open_styles import OFFICE, TEXT, OpenStyles, words_of
from shared.parsing.docling.workbook_texts import linked
from shared.parsing.links import with_address

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_OFFICE_ANNOTATION = f"{OFFICE}annotation"
_ADDRESS = "{http://www.w3.org/1999/xlink}href"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_REFERENCE = re.compile(r"\[([^\]]{1,500})\]")
_OWN_SHEET = re.compile(r"(?:^|(?<=:))\.")
_WIDEST, _LONGEST = 16_384, 1_048_576


def without_hidden_cells(book: Any, styles: OpenStyles) -> tuple[int, dict[str, SheetLines]]:
    """Takes out hidden sheets and what stands in hidden rows and columns; returns how many words they had, and the
    hidden lines of each sheet. What a filter hides is read."""
    words, lines = 0, dict[str, SheetLines]()
    for table in book.findall(f"{_TABLE}table"):
        if styles.value("table", table.get(f"{_TABLE}style-name", ""), f"{_TABLE}display") == "false":
            words += words_of(table)
            book.remove(table)
            continue
        ranges = list(_collapsed(table, "column", _WIDEST))
        columns = {column for each in ranges for column in each}
        rows = HiddenLines(_collapsed(table, "row", _LONGEST))
        lines[table.get(f"{_TABLE}name", "")] = SheetLines(rows, HiddenLines(ranges))
        for row in table.iter(f"{_TABLE}table-row"):
            all_of_it = row.get(f"{_TABLE}visibility") == "collapse"
            for cell in list(_hidden_cells(row, columns, all_of_it=all_of_it)):
                words += words_of(cell)
                _empty(cell)
    return words, lines


def _collapsed(table: Any, what: str, most: int) -> Iterator[range]:
    """Yields the places of hidden rows or columns."""
    place = 0
    for line in table.iter(f"{_TABLE}table-{what}"):
        following = min(place + _times(line, what), most)
        if line.get(f"{_TABLE}visibility") == "collapse":
            yield range(place, following)
        place = following


def _hidden_cells(row: Any, columns: set[int], *, all_of_it: bool) -> Iterator[Any]:
    place = 0
    for cell in row.iterchildren(*_CELLS):
        times = _times(cell, "column")
        if all_of_it or (columns and columns.issuperset(range(place, min(place + times, _WIDEST)))):
            yield cell
        place += times


def _times(element: Any, what: str) -> int:
    value = element.get(f"{_TABLE}number-{what}s-repeated", "1")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 8 else 1


def _empty(cell: Any) -> None:
    for child in list(cell):
        cell.remove(child)
    _untyped(cell)


def _untyped(cell: Any) -> None:
    """Takes off the value and the formula."""
    for name in [name for name in cell.attrib if name.startswith((OFFICE, _CALC)) or name == f"{_TABLE}formula"]:
        del cell.attrib[name]


def shapes_written(sheet: Any) -> None:
    """Writes the texts of shapes and comments below the cells of a sheet, apart from its tables."""
    lines: list[str] = []
    for holder in list(sheet.iter(_OFFICE_ANNOTATION, f"{_TABLE}shapes", *_CELLS)):
        shapes = [holder] if holder.tag == _OFFICE_ANNOTATION else [one for one in holder if one.tag.startswith(_DRAW)]
        for shape in shapes:
            lines += filter(None, map(_paragraph, shape.iter(f"{TEXT}p")))
            if shape.getparent() is not None and (shape is holder or shape.find(f".//{_DRAW}object") is None):
                shape.getparent().remove(shape)
    lines_written(sheet, lines)


def lines_written(sheet: Any, lines: list[str]) -> None:
    """Writes lines below the cells of a sheet, apart from its tables."""
    for line in lines:
        gap = etree.SubElement(sheet, f"{_TABLE}table-row")
        gap.set(f"{_TABLE}number-rows-repeated", "2")
        etree.SubElement(gap, f"{_TABLE}table-cell")
        cell = etree.SubElement(etree.SubElement(sheet, f"{_TABLE}table-row"), f"{_TABLE}table-cell")
        cell.set(f"{OFFICE}value-type", "string")
        etree.SubElement(cell, f"{TEXT}p").text = line


def cells_written(holder: Any) -> None:
    """Writes each cell as the text that it shows, with the addresses of its links, a formula without a result as the
    formula."""
    for cell in holder.iter(*_CELLS):
        for link in cell.iter(f"{TEXT}a"):
            _with_address(link)
        view = "\n".join(filter(None, map(_paragraph, cell.iterchildren(f"{TEXT}p"))))
        view = view or _stored(cell) or _formula(cell)
        view = linked(view, "", cell.get(f"{_TABLE}formula", ""))
        kind = cell.get(f"{OFFICE}value-type") or cell.get(f"{_TABLE}formula")
        if view and kind:
            for child in [*cell.iterchildren(f"{TEXT}p")]:
                cell.remove(child)
            _untyped(cell)
            cell.set(f"{OFFICE}value-type", "string")
            paragraph = etree.Element(f"{TEXT}p")
            paragraph.text = view
            cell.insert(0, paragraph)


def _with_address(link: Any) -> None:
    """Writes the address of a link behind its words."""
    words = "".join(link.itertext())
    if (text := with_address(words, link.get(_ADDRESS))) != words:
        for child in list(link):
            link.remove(child)
        link.text = text


def _paragraph(paragraph: Any) -> str:
    parts = []
    for each in paragraph.iter("{*}*"):
        if each.tag == f"{TEXT}s" or each.tag in {f"{TEXT}tab", f"{TEXT}line-break"}:
            parts.append(" ")
        else:
            parts.append(each.text or "")
        if each is not paragraph:
            parts.append(each.tail or "")
    return " ".join("".join(parts).split())


def _stored(cell: Any) -> str:
    """The value of a cell of which the file does not say how it is shown."""
    value = cell.get(f"{OFFICE}value", "")
    match cell.get(f"{OFFICE}value-type"):
        case "percentage":
            return f"{float(value) * 100:g}%" if _is_number(value) else value
        case "currency":
            return f"{value} {cell.get(f'{OFFICE}currency', '')}".strip()
        case "date":
            date: str = cell.get(f"{OFFICE}date-value", "")
            return date.removesuffix("T00:00:00").replace("T", " ")
        case "time":
            found = re.fullmatch(r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S", cell.get(f"{OFFICE}time-value", ""))
            return ":".join(found.groups()) if found else cell.get(f"{OFFICE}time-value", "")
        case "boolean":
            return str(cell.get(f"{OFFICE}boolean-value", "")).upper()
        case "string":
            return str(cell.get(f"{OFFICE}string-value", ""))
        case _:
            return str(value)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _formula(cell: Any) -> str:
    formula = cell.get(f"{_TABLE}formula", "")
    formula = formula.removeprefix("of:").removeprefix("oooc:").removeprefix("msoxl:")
    return str(_REFERENCE.sub(lambda found: _OWN_SHEET.sub("", found[1]), formula))
