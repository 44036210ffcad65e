"""Looks a question up in rows and records: the row by the values that the question names, the cell by what it asks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from shared.answers.answer_type import AnswerType
from shared.answers.cell_kinds import states_units
from shared.answers.columns import (
    ColumnComparison,
    ColumnSense,
    Phrase,
    is_in,
    is_turned,
    name_columns,
    naming_column,
    phrase_of,
    same,
)
from shared.answers.lexicon import words
from shared.answers.question import Question, Term, word_before
from shared.answers.records import RecordRow
from shared.answers.row_questions import (
    AGES,
    CLOCK,
    CONTACTS,
    DATE,
    DATES,
    EMPTY,
    FIGURES,
    MAIL_HEADS,
    NAMELIKE,
    OPENING,
    OWN_COLUMN,
    PRICES,
    REASONS,
    RECIPIENT,
    SINCE,
    START,
    TIME,
    TYPE_WORDS,
    WHEN,
    is_label,
    kind_asked,
    labels,
    runs,
    written_out,
)
from shared.answers.stems import WORD, stem
from shared.answers.table_questions import SUPERLATIVES

_LIGHT = words("light") | words("people")
"""Words that a question about a row needs and no column has: "employee", "work", "have"."""

_SHIFTS = words("shifts")
_MAIL = words("mail")
_PLAIN = _LIGHT | _MAIL
_WHICH = frozenset(["which", "what", "welche", "welcher", "welches", "welchem", "welchen"])
_VALUE = 6
"""Words of a cell that is a value, and no sentence."""

_MOST = 3
"""Rows of one name that are all given as the answer."""


class RowMatch(Struct, frozen=True, eq=False):
    """A row that the question names, with the columns by whose values it does, and the column that it asks for."""

    row: RecordRow
    keys: frozenset[int]
    asked: int


def look_up(question: Question, rows: Sequence[RecordRow], sense: ColumnSense) -> list[RowMatch]:
    """Returns the row that the question names and whose columns meet everything else that it says; several rows only
    where their first cells cannot be told apart by the question. Empty where there is none."""
    asked = phrase_of(question.text).forms
    titles = _titles(rows)
    rows = [
        row for row in rows if row.table.keyed or any(not asked.isdisjoint(phrase_of(cell).forms) for cell in row.cells)
    ]
    reads = [read for row in rows if (read := _RowRead.of(question, row, sense, titles))]
    matches = [(read.rank, found) for read in reads if (found := read.match())]
    most = max((rank for rank, _ in matches), default=(0, 0))
    best = [found for rank, found in matches if rank == most]
    distinct = list({(one.row.cells, one.row.table.heading): one for one in reversed(best)}.values())[::-1]
    if len(distinct) < 2:
        return distinct
    first = distinct[0]
    if (
        len({one.row.table.passage.document_id for one in distinct}) > 1
        and len({_found_cells(one) for one in distinct}) == 1
    ):
        return [first]  # several documents say the same
    own = {naming_column(first.row.table.columns, first.row.cells), *name_columns(first.row.table.columns)}
    alike = all(one.keys == first.keys <= own and one.asked == first.asked for one in distinct)
    together = {one.row.table.passage.document_id for one in distinct}
    columns = {one.row.table.columns for one in distinct}
    return distinct if alike and len(distinct) <= _MOST and len(together) == len(columns) == 1 else []


def _titles(rows: Iterable[RecordRow]) -> Mapping[str, str]:
    """What stands alone in a table of one column, by document: a form's title."""
    titles: defaultdict[str, str] = defaultdict(str)
    for row in rows:
        if len(row.table.columns) == 1 and not row.table.keyed:
            titles[row.table.passage.document_id] += f" {row.table.columns[0]}"
    return titles


def _found_cells(match: RowMatch) -> tuple[frozenset[str], str]:
    cells = [cell.lower() for cell in match.row.cells]
    return frozenset(cells[at] for at in match.keys), cells[match.asked]


