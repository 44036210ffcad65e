"""A table's cells as Markdown."""

from collections.abc import Iterable, Sequence

TableRow = tuple[str, ...]


def table_markdown(rows: Sequence[TableRow]) -> str:
    """The first row is the header. A cell's line breaks become spaces, its bars are escaped."""
    if not rows:
        return ""
    return "\n".join([table_head(rows[0]), *map(table_row, rows[1:])])


def table_head(header: TableRow) -> str:
    return f"{table_row(header)}\n|{' --- |' * len(header)}"


def table_row(row: TableRow) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) + " |"


def rectangular(rows: Iterable[Sequence[str]]) -> tuple[TableRow, ...]:
    """Without rows and trailing columns that are empty throughout, every row as wide as the widest."""
    filled = []
    for row in rows:
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            filled.append(tuple(cells))
    width = max(map(len, filled), default=0)
    return tuple(row + ("",) * (width - len(row)) for row in filled)


def row_line(cells: Sequence[str]) -> str:
    """A row of a table that is written in a line of text: what it is about, then the rest."""
    first, *rest = cells or [""]
    return f"{first}: {', '.join(filter(None, rest))}" if first and any(rest) else ", ".join(filter(None, cells))
