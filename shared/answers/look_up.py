"""Looks a question up in rows and records: the row by the values that the question names, the cell by what it asks."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.answers.answer_type import AnswerType
from shared.answers.columns import (
    ColumnComparison,
    ColumnSense,
    Phrase,
    groups_of,
    is_in,
    name_columns,
    phrase_of,
    same,
)
from shared.answers.lexicon import words
from shared.answers.question import Question, Term
from shared.answers.records import RecordRow
from shared.answers.stems import WORD, stem

_LIGHT = words("light") | words("people")
"""Words that a question about a row needs and no column has: "employee", "work", "have"."""

_SHIFTS = words("shifts")
_MAIL = words("mail")
_PLAIN = _LIGHT | _MAIL
_VALUE = 6
"""Words of a cell that is a value, and no sentence."""

_MOST = 3
"""Rows of one name that are all given as the answer."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{2,4}|\d{1,2}/\d{1,2}/\d{2,4}|.*\b(?:1[0-9]|20)\d\d\b.*")
_NAMELIKE = re.compile(r"[^\W\d_][^\d]*")
_EMPTY = re.compile(r"[\W_]*|n/?a|none|null|keine?|unknown|unbekannt", re.IGNORECASE)
_BETWEEN = re.compile(r"[ .,:/+'’\u00a0-]{0,3}")
_DATES = frozenset([AnswerType.DATE, AnswerType.PAST])
_OWN_COLUMN = frozenset([AnswerType.PERSON, AnswerType.NAME, AnswerType.OTHER])
_OPENING = ("who", "which", "what", "wer", "welche", "was", "in which", "in welche")
_AGES = frozenset(
    ["age", "alter", "alt", "born", "birth", "birthday", "geburt", "geboren", "geburtsdatum", "geburtsjahr", "founded",
     "built", "baujahr", "gebaut", "gegründet"]
)  # fmt: skip
_REASONS = frozenset(["purpose", "reason", "use", "zweck", "anlass", "grund", "verwendung"])
_CLOCK = re.compile(r"\bat what time\b|\bwhat time\b|\bum wie viel uhr\b|\bum welche uhrzeit\b", re.IGNORECASE)
_WHEN = frozenset(["date", "time", "day", "year", "month", "datum", "uhrzeit", "zeit", "tag", "jahr", "monat"])
_START = groups_of(["start"])
_SINCE = re.compile(r"\b(?:since when|seit wann)\b", re.IGNORECASE)
_PRICES = frozenset(
    ["price", "cost", "costs", "fee", "amount", "preis", "kosten", "einzelpreis", "stückpreis", "betrag", "gebühr"]
)
_TYPE_WORDS = {
    AnswerType.PERSON: frozenset(["name", "person", "from"]),
    AnswerType.PLACE: frozenset(
        ["place", "location", "address", "site", "room", "raum", "hall", "workplace", "office", "port", "city", "town",
         "arbeitsplatz", "ort", "standort", "adresse", "büro", "lagerort", "lager", "hafen", "heimathafen", "stadt"]
    ),
    AnswerType.DATE: frozenset(["date", "datum", "day", "tag"]),
    AnswerType.PAST: frozenset(["date", "datum"]),
    AnswerType.PHONE: frozenset(["phone", "telefon", "telephone", "mobile"]),
    AnswerType.EMAIL: frozenset(["mail", "email"]),
    AnswerType.MONEY: _PRICES,
}  # fmt: skip
_FIGURES = frozenset([AnswerType.NUMBER, AnswerType.MONEY, AnswerType.WEIGHT, AnswerType.LENGTH, AnswerType.PERCENT])
_KIND_BY_OPENING = (
    (AnswerType.PERSON, ("who", "wer", "wem", "wen", "whom")),
    (AnswerType.PLACE, ("where", "wo", "wohin")),
    (AnswerType.DATE, ("when", "wann")),
)


