"""The pieces of an answer about a whole table: each names the rows of one quote."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from shared.answers.aggregates import TableAnswer
from shared.answers.cell_statements import differing_column, lowered, name_of, named_cell, stated_cell
from shared.answers.records import RecordRow
from shared.answers.table_questions import TableOperation
from shared.types.passage import Passage

_NAMED = 12
"""Rows that are named; of more only the first and the last of each quote."""

_PLURAL_END = re.compile(r"(?<=..)ies\Z|(?<=x)es\Z|(?<=ch)es\Z|(?<=sh)es\Z|(?<=ss)es\Z|(?<=[^su])s\Z")
_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "movies": "movie", "series": "series",
}  # fmt: skip
_TOTALS = {TableOperation.SUM: ("Total", "Summe"), TableOperation.AVERAGE: ("Average", "Durchschnitt")}


class TableStatement(Struct, frozen=True):
    """`quote` stands literally in the passage: rows that follow each other. `stop` follows the mark of its citation."""

    passage: Passage
    quote: str
    text: str
    stop: str


def table_statements(answer: TableAnswer, german: bool) -> list[TableStatement]:
    """The first piece begins with the number or sum."""
    runs = list(_runs(answer.rows))
    brief = len(answer.rows) > _NAMED
    names = {id(row): name for row, name in zip(answer.rows, _names(answer), strict=True)}
    pieces = []
    for place, run in enumerate(runs):
        own = [names[id(row)] for row in run]
        text = f"{own[0]} … {own[-1]}" if brief and len(own) > 2 else ", ".join(own)
        passage = run[0].table.passage
        quote = passage.text[run[0].start : run[-1].end]
        lead = _lead(answer, german) if place == 0 else ""
        pieces.append(TableStatement(passage, quote, lead + text, "." if run is runs[-1] else ","))
    return pieces


def _lead(answer: TableAnswer, german: bool) -> str:
    if answer.operation is TableOperation.COUNT:
        return f"{_counted(len(answer.rows), answer.noun, german)}: "
    if answer.operation in _TOTALS:
        row, at = answer.rows[0], answer.columns[0]
        column = named_cell(row, at)[0]
        name = column if german or row.table.passage.language == "de" else lowered(column)
        of = "von" if german else "of"
        return f"{_TOTALS[answer.operation][german]} {name}: {answer.value}, {of} "
    return ""


def _counted(count: int, noun: str, german: bool) -> str:
    """The number with its noun, which the question has in the plural; German plurals tell nothing of their singular."""
    if count != 1:
        return f"{count} {noun}"
    return f"1 der {noun}" if german else f"1 {_IRREGULAR.get(noun.lower()) or _PLURAL_END.sub(_singular, noun)}"


def _singular(found: re.Match[str]) -> str:
    return {"ies": "y", "s": ""}.get(found[0], found[0][:-2])


def _names(answer: TableAnswer) -> Iterator[str]:
    """A row's first cell, with the first other cell that tells it from a row of the same name, and the cells asked."""
    alike: defaultdict[str, list[RecordRow]] = defaultdict(list)
    for row in answer.rows:
        alike[name_of(row)].append(row)
    apart = {name: differing_column(rows) for name, rows in alike.items()}
    for row in answer.rows:
        name = name_of(row)
        if (beside := apart[name]) and row.cells[beside]:
            name = f"{name} ({row.cells[beside]})"
        columns = () if answer.operation in _TOTALS else (at for at in answer.columns if row.cells[at])
        stated = ", ".join(stated_cell(row, at) for at in columns)
        yield f"{name}: {stated}" if stated else name


def _runs(rows: Sequence[RecordRow]) -> Iterator[list[RecordRow]]:
    """Rows that stand side by side in one passage."""
    run = [rows[0]]
    for before, row in pairwise(rows):
        passage = row.table.passage
        if before.table.passage is not passage or passage.text[before.end : row.start].strip():
            yield run
            run = []
        run.append(row)
    yield run
