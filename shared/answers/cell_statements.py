"""Short sentences about the cells of a row, in the words of the table."""

import re
from collections.abc import Sequence

from shared.answers.columns import column_phrase, name_columns, naming_column
from shared.answers.look_up import RowMatch
from shared.answers.records import RecordRow

_PEOPLE = frozenset(
    [
        "name",
        "employee",
        "person",
        "member",
        "student",
        "teacher",
        "customer",
        "author",
        "mitarbeiter",
        "kunde",
        "kundin",
    ]
)
_UNIT = re.compile(r"(?<!\s)\s*[(\[](?P<unit>[^()\[\]]{1,12})[)\]]\Z")
_PLURAL = re.compile(r"(?<![^\W\d_])[^\W\d_]{3,}(?<![su])s\Z")
_ENDS_IN_VERB = re.compile(
    r"(?:.*\b(?:by|at|in|on|to|from|since|von|am|seit)|\w+(?:ed|uilt|orn|ought|old|egun|ritten|irst|ast))\Z"
)


def cell_statement(match: RowMatch, german: bool, beside_name: int | None = None) -> str:
    """The asked cell with its column and the row's name, without the period; `beside_name` is a column whose value
    joins the name. Empty where the row has no name."""
    row, asked = match.row, match.asked
    column, cell = named_cell(row, asked)
    if asked == _first(row) and match.keys:
        return f"{name_of(row)}: {', '.join(stated_cell(row, at) for at in sorted(match.keys))}"
    if not match.keys:
        return f"{row.table.columns[asked]}: {cell}"
    subject = name_of(row) or row.cells[min(match.keys)]
    own = match.keys.isdisjoint((_first(row), *name_columns(row.table.columns)))
    beside = beside_name if beside_name is not None else min(match.keys) if own else None
    if beside is not None and row.cells[beside] and row.cells[beside] != subject:
        subject = f"{subject} ({row.cells[beside]})"
    if column.lower() in ("value", "wert"):
        return f"{subject}: {cell}"
    if german:
        return f"{column} von {subject}: {cell}"
    if row.table.passage.language == "de":
        return f"{subject}: {column} {cell}"
    return _sentence(subject, row.table.columns[_first(row)], column, cell)


def _sentence(subject: str, subject_column: str, column: str, cell: str) -> str:
    if _ENDS_IN_VERB.match(column.lower()):
        return f"{subject}: {lowered(column)} {cell}"
    verb = "are" if _PLURAL.search(column) else "is"
    if ")" not in subject and _PEOPLE.intersection(column_phrase(subject_column).low):
        return f"{subject}'s {lowered(column)} {verb} {cell}"
    return f"The {lowered(column)} of {subject} {verb} {cell}"


def name_of(row: RecordRow) -> str:
    """The cell that says what the row is about, or its first and last name."""
    parts = name_columns(row.table.columns)
    return " ".join(row.cells[at] for at in parts if row.cells[at]) if parts else row.cells[_first(row)]


def _first(row: RecordRow) -> int:
    return naming_column(row.table.columns, row.cells)


def named_cell(row: RecordRow, at: int) -> tuple[str, str]:
    """The column's name and the cell; a unit in the name is moved behind a bare number."""
    column, cell = row.table.columns[at].strip(), row.cells[at]
    unit = _UNIT.search(column)
    if not unit:
        return column, cell
    name = column[: unit.start()]
    return (name, f"{cell} {unit['unit']}") if re.fullmatch(r"[\d.,' ]+", cell) else (name, cell)


def stated_cell(row: RecordRow, at: int) -> str:
    """The column's name and the cell, as they stand within a sentence; German nouns stay in capitals."""
    column, cell = named_cell(row, at)
    return f"{column if row.table.passage.language == 'de' else lowered(column)} {cell}"


def differing_column(rows: Sequence[RecordRow], asked: int = 0) -> int | None:
    """The first column, behind the first one, in whose cells rows of one name differ, other than the asked one."""
    places = (at for at in range(1, len(rows[0].cells)) if at != asked)
    return next((at for at in places if len({row.cells[at] for row in rows}) > 1), None)


def lowered(column: str) -> str:
    """In lower case, but for words that are written in capitals."""
    return " ".join(word if word[1:] != word[1:].lower() else word.lower() for word in column.split())