class RowMatch(Struct, frozen=True, eq=False):
    """A row that the question names, with the columns by whose values it does, and the column that it asks for."""

    row: RecordRow
    keys: frozenset[int]
    asked: int


def look_up(question: Question, rows: Sequence[RecordRow], sense: ColumnSense) -> list[RowMatch]:
    """Returns the row that the question names and whose columns meet everything else that it says; several rows only
    where their first cells cannot be told apart by the question. Empty where there is none."""
    asked = phrase_of(question.text).forms
    rows = [
        row for row in rows if row.table.keyed or any(not asked.isdisjoint(phrase_of(cell).forms) for cell in row.cells)
    ]
    reads = [read for row in rows if (read := _RowRead.of(question, row, sense))]
    matches = [(read.rank, found) for read in reads if (found := read.match())]
    most = max((rank for rank, _ in matches), default=(0, 0))
    best = [found for rank, found in matches if rank == most]
    distinct = list({(one.row.cells, one.row.table.heading): one for one in reversed(best)}.values())[::-1]
    if len(distinct) < 2:
        return distinct
    first = distinct[0]
    own = {0, *name_columns(first.row.table.columns)}
    alike = all(one.keys == first.keys <= own and one.asked == first.asked for one in distinct)
    together = {one.row.table.passage.document_id for one in distinct}
    columns = {one.row.table.columns for one in distinct}
    return distinct if alike and len(distinct) <= _MOST and len(together) == len(columns) == 1 else []


