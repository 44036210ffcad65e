"""Cells of OpenDocument spreadsheets as they are shown."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from shared.parsing.docling.open_styles import OFFICE, TEXT, OpenStyles, words_of

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_OFFICE_ANNOTATION = f"{OFFICE}annotation"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_REFERENCE = re.compile(r"\[([^\]]{1,500})\]")
_WIDEST = 16_384


def without_hidden_cells(book: Any, styles: OpenStyles) -> int:
    """Takes out hidden sheets, rows and columns; returns how many words they had. What a filter hides is read."""
    words = 0
    for table in book.findall(f"{_TABLE}table"):
        if styles.value("table", table.get(f"{_TABLE}style-name", ""), f"{_TABLE}display") == "false":
            words += words_of(table)
            book.remove(table)
            continue
        columns = _hidden_columns(table)
        for row in table.iter(f"{_TABLE}table-row"):
            all_of_it = row.get(f"{_TABLE}visibility") == "collapse"
            for cell in list(_hidden_cells(row, columns, all_of_it=all_of_it)):
                words += words_of(cell)
                _empty(cell)
    return words


def _hidden_columns(table: Any) -> set[int]:
    hidden: set[int] = set()
    place = 0
    for column in table.iter(f"{_TABLE}table-column"):
        times = _times(column)
        if column.get(f"{_TABLE}visibility") == "collapse":
            hidden.update(range(place, min(place + times, _WIDEST)))
        place += times
    return hidden


def _hidden_cells(row: Any, columns: set[int], *, all_of_it: bool) -> Iterator[Any]:
    place = 0
    for cell in row.iterchildren(*_CELLS):
        times = _times(cell)
        if all_of_it or (columns and columns.issuperset(range(place, min(place + times, _WIDEST)))):
            yield cell
        place += times


def _times(element: Any) -> int:
    value = element.get(f"{_TABLE}number-columns-repeated", "1")
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
    for line in lines:
        gap = etree.SubElement(sheet, f"{_TABLE}table-row")
        gap.set(f"{_TABLE}number-rows-repeated", "2")
        etree.SubElement(gap, f"{_TABLE}table-cell")
        cell = etree.SubElement(etree.SubElement(sheet, f"{_TABLE}table-row"), f"{_TABLE}table-cell")
        cell.set(f"{OFFICE}value-type", "string")
        etree.SubElement(cell, f"{TEXT}p").text = line


def cells_written(holder: Any) -> None:
    """Writes each cell as the text that it shows, a formula without a result as the formula."""
    for cell in holder.iter(*_CELLS):
        view = "\n".join(filter(None, map(_paragraph, cell.iterchildren(f"{TEXT}p"))))
        view = view or _stored(cell) or _formula(cell)
        kind = cell.get(f"{OFFICE}value-type") or cell.get(f"{_TABLE}formula")
        if view and kind:
            for child in [*cell.iterchildren(f"{TEXT}p")]:
                cell.remove(child)
            _untyped(cell)
            cell.set(f"{OFFICE}value-type", "string")
            paragraph = etree.Element(f"{TEXT}p")
            paragraph.text = view
            cell.insert(0, paragraph)


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
    return str(_REFERENCE.sub(lambda found: found[1].replace(".", "", 1) if found[1][0] == "." else found[1], formula))
