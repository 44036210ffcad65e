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
    return "| " + " | ".join(map(_cell, row)) + " |"


def rectangular(rows: Iterable[Sequence[str]]) -> tuple[TableRow, ...]:
    """Without rows and trailing columns that are empty throughout, every row as wide as the widest."""
    filled = [_stripped(row) for row in rows if any(cell.strip() for cell in row)]
    width = max(map(len, filled), default=0)
    return tuple(row + ("",) * (width - len(row)) for row in filled)


def _stripped(row: Sequence[str]) -> TableRow:
    last = max(place for place, cell in enumerate(row) if cell.strip())
    return tuple(cell.strip() for cell in row[: last + 1])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