class _RowRead(ColumnComparison):
    """A row compared with the question: which of its words the row, its columns and what stands above it meet."""

    def __init__(self, question: Question, row: RecordRow, sense: ColumnSense) -> None:
        super().__init__(row.table.columns, sense)
        self.question = question
        self.row = row
        self.terms = (*question.names, *question.terms)
        which = [term for term in self.terms if self._follows_which(term)]
        is_named = any(self.asks_for_column(term) for term in which)
        self.kind = AnswerType.OTHER if is_named else _kind(question)
        self.name = name_columns(row.table.columns)
        self.cells = [phrase_of(cell) for cell in row.cells]
        self.above = phrase_of(f"{row.table.passage.context} {row.table.heading}")
        self.is_mail = row.table.keyed and {"from", "date"} <= {column.low[0] for column in self.columns if column.low}
        self.met: dict[int, frozenset[Term]] = {}

    @classmethod
    def of(cls, question: Question, row: RecordRow, sense: ColumnSense) -> "_RowRead | None":
        """The row where it holds every name and number of the question that nothing around it explains."""
        read = cls(question, row, sense)
        asked = phrase_of(question.text)
        if read._is_shifted(asked):
            return None
        if read.is_mail and not _MAIL.isdisjoint(asked.low):
            return read if all(read.explains(term) for term in read.terms) else None
        for at, cell in enumerate(read.cells):
            if met := read._met_by(cell, asked):
                read.met[at] = met
        read._drop_numbers_of_unnamed_columns()
        in_row = read.own
        names = [term for term in question.names if term not in in_row and not read.explains(term)]
        return read if in_row and not names and not read.is_mail and read._holds_runs() else None

    @property
    def own(self) -> frozenset[Term]:
        return frozenset[Term]().union(*self.met.values())

    @property
    def rank(self) -> tuple[int, int]:
        own = self.own
        above = sum(is_in(term, self.above) for term in self.terms if term not in own)
        return len(own) + above, len(own)

    def _is_shifted(self, asked: Phrase) -> bool:
        """Whether it asks for another time or the contrary ("before", "not") that no column states."""
        shifts = _SHIFTS.intersection(asked.low)
        return any(not any(shift in column.low for column in self.columns) for shift in shifts)

    def _met_by(self, cell: Phrase, asked: Phrase) -> frozenset[Term]:
        """The question's words that name this cell: all words of the cell, or names and numbers of the question."""
        if not cell.low:
            return frozenset()
        met = [term for term in self.terms if is_in(term, cell) and not self._is_column(term)]
        names = [term for term in met if term in self.question.names]
        inflected = {term.stem: term for term in self.question.terms if term.word[0].islower()}
        words_met = (any(same(word, other) for other in asked.low) or stem(word) in inflected for word in cell.low)
        if len(cell.stems) > _VALUE or not all(words_met):
            return frozenset(names)
        return frozenset([*met, *(inflected[root] for root in cell.stems if root in inflected)])

    def _drop_numbers_of_unnamed_columns(self) -> None:
        """A number beside a name counts only in a column that the question asks for: 14 in stock is no "Model 14"."""
        named = any(not term.word[0].isdigit() for term in self.own)
        for at, met in list(self.met.items()):
            if not all(term.word[0].isdigit() for term in met):
                continue
            asked = not _WHEN.isdisjoint(self.columns[at].low) or any(self.like(term, at) for term in self.terms)
            if (named and not asked) or any(met < other for other in self.met.values()):
                del self.met[at]

    def _holds_runs(self) -> bool:
        """Names that stand side by side in the question are one name, which one cell holds."""
        for run in _runs(self.question):
            terms = {term for term in run if not self.explains(term)}
            name = frozenset[Term]().union(*(self.met.get(at, frozenset()) for at in self.name))
            if len(terms) > 1 and not any(terms <= met for met in (*self.met.values(), name)):
                return False
        return True

    def _is_column(self, term: Term) -> bool:
        return any(term.stem in column.stems for column in self.columns) and term not in self.question.names

    def explains(self, term: Term) -> bool:
        """Whether a column or what stands above the row has the word, or it says nothing by itself."""
        if term.hint or term.word.lower() in _LIGHT or (self.is_mail and term.word.lower() in _MAIL):
            return True
        if self._is_age(term):
            return True
        return is_in(term, self.above) or self.asks_for_column(term)

    def _is_age(self, term: Term) -> bool:
        """Whether it is the "old" of "how old", and a column states an age or a year of birth."""
        asks = self.kind is AnswerType.AGE and term.word.lower() in ("old", "alt")
        return asks and any(not _AGES.isdisjoint(column.low) for column in self.columns)

    def match(self) -> RowMatch | None:
        keys = frozenset(self.met)
        own = self.own
        rest = [term for term in self.terms if term not in own]
        left = [term for term in rest if not self.explains(term) and not self._follows_which(term)]
        named = any(term in self.question.names for term in left)
        if not self.is_mail and not named:
            self.find_similar(left)
        if any(not self.explains(term) for term in left):
            return None
        worths = {at: self._worth(at, rest) for at in range(len(self.columns)) if at not in keys}
        best = max(worths.values(), default=0.0)
        asked = [at for at, worth in worths.items() if worth == best]
        if any(term.counted and not self.like(term, at) for term in rest for at in asked[:1]):
            return None
        if best >= 1 and len(asked) == 1:
            used = [term for term in rest if self.like(term, asked[0]) > 0]
            others = [term for term in rest if term not in used and not self._is_plain(term)]
            if all(any(self.like(term, at) > 0 for at in keys) for term in others):
                full = not _EMPTY.fullmatch(self.row.cells[asked[0]])
                return RowMatch(self.row, keys, asked[0]) if full else None
        return self._own_name(keys, rest)

    def _is_plain(self, term: Term) -> bool:
        return term.hint or term.word.lower() in _PLAIN or is_in(term, self.above) or self._is_age(term)

    def _follows_which(self, term: Term) -> bool:
        """The noun behind "which": the row itself is one of them."""
        before = self.question.text[: term.start].lower().split()
        return bool(before) and before[-1] in ("which", "what", "welche", "welcher", "welches", "welchem", "welchen")

    def _worth(self, at: int, rest: Iterable[Term]) -> float:
        """How well the column is asked for: by its name, by the type of answer, and by what stands in the cell."""
        likes = [self.like(term, at) for term in rest]
        named = max(likes, default=0.0) + 0.1 * sum(like > 0 for like in likes)
        kind = self.kind
        column = self.columns[at]
        by_type = not _TYPE_WORDS.get(kind, frozenset()).isdisjoint(column.low)
        if not self._may_hold(at):
            return 0.0
        if kind is AnswerType.AGE:
            by_type = not _AGES.isdisjoint(column.low)
            if not by_type:
                return 0.0
        if self.question.text.lower().rstrip("? ").endswith((" for", "wofür")):
            by_type = not _REASONS.isdisjoint(column.low)
        if kind is AnswerType.NUMBER and self.question.text.lower().startswith(("how much is", "how much are")):
            by_type = not _PRICES.isdisjoint(column.low)
        if _SINCE.search(self.question.text):
            by_type = bool(column.groups & _START)
        plain = all(self._is_plain(term) for term in rest)
        if self.is_mail:
            return 1.0 if by_type else 0.0
        return (
            named + (1.0 if by_type and (plain or named or kind is AnswerType.AGE) else 0.0)
            if named < 1
            else (named + 0.5 * by_type)
        )

    def _may_hold(self, at: int) -> bool:
        """Whether the cell and the column's name are of the kind asked for."""
        cell, column = self.row.cells[at], self.columns[at]
        if _CLOCK.search(self.question.text):
            return ":" in cell or not {"time", "uhrzeit", "zeit"}.isdisjoint(column.low)
        if self.kind in _DATES:
            return _DATE.fullmatch(cell) is not None
        if self.kind in _FIGURES:
            return any(letter.isdigit() for letter in cell) or _EMPTY.fullmatch(cell) is not None
        if self.kind is AnswerType.PERSON:
            return not cell[:1].isdigit() and not _DATE.fullmatch(cell)
        return column.low[-1:] not in (("by",), ("von",))

    def _own_name(self, keys: frozenset[int], rest: Sequence[Term]) -> RowMatch | None:
        """The first column, where the question names a row by another value: "Who started on …?"."""
        if self.kind not in _OWN_COLUMN or not keys.isdisjoint((0, *self.name)) or not keys or self.is_mail:
            return None
        for term in rest:
            met = any(self.like(term, at) > 0 for at in keys)
            if not (met or self._is_plain(term) or self._follows_which(term)):
                return None
        if any(self.like(term, at) for term in rest for at in range(1, len(self.columns)) if at not in keys):
            return None  # it asks for another column, which is empty here or not of the kind asked for
        fits = _NAMELIKE.match(self.row.cells[0]) is not None
        open_question = self.question.text.lower().startswith(_OPENING)
        return RowMatch(self.row, keys, 0) if fits and open_question else None