class _RowRead(ColumnComparison):
    """A row compared with the question: which of its words the row, its columns and what stands above it meet."""

    def __init__(self, question: Question, row: RecordRow, sense: ColumnSense, title: str) -> None:
        super().__init__(row.table.columns, sense)
        self.question = question
        self.row = row
        self.terms = (*question.names, *question.terms)
        which = [term for term in self.terms if self._follows_which(term)]
        is_named = any(self.asks_for_column(term) for term in which)
        self.kind = AnswerType.OTHER if is_named else kind_asked(question)
        self.name = name_columns(row.table.columns)
        self.first = naming_column(row.table.columns, row.cells)
        words = [word.lower() for word in WORD.findall(question.text)]
        self.cells = [phrase_of(written_out(cell, words)) for cell in row.cells]
        self.above = phrase_of(f"{row.table.passage.context} {row.table.heading}")
        heads = {column.low[0] for column in self.columns if column.low}
        self.is_mail = row.table.keyed and "from" in heads and not heads.isdisjoint(("date", "to", "subject"))
        self.title = title
        self.met: dict[int, frozenset[Term]] = {}

    @classmethod
    def of(cls, question: Question, row: RecordRow, sense: ColumnSense, titles: Mapping[str, str]) -> "_RowRead | None":
        """The row where it holds every name and number of the question that nothing around it explains."""
        read = cls(question, row, sense, titles.get(row.table.passage.document_id, ""))
        asked = phrase_of(question.text)
        if read._is_shifted(asked):
            return None
        if read.is_mail and not _MAIL.isdisjoint(asked.low):
            return read if all(read.explains(term) or read.is_in_cell(term) for term in read.terms) else None
        for at, cell in enumerate(read.cells):
            if met := read._met_by(at, cell, asked):
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

    def is_in_cell(self, term: Term) -> bool:
        return any(is_in(term, cell) for cell in self.cells)

    def _is_turned(self, term: Term, at: int) -> bool:
        return is_turned(self.question.text, term, self.row.table.columns[at])

    def _met_by(self, at: int, cell: Phrase, asked: Phrase) -> frozenset[Term]:
        """The question's words that name this cell: all words of the cell, or names and numbers of the question."""
        if not cell.low:
            return frozenset()
        met = [
            term
            for term in self.terms
            if is_in(term, cell) and not self._is_column(term) and not self._is_turned(term, at)
        ]
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
            asked = not WHEN.isdisjoint(self.columns[at].low) or any(self.like(term, at) for term in self.terms)
            if (named and not asked) or any(met < other for other in self.met.values()):
                del self.met[at]

    def _holds_runs(self) -> bool:
        """Names that stand side by side in the question are one name, which one cell holds."""
        for run in runs(self.question):
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
        if self._is_age(term) or self._is_of_contact(term):
            return True
        return is_in(term, self.above) or self.asks_for_column(term)

    def _is_of_contact(self, term: Term) -> bool:
        """Whether it is the "address" of "email address" or the "number" of "phone number"."""
        return term.word.lower() in CONTACTS.get(self.kind, frozenset())

    def _is_age(self, term: Term) -> bool:
        """Whether it is the "old" of "how old", and a column states an age or a year of birth."""
        asks = self.kind is AnswerType.AGE and term.word.lower() in ("old", "alt")
        return asks and any(not AGES.isdisjoint(column.low) for column in self.columns)

    def match(self) -> RowMatch | None:
        if self.is_mail:
            return self._of_mail()
        keys = frozenset(self.met)
        own = self.own
        rest = [term for term in self.terms if term not in own]
        left = [term for term in rest if not self.explains(term) and not self._follows_which(term)]
        if not any(term in self.question.names for term in left):
            self.find_similar(left)
        if any(not self.explains(term) for term in left):
            return self._value_of_label(rest)
        worths = {at: self._worth(at, rest) for at in range(len(self.columns)) if at not in keys}
        best = max(worths.values(), default=0.0)
        asked = [at for at, worth in worths.items() if worth == best]
        if any(term.counted and not self.like(term, at) for term in rest for at in asked[:1]):
            return None
        if best >= 1 and len(asked) == 1:
            used = [term for term in rest if self.like(term, asked[0]) > 0]
            others = [term for term in rest if term not in used and not self._is_plain(term)]
            if all(any(self.like(term, at) > 0 for at in keys) for term in others):
                full = not EMPTY.fullmatch(self.row.cells[asked[0]])
                return RowMatch(self.row, keys, asked[0]) if full else None
        return self._own_name(keys, rest) or self._value_of_label(rest)

    def _of_mail(self) -> RowMatch | None:
        """The line of the head that says who, when or about what; whom the question names stands in another line."""
        asked = RECIPIENT.search(self.question.text)
        heads = ("to",) if asked else MAIL_HEADS.get(self.kind, ())
        at = next((at for at, column in enumerate(self.columns) if column.low[:1] and column.low[0] in heads), None)
        if at is None or not self._may_hold(at):
            return None
        named = [term for term in self.question.names if self.is_in_cell(term) and not is_in(term, self.above)]
        if any(is_in(term, self.cells[at]) for term in named):
            return None
        return RowMatch(self.row, frozenset(self.met) - {at}, at)

    def _value_of_label(self, rest: Sequence[Term]) -> RowMatch | None:
        """The one value of a row whose first cell says what it is of: "Body weight | kg | 553"."""
        label = self.met.get(0, frozenset())
        labelled = is_label(self.row.cells[0]) and not any(term in self.question.names for term in label)
        figures = self.kind in FIGURES
        if (
            self.row.table.keyed
            or set(self.met) != {0}
            or not labelled
            or not (figures or self.kind is AnswerType.OTHER)
        ):
            return None
        places = [at for at in range(1, len(self.row.cells)) if self._is_value(at, figures)]
        if len(places) != 1:
            return None
        left = [term for term in rest if not self.explains(term) and not is_in(term, self.cells[places[0]])]
        if any(term in self.question.names or not is_in(term, self._around) for term in left):
            return None
        return RowMatch(self.row, frozenset([0]), places[0])

    @cached_property
    def _around(self) -> Phrase:
        """What stands around a row of a label: the table's caption, the form's title, the labels of the passage."""
        return phrase_of(f"{self.row.table.caption} {self.title} {' '.join(labels(self.row.table.passage.text))}")

    def _is_value(self, at: int, figures: bool) -> bool:
        cell, column = self.row.cells[at], self.row.table.columns[at]
        if EMPTY.fullmatch(cell) or states_units(column, [cell]):
            return False
        return any(letter.isdigit() for letter in cell) or not figures

    def _is_plain(self, term: Term) -> bool:
        return (
            term.hint
            or term.word.lower() in _PLAIN
            or is_in(term, self.above)
            or self._is_age(term)
            or self._is_of_contact(term)
        )

    def _follows_which(self, term: Term) -> bool:
        """The noun behind "which": the row itself is one of them."""
        return word_before(self.question.text, term.start) in _WHICH

    def _worth(self, at: int, rest: Iterable[Term]) -> float:
        """How well the column is asked for: by its name, by the type of answer, and by what stands in the cell."""
        likes = [self.like(term, at) for term in rest]
        named = max(likes, default=0.0) + 0.1 * sum(like > 0 for like in likes)
        kind = self.kind
        column = self.columns[at]
        by_type = not TYPE_WORDS.get(kind, frozenset()).isdisjoint(column.low)
        if not self._may_hold(at):
            return 0.0
        if kind is AnswerType.AGE:
            by_type = not AGES.isdisjoint(column.low)
            if not by_type:
                return 0.0
        if self.question.text.lower().rstrip("? ").endswith((" for", "wofür")):
            by_type = not REASONS.isdisjoint(column.low)
        if kind is AnswerType.NUMBER and self.question.text.lower().startswith(("how much is", "how much are")):
            by_type = not PRICES.isdisjoint(column.low)
        if SINCE.search(self.question.text):
            by_type = bool(column.groups & START)
        plain = all(self._is_plain(term) for term in rest)
        return (
            named + (1.0 if by_type and (plain or named or kind is AnswerType.AGE) else 0.0)
            if named < 1
            else (named + 0.5 * by_type)
        )

    def _may_hold(self, at: int) -> bool:
        """Whether the cell and the column's name are of the kind asked for."""
        cell, column = self.row.cells[at], self.columns[at]
        if CLOCK.search(self.question.text):
            return ":" in cell or not {"time", "uhrzeit", "zeit"}.isdisjoint(column.low)
        if self.kind in DATES:
            at_time = self.kind is AnswerType.DATE and TIME.fullmatch(cell) is not None
            return at_time or DATE.fullmatch(cell) is not None
        if self.kind in FIGURES:
            return any(letter.isdigit() for letter in cell) or EMPTY.fullmatch(cell) is not None
        if self.kind is AnswerType.PERSON:
            return not cell[:1].isdigit() and not DATE.fullmatch(cell)
        return column.low[-1:] not in (("by",), ("von",))

    def _own_name(self, keys: frozenset[int], rest: Sequence[Term]) -> RowMatch | None:
        """The first column, where the question names a row by another value: "Who started on …?"."""
        if self.kind not in OWN_COLUMN or not keys.isdisjoint((self.first, *self.name)) or not keys:
            return None
        for term in rest:
            met = any(self.like(term, at) > 0 for at in keys)
            if not (met or self._is_plain(term) or self._follows_which(term)):
                return None
        if any(self.like(term, at) for term in rest for at in self._others if at not in keys):
            return None  # it asks for another column, which is empty here or not of the kind asked for
        fits = NAMELIKE.match(self.row.cells[self.first]) is not None
        open_question = self.question.text.lower().startswith(OPENING)
        return RowMatch(self.row, keys, self.first) if fits and open_question else None

    @property
    def _others(self) -> list[int]:
        return [at for at in range(len(self.columns)) if at not in (0, self.first)]


def states_superlative(match: RowMatch, question: Question) -> bool:
    """Whether the cell itself says that it is the greatest or least: "Min. -5, max. +40"."""
    cell = phrase_of(written_out(match.row.cells[match.asked], sorted(question.words)))
    column = phrase_of(match.row.table.columns[match.asked])
    return any(word in SUPERLATIVES for word in question.words.intersection((*cell.low, *column.low)))


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
