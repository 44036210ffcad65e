"""Tables inside the cells of tables."""

from typing import Any

from lxml import etree

from shared.parsing.docling.word.names import W, child_value, paragraph, text_of, unwrap
from shared.parsing.tables import row_line

_WIDEST = 1_000
"""Columns of a grid, whatever the cells say that they span."""


def nested_tables_written(tree: Any) -> None:
    """Writes a table inside a cell as a paragraph, row by row; a table of one cell only frames what it holds."""
    for table in list(tree.iter(f"{W}tbl")):
        if table.getparent() is not None and _is_frame(table):
            _unframe(table)
    for table in reversed(list(tree.iter(f"{W}tbl"))):
        if next(table.iterancestors(f"{W}tc"), None) is None:
            continue
        rows = (
            [" ".join(filter(None, map(_line, cell.iter(f"{W}p")))) for cell in row.iterchildren(f"{W}tc")]
            for row in table.iterchildren(f"{W}tr")
        )
        table.addprevious(paragraph("; ".join(filter(None, map(row_line, rows)))))
        table.getparent().remove(table)


def grids_completed(tree: Any) -> None:
    """Gives each table a grid with as many columns as its widest row: Docling reads no cell beyond the grid."""
    for table in tree.iter(f"{W}tbl"):
        widths = [sum(map(_width, row.iterchildren(f"{W}tc"))) + _left_out(row) for row in table.iterchildren(f"{W}tr")]
        grid = table.find(f"{W}tblGrid")
        if grid is None:
            grid = etree.Element(f"{W}tblGrid")
            table.insert(0 if table.find(f"{W}tblPr") is None else 1, grid)
        for _ in range(min(max(widths, default=0), _WIDEST) - len(grid.findall(f"{W}gridCol"))):
            etree.SubElement(grid, f"{W}gridCol")


def _width(cell: Any) -> int:
    return max(_number(cell.find(f"{W}tcPr"), "gridSpan"), 1)


def _left_out(row: Any) -> int:
    """The columns before the first cell of a row and behind its last."""
    properties = row.find(f"{W}trPr")
    return _number(properties, "gridBefore") + _number(properties, "gridAfter")


def _number(properties: Any, name: str) -> int:
    value = child_value(properties, name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 0


def _is_frame(table: Any) -> bool:
    rows = table.findall(f"{W}tr")
    return len(rows) == 1 and len(rows[0].findall(f"{W}tc")) == 1 and table.find(f".//{W}tbl") is not None


def _unframe(table: Any) -> None:
    cell = table.find(f"{W}tr/{W}tc")
    for properties in cell.findall(f"{W}tcPr"):
        cell.remove(properties)
    table.getparent().replace(table, cell)
    unwrap(cell)


def _line(element: Any) -> str:
    return " ".join(text_of(element).split())