def _kind(question: Question) -> AnswerType:
    """The type of answer that the question's first word asks for: names of columns ask for others."""
    first = question.text.lower().split(" ", 1)[0]
    kind = next((kind for kind, openings in _KIND_BY_OPENING if first in openings), question.answer_type)
    return question.answer_type if kind is AnswerType.DATE and question.answer_type in _DATES else kind


def _runs(question: Question) -> list[list[Term]]:
    """Names of the question that stand side by side."""
    runs: list[list[Term]] = []
    for term in question.names:
        if runs and _BETWEEN.fullmatch(question.text[runs[-1][-1].end : term.start]):
            runs[-1].append(term)
        else:
            runs.append([term])
    return runs


def bare_rows(rows: Sequence[RecordRow]) -> list[RecordRow]:
    """Rows with only values and no sentences: a word of one says nothing without its columns and its key. Key-value
    lines that stand once describe what their document is about, and each of them is a statement."""
    records = Counter(row.table.columns[0] for row in rows if row.table.keyed)
    return [
        row
        for row in rows
        if all(_length(cell) <= _VALUE for cell in row.cells)
        and not (row.table.keyed and records[row.table.columns[0]] == 1)
    ]


def _length(cell: str) -> int:
    """Words of the cell: what is written without spaces is one, like an identifier or an address, but in Japanese."""
    return sum(1 if part.isascii() else len(WORD.findall(part)) for part in cell.split())
