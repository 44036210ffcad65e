"""Looks a question up in rows and records: the row by the values that the question names, the cell by what it asks."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.answers.answer_type import AnswerType
from shared.answers.lexicon import words
from shared.answers.question import Question, Term, meanings_of
from shared.answers.records import RecordRow
from shared.answers.stems import WORD, stem

_LIGHT = words("light")
"""Words that a question about a row needs and no column has: "employee", "work", "have"."""

_MAIL = words("mail")
_VALUE = 6
"""Words of a cell that is a value, and no sentence."""

_LEAST = 4
"""Letters of a word that may be a part of another one ("work" in "workplace")."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{2,4}|\d{1,2}/\d{1,2}/\d{2,4}|.*\b(?:1[0-9]|20)\d\d\b.*")
_NAMELIKE = re.compile(r"[^\W\d_][^\d]*")
_DATES = frozenset([AnswerType.DATE, AnswerType.PAST])
_OWN_COLUMN = frozenset([AnswerType.PERSON, AnswerType.NAME, AnswerType.OTHER])
_AGES = frozenset(
    ["age", "alter", "alt", "born", "birth", "birthday", "geburt", "geboren", "geburtsdatum", "founded", "built"]
)
_TYPE_WORDS = {
    AnswerType.PERSON: "name person from",
    AnswerType.PLACE: "place location address site room raum hall workplace arbeitsplatz ort standort adresse",
    AnswerType.DATE: "date datum day tag",
    AnswerType.PAST: "date datum",
    AnswerType.PHONE: "phone telefon telephone",
    AnswerType.EMAIL: "mail email",
}


class RowMatch(Struct, frozen=True, eq=False):
    """A row that the question names, with the columns by whose values it does, and the column that it asks for."""

    row: RecordRow
    keys: frozenset[int]
    asked: int
    score: float


class _Phrase(Struct, frozen=True):
    """The words of a cell or a heading: as written in lower case, by stem, and what they mean."""

    low: tuple[str, ...]
    stems: tuple[str, ...]
    means: frozenset[int]


def look_up(question: Question, rows: Sequence[RecordRow]) -> RowMatch | None:
    """Returns the one row that the question names and whose columns meet everything else that it says, else None."""
    reads = [read for row in rows if (read := _RowRead.of(question, row))]
    most = max((read.rank for read in reads), default=(0, 0))
    best = [read for read in reads if read.rank == most]
    matches = [found for read in best if (found := read.match())]
    distinct = {(one.row.cells, one.row.table.heading): one for one in reversed(matches)}
    if len(distinct) != 1 or len({(read.row.cells, read.row.table.heading) for read in best}) != 1:
        return None
    return next(iter(distinct.values()))


