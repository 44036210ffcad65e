"""Tables inside the cells of tables."""

from typing import Any

from shared.parsing.docling.word.names import W, paragraph, text_of, unwrap
from shared.parsing.tables import row_line


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
