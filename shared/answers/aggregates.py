"""Answers questions about whole tables: counts, lists, sums, averages, the greatest and the least."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from msgspec import Struct
from msgspec.structs import replace

from shared.answers.cell_kinds import is_yes, is_yes_or_no
from shared.answers.cell_values import Quantity, style_of, written
from shared.answers.columns import (
    ColumnComparison,
    ColumnSense,
    groups_of,
    is_in,
    is_turned,
    likeness,
    naming_column,
    phrase_of,
    same,
)
from shared.answers.lexicon import words
from shared.answers.question import Term
from shared.answers.records import RecordRow
from shared.answers.stems import stem
from shared.answers.table_questions import ColumnBound, TableOperation, TableQuestion
from shared.answers.table_values import EMPTY, Value, column_values, comparable, meets
from shared.answers.whole_tables import JoinedTable

_LIGHT = words("light") | words("counting")
_SHIFTS = (words("shifts") | words("negations")) - {"mehr"}
_PEOPLE = words("people")
_OF_PEOPLE = groups_of(["salary", "position", "born", "department", "hired"])
_AGE = groups_of(["age"])
_DATES = frozenset(["date", "datum", "year", "jahr"])
_SERVING = re.compile(r"\b(?:here|serv|employ|work|dabei|beschäftigt|arbeite)", re.IGNORECASE)
_NOTHING = re.compile(rf"{EMPTY.pattern}|[-−]?0+(?:[.,]0+)?(?: ?[^\W\d]+)?", re.IGNORECASE)
_ALL = re.compile(r"^(?:list|name|show|give|nenne|liste|zeig)|\b(?:all|every|alle)\b", re.IGNORECASE)
_HAVING = re.compile(r"\b(?:who|which|welche[rs]?|wer)\b.*\b(?:has|have|with|hat|haben|mit)\b", re.IGNORECASE)
"""Asks for the rows that have something: a row whose cell is empty is none of them."""

_SYNONYM = 1.1
"""The likeness from which on a word is another word for the column, and no part of it: "unpaid" of "paid"."""

_MOST_LISTED = 50


class TableAnswer(Struct, frozen=True):
    """The rows that answer, in the order of the table, and what is said of them: `value` is a sum or average, `columns`
    the columns whose cells are stated, `noun` what was counted."""

    operation: TableOperation
    rows: tuple[RecordRow, ...]
    value: str = ""
    columns: tuple[int, ...] = ()
    noun: str = ""


class _Filter(Struct, frozen=True):
    """A column and the cells that the question names."""

    at: int
    terms: frozenset[Term]
    cells: frozenset[str]


def answer_from_tables(asked: TableQuestion, tables: Sequence[JoinedTable], sense: ColumnSense) -> TableAnswer | None:
    """None where no table, or more than one, meets everything that the question says, and where a table that does is
    not whole."""
    answers = [(table, found) for table in tables if (found := _TableRead(asked, table, sense).answer())]
    distinct = {tuple(row.cells for row in found.rows): (table, found) for table, found in answers}
    if len(distinct) != 1 or not all(table.is_whole for table, _ in answers):
        return None
    return next(iter(distinct.values()))[1]


class _TableRead(ColumnComparison):
    """A table compared with a question about all of it."""

    def __init__(self, asked: TableQuestion, table: JoinedTable, sense: ColumnSense) -> None:
        super().__init__(table.columns, sense)
        self.asked = asked
        self.table = table
        self.question = asked.question
        self.terms = self.question.in_order
        context = table.rows[0].table
        self.above = phrase_of(f"{context.passage.context} {context.heading}")
        self.german = context.passage.language == "de"
        self.first = naming_column(table.columns, table.rows[0].cells)

    def answer(self) -> TableAnswer | None:
        if len(self.table.rows) < 2 or not _SHIFTS.isdisjoint(phrase_of(self.question.text).low):
            return None
        filters = self._filters()
        if filters is None:
            return None
        named = frozenset[Term]().union(*(one.terms for one in filters))
        rest = [term for term in self.terms if term not in named]
        if not self._explained(rest):
            return None
        own = {one.at for one in filters}
        rows = [row for row in self.table.rows if all(row.cells[one.at] in one.cells for one in filters)]
        affirmed = self._affirmed_columns(rest, own)
        if affirmed is None:
            return None
        rows = [row for row in rows if all(is_yes(row.cells[at]) for at in affirmed)]
        own |= affirmed
        for bound in self.asked.bounds:
            at = self._bounded_column(bound, rest)
            if at is None:
                return None
            values = self._values(rows, at)
            if values is None:
                return None
            rows = [row for row, value in zip(rows, values, strict=True) if value and meets(value, bound)]
            own.add(at)
        return self._operate(rows, rest, own) if rows else None

    def _affirmed_columns(self, rest: Sequence[Term], own: set[int]) -> set[int] | None:
        """The columns of yes and no that the question names; None where it may mean the contrary."""
        found = set()
        for at in range(1, len(self.columns)):
            likes = [self.like(term, at) for term in rest if term.word.lower() not in _LIGHT]
            best = max(likes, default=0.0)
            if at in own or not best or not is_yes_or_no(row.cells[at] for row in self.table.rows):
                continue
            if best < _SYNONYM:
                return None
            found.add(at)
        return found

    def _operate(self, rows: Sequence[RecordRow], rest: Sequence[Term], own: set[int]) -> TableAnswer | None:
        asking = [term for term in rest if term.word.lower() not in _LIGHT]
        liked = [at for at in range(len(self.columns)) if at not in own and any(self.like(term, at) for term in asking)]
        operation = self.asked.operation
        if operation is TableOperation.COUNT:
            return self._count(rows, rest, own)
        if operation is TableOperation.LIST:
            return self._list(rows, [at for at in liked if at not in (0, self.first)], own)
        at, opposite = self._measured_column(rows, rest, liked, own)
        values = None if at is None else self._values(rows, at)
        if at is None or values is None:
            return None
        pairs = [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]
        if operation in (TableOperation.SUM, TableOperation.AVERAGE):
            return self._total(pairs, at)
        columns = [place for place in liked if place not in (0, self.first, at)]
        if opposite or self._is_opposite(at, pairs):
            operation = TableOperation.LEAST if operation is TableOperation.MOST else TableOperation.MOST
        return (
            _extreme(operation, pairs, at, columns[0] if len(columns) == 1 else None)
            if pairs and len(columns) < 2
            else None
        )

    def _is_opposite(self, at: int, pairs: Sequence[tuple[RecordRow, Value]]) -> bool:
        """Whether the column is measured the other way: the longest service began first, the oldest has most years."""
        measured = self.asked.measured
        is_dated = any(isinstance(value, tuple) for _, value in pairs)
        of_ages = bool(self.columns[at].groups & _AGE)
        return ("length" in measured and is_dated) or ("-age" in measured and of_ages)

    def _count(self, rows: Sequence[RecordRow], rest: Sequence[Term], own: set[int]) -> TableAnswer | None:
        counted = next((term for term in self.terms if term.counted), None)
        if counted is None:
            after = re.search(r"(?:number of|anzahl (?:der|an)?|count)\s+(\w+)", self.question.text, re.IGNORECASE)
            counted = next((term for term in rest if after and term.word == after[1]), None)
        if counted is None or not self._all_have(rows, [term for term in rest if term is not counted], own):
            return None
        measure = [at for at in range(1, len(self.columns)) if at not in own and self.like(counted, at)]
        values = self._values(rows, measure[0]) if len(measure) == 1 else None
        if values and not self._is_entity(counted):
            pairs = [(row, value) for row, value in zip(rows, values, strict=True) if isinstance(value, Quantity)]
            return self._total(pairs, measure[0], TableOperation.SUM) if pairs else None
        if measure and not self._is_entity(counted) and not self._is_counted_once(rows, measure):
            return None
        return TableAnswer(TableOperation.COUNT, tuple(rows), noun=counted.word)

    def _all_have(self, rows: Sequence[RecordRow], rest: Sequence[Term], own: set[int]) -> bool:
        """Whether every row has what the question says that it has: none is empty, or counts nothing."""
        places = range(1, len(self.columns))
        asked = [term for term in rest if term.word.lower() not in _LIGHT and not self._is_entity(term)]
        liked = [[at for at in places if self.like(term, at)] for term in asked]
        cells = [row.cells[at] for columns in liked if own.isdisjoint(columns) for row in rows for at in columns]
        return not any(_NOTHING.fullmatch(cell) for cell in cells)

    def _is_counted_once(self, rows: Sequence[RecordRow], measure: Sequence[int]) -> bool:
        """Whether each row stands for one of what the column has: a booking, where it says by whom it is booked."""
        cells = [row.cells[measure[0]] for row in rows]
        return self.columns[measure[0]].low[-1:] in (("by",), ("von",)) or len(set(cells)) == len(cells)

    def _list(self, rows: Sequence[RecordRow], columns: Sequence[int], own: set[int]) -> TableAnswer | None:
        if self.first in own or len(columns) > 1 or len(rows) > _MOST_LISTED:
            return None
        everything = not own and not _ALL.search(self.question.text)
        full = tuple(row for row in rows if not all(EMPTY.fullmatch(row.cells[at]) for at in columns) or not columns)
        if everything or not full:
            return None
        has = columns and _HAVING.search(self.question.text)
        return TableAnswer(TableOperation.LIST, full if has else tuple(rows), columns=tuple(columns))

    def _total(
        self, pairs: Sequence[tuple[RecordRow, Value]], at: int, operation: TableOperation | None = None
    ) -> TableAnswer | None:
        values = [value for _, value in pairs if isinstance(value, Quantity)]
        style = style_of([row.cells[at] for row, _ in pairs], self.german)
        if len(values) != len(pairs) or len(values) < 2 or style is None:
            return None
        if any(value.behind not in row.cells[at] for (row, _), value in zip(pairs, values, strict=True)):
            style = replace(style, places=0)  # in the smallest of several units
        total = sum((value.value for value in values), Decimal(0))
        operation = operation or self.asked.operation
        value = total / len(values) if operation is TableOperation.AVERAGE else total
        return TableAnswer(operation, tuple(row for row, _ in pairs), written(value, style, values[0]), columns=(at,))

    def _explained(self, rest: Sequence[Term]) -> bool:
        left = [term for term in rest if not self._is_plain(term) and not self.asks_for_column(term)]
        if any(term in self.question.names for term in left):
            return False
        self.find_similar(left)
        return all(self.asks_for_column(term) for term in left)

    def _is_plain(self, term: Term) -> bool:
        if term.word.lower() in _PEOPLE:
            return self._is_entity(term)
        return term.word.lower() in _LIGHT or is_in(term, self.above) or (term.hint and not term.counted)

    def _is_entity(self, term: Term) -> bool:
        """Whether the word is a name for what a row stands for."""
        if (
            term.word.lower() in ("times", "mal")
            or likeness(term, self.columns[self.first]) > 0
            or term.stem in self.above.stems
        ):
            return True
        return term.word.lower() in _PEOPLE and self._is_of_people()

    def _is_of_people(self) -> bool:
        heads = frozenset[int]().union(*(column.groups for column in self.columns))
        return bool(heads & _OF_PEOPLE) or not _PEOPLE.isdisjoint(self.columns[self.first].low)

    def _filters(self) -> list[_Filter] | None:
        """The columns by whose cells rows are chosen; None where a word stands in the cells of several columns."""
        found: list[_Filter] = []
        low = phrase_of(self.question.text).low
        stems = {term.stem for term in self.terms}
        asked = phrase_of(self.question.text).forms
        for at in range(len(self.columns)):
            cells = {row.cells[at] for row in self.table.rows if not asked.isdisjoint(phrase_of(row.cells[at]).forms)}
            whole = {cell for cell in cells if _is_named(cell, low, stems)}
            terms = {
                term for term in self.terms for cell in whole if _names(term, cell) and not self._is_turned(term, at)
            }
            terms = {term for term in terms if not self.asks_for_column(term) or term in self.question.names}
            if terms:
                found.append(_Filter(at, frozenset(terms), frozenset(whole)))
        named = frozenset[Term]().union(*(one.terms for one in found))
        for term in self.question.names:
            if term in named or self.asks_for_column(term) or is_in(term, self.above):
                continue
            places = [at for at in range(len(self.columns)) if not self._is_turned(term, at)]
            partial = [(at, _cells_with(term, self.table.rows, at)) for at in places]
            partial = [(at, cells) for at, cells in partial if cells]
            if len(partial) != 1:
                return None
            found.append(_Filter(partial[0][0], frozenset([term]), partial[0][1]))
        for term in self.question.terms:
            if not term.counted or term in named or self.asks_for_column(term) or self._is_plain(term):
                continue
            if counted := frozenset(row.cells[0] for row in self.table.rows if _names(term, row.cells[0])):
                found.append(_Filter(0, frozenset([term]), counted))
        rivals = any(one.at != other.at and one.terms & other.terms for one, other in combinations(found, 2))
        return None if rivals else found

    def _is_turned(self, term: Term, at: int) -> bool:
        return is_turned(self.question.text, term, self.table.columns[at])

    def _bounded_column(self, bound: ColumnBound, rest: Sequence[Term]) -> int | None:
        """The column that the question's words name, or the only one with such values."""
        fitting = [at for at in range(len(self.columns)) if self._fits(at, bound)]
        groups = groups_of(bound.measured)
        likes = {
            at: max(float(bool(groups & self.columns[at].groups)), *(self.like(term, at) for term in rest), 0.0)
            for at in fitting
        }
        best = max(likes.values(), default=0.0)
        chosen = [at for at, like in likes.items() if like == best]
        dated = isinstance(bound.value, tuple)
        return chosen[0] if len(chosen) == 1 and (best > 0 or (dated and len(fitting) == 1)) else None

    def _fits(self, at: int, bound: ColumnBound) -> bool:
        values = self._values(self.table.rows, at)
        kind = tuple if isinstance(bound.value, tuple) else Quantity
        return values is not None and any(isinstance(value, kind) for value in values)

    def _measured_column(
        self, rows: Sequence[RecordRow], rest: Sequence[Term], liked: Sequence[int], own: set[int]
    ) -> tuple[int | None, bool]:
        """The column that a sum or a superlative is about, and whether it is measured the other way: the question's
        words name it, or the superlative does."""
        open_columns = [at for at in range(len(self.columns)) if at not in own and self._values(rows, at) is not None]
        likes = {
            at: max((self.like(term, at) for term in rest), default=0.0) for at in open_columns if at in liked and at
        }
        best = max(likes.values(), default=0.0)
        chosen = [at for at, like in likes.items() if like == best]
        if chosen:
            return (chosen[0] if len(chosen) == 1 else None), False
        return self._by_superlative(open_columns)

    def _by_superlative(self, columns: Sequence[int]) -> tuple[int | None, bool]:
        for word in self.asked.measured:
            name = word.removeprefix("-")
            groups = groups_of([name])
            fitting = [at for at in columns if groups & self.columns[at].groups or name in self.columns[at].low]
            if name == "date":
                dated = [at for at in columns if not _DATES.isdisjoint(self.columns[at].low)]
                fitting = [] if self._is_of_people() else dated
            if name == "start" and not _SERVING.search(self.question.text):
                fitting = []
            if len(fitting) == 1:
                return fitting[0], word != name
        return None, False

    def _values(self, rows: Sequence[RecordRow], at: int) -> list[Value | None] | None:
        return column_values(self.table, rows, at, self.german)


def _extreme(
    operation: TableOperation, pairs: Sequence[tuple[RecordRow, Value]], at: int, column: int | None
) -> TableAnswer:
    keys = [comparable(value) for _, value in pairs]
    sought = max(keys) if operation is TableOperation.MOST else min(keys)
    rows = tuple(row for (row, _), own in zip(pairs, keys, strict=True) if own == sought)
    return TableAnswer(operation, rows, columns=(at,) if column is None else (column, at))


def _is_named(cell: str, low: Sequence[str], stems: set[str]) -> bool:
    """Whether the question has all words of the cell."""
    own = phrase_of(cell)
    return bool(own.low) and all(
        any(same(word, other) for other in low) or (not word[0].isdigit() and stem(word) in stems) for word in own.low
    )


def _names(term: Term, cell: str) -> bool:
    own = phrase_of(cell)
    return is_in(term, own) or (not term.word[0].isdigit() and term.stem in own.stems)


def _cells_with(term: Term, rows: Sequence[RecordRow], at: int) -> frozenset[str]:
    return frozenset(row.cells[at] for row in rows if is_in(term, phrase_of(row.cells[at])))