class _RowRead:
    """A row compared with the question: which of its words the row, its columns and what stands above it meet."""

    def __init__(self, question: Question, row: RecordRow) -> None:
        self.question = question
        self.row = row
        self.terms = (*question.names, *question.terms)
        self.columns = [_phrase(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", column)) for column in row.table.columns]
        self.cells = [_phrase(cell) for cell in row.cells]
        self.above = _phrase(f"{row.table.passage.context} {row.table.heading}")
        self.is_mail = row.table.keyed and {"from", "date"} <= {column.low[0] for column in self.columns if column.low}
        self.met: dict[int, frozenset[Term]] = {}

    @classmethod
    def of(cls, question: Question, row: RecordRow) -> "_RowRead | None":
        """The row where it holds every name and number of the question that nothing around it explains."""
        read = cls(question, row)
        asked = _phrase(question.text)
        if read.is_mail and not _MAIL.isdisjoint(asked.low):
            return read if all(read.explains(term) for term in read.terms) else None
        for at, cell in enumerate(read.cells):
            if met := read.met_by(cell, asked):
                read.met[at] = met
        in_row = frozenset[Term]().union(*read.met.values())
        names = [term for term in question.names if term not in in_row and not read.explains(term)]
        return read if in_row and not names and not read.is_mail else None

    @property
    def rank(self) -> tuple[int, int]:
        own = frozenset[Term]().union(*self.met.values())
        above = sum(_is_in(term, self.above) for term in self.terms if term not in own)
        return len(own) + above, len(own)

    def met_by(self, cell: _Phrase, asked: _Phrase) -> frozenset[Term]:
        """The question's words that name this cell: all words of the cell, or names and numbers of the question."""
        if not cell.low:
            return frozenset()
        met = [term for term in self.terms if _is_in(term, cell) and not self._is_column(term)]
        names = [term for term in met if term in self.question.names]
        whole = len(cell.stems) <= 6 and all(any(_same(word, other) for other in asked.low) for word in cell.low)
        return frozenset(met if whole else names)

    def _is_column(self, term: Term) -> bool:
        return any(term.stem in column.stems for column in self.columns) and term not in self.question.names

    def explains(self, term: Term) -> bool:
        """Whether a column or what stands above the row has the word, or it says nothing by itself."""
        if term.hint or term.word.lower() in _LIGHT or (self.is_mail and term.word.lower() in _MAIL):
            return True
        return _is_in(term, self.above) or any(_likeness(term, column) > 0 for column in self.columns)

    def match(self) -> RowMatch | None:
        keys = frozenset(self.met)
        own = frozenset[Term]().union(*self.met.values())
        rest = [term for term in self.terms if term not in own]
        if any(not self.explains(term) for term in rest if not self._follows_which(term)):
            return None
        scores = {at: self._worth(at, rest) for at in range(len(self.columns)) if at not in keys and self.row.cells[at]}
        best = max(scores.values(), default=0.0)
        asked = [at for at, score in scores.items() if score == best]
        if best >= 1 and len(asked) == 1:
            used = [term for term in rest if _likeness(term, self.columns[asked[0]]) > 0]
            others = [column for at, column in enumerate(self.columns) if at in keys]
            left = [term for term in rest if term not in used and not self._is_plain(term)]
            if all(any(_likeness(term, column) > 0 for column in others) for term in left):
                return RowMatch(self.row, keys, asked[0], best)
        return self._own_name(keys, rest)

    def _is_plain(self, term: Term) -> bool:
        return term.hint or term.word.lower() in _LIGHT | _MAIL or _is_in(term, self.above)

    def _follows_which(self, term: Term) -> bool:
        """The noun behind "which": the row itself is one of them."""
        before = self.question.text[: term.start].lower().split()
        return bool(before) and before[-1] in ("which", "what", "welche", "welcher", "welches", "welchem", "welchen")

    def _worth(self, at: int, rest: Iterable[Term]) -> float:
        """How well the column is asked for: by its name, by the type of answer, and by what stands in the cell."""
        likeness = [_likeness(term, self.columns[at]) for term in rest]
        named = max(likeness, default=0.0) + 0.1 * sum(like > 0 for like in likeness)
        kind = self.question.answer_type
        by_type = not set(_TYPE_WORDS.get(kind, "").split()).isdisjoint(self.columns[at].low)
        if kind in _DATES and not _DATE.fullmatch(self.row.cells[at]):
            return 0.0
        if kind is AnswerType.AGE and _AGES.isdisjoint(self.columns[at].low):
            return 0.0
        plain = all(self._is_plain(term) for term in rest)
        if self.is_mail:
            return 1.0 if by_type else 0.0
        return named + (1.0 if by_type and (plain or named) else 0.0) if named < 1 else named + 0.5 * by_type

    def _own_name(self, keys: frozenset[int], rest: Sequence[Term]) -> RowMatch | None:
        """The first column, where the question names a row by another value: "Who started on …?"."""
        if self.question.answer_type not in _OWN_COLUMN or 0 in keys or not keys or self.is_mail:
            return None
        others = [column for at, column in enumerate(self.columns) if at in keys]
        for term in rest:
            met = any(_likeness(term, column) > 0 for column in others)
            if not (met or self._is_plain(term) or self._follows_which(term)):
                return None
        fits = _NAMELIKE.match(self.row.cells[0]) is not None
        open_question = self.question.text.lower().startswith(("who", "which", "what", "wer", "welche", "was"))
        return RowMatch(self.row, keys, 0, 1.0) if fits and open_question else None


def bare_rows(rows: Sequence[RecordRow]) -> list[RecordRow]:
    """Rows with only values and no sentences: a word of one says nothing without its columns and its key. Key-value
    lines that stand once describe what their document is about, and each of them is a statement."""
    records = Counter(row.table.columns for row in rows if row.table.keyed)
    return [
        row
        for row in rows
        if all(len(WORD.findall(cell)) <= _VALUE for cell in row.cells)
        and not (row.table.keyed and records[row.table.columns] == 1)
    ]


def _phrase(text: str) -> _Phrase:
    found = list(WORD.finditer(text))
    low = tuple(word.group().lower().removesuffix("'s").removesuffix("’s") for word in found)
    return _Phrase(low, tuple(stem(word) for word in low), frozenset[int]().union(*meanings_of(found)))


def _is_in(term: Term, phrase: _Phrase) -> bool:
    return any(_same(word, term.word.lower().removesuffix("'s").removesuffix("’s")) for word in phrase.low)


def _same(word: str, other: str) -> bool:
    """Whether two words are the same: short endings aside, which tell names apart only where both have one."""
    if word == other or (word[0].isdigit() and word.replace(",", "") == other.replace(",", "")):
        return True
    short, long = sorted((word, other), key=len)
    return len(short) >= 3 and not short[0].isdigit() and long in (short + "s", short + "es")


def _likeness(term: Term, column: _Phrase) -> float:
    if term.stem in column.stems:
        return 1.2
    if term.meanings & column.means:
        return 1.1
    word = term.stem
    parts = (
        short in (long[: len(short)], long[-len(short) :])
        for short, long in (sorted((word, other), key=len) for other in column.stems)
        if len(short) >= _LEAST and not short[0].isdigit()
    )
    return 1.0 if any(parts) else 0.0
