"""Compares the words of a question with the columns and cells of a table."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.answers.lexicon import column_groups
from shared.answers.question import Term, meanings_of, word_before
from shared.answers.stems import WORD, stem
from shared.embedding.minilm import MiniLM

if TYPE_CHECKING:
    from shared.embedding.onnx_model import Floats

_LEAST = 4
"""Letters of a word that may be a part of another one ("work" in "workplace")."""

_SIMILAR = 0.68
"""The cosine from which on a word asks for a column. Names of other columns come close, "buyer" and "seller" closer:
words that `words/columns.txt` has are compared by its lines alone."""

_BY_SENSE = 1.05
"""The likeness of a word that asks for a column by its meaning alone."""

_MOST_UNKNOWN = 2
"""Words that may do so in one question."""

_REMEMBERED = 500
"""Words whose vectors are remembered: tables are asked for their columns again and again."""

_GROUPED = re.compile(r"(?<![\d+.,])(?<![\d+] )\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?![\d.]|[ \u00a0]\d)")
_THOUSANDS_BY_COMMA = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_THOUSANDS_BY_POINT = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_OF_YEARS = frozenset(
    ["built", "made", "founded", "published", "released", "opened", "gebaut", "gegründet", "veröffentlicht", "eröffnet"]
)
_OF_DAYS = frozenset(
    ["issued", "dated", "sent", "written", "held", "ausgestellt", "gesendet", "geschrieben", "erstellt"]
)
_GENERIC = {"year": _OF_YEARS, "jahr": _OF_YEARS, "date": _OF_DAYS, "datum": _OF_DAYS}
"""What a column that is headed by "year" or "date" alone tells of."""

_NAME = re.compile(
    r"(?:(?:first|last|given|family|sur|full) ?)?names?|vor-? ?name|(?:nach|familien)?name", re.IGNORECASE
)
_CAMEL = re.compile(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])|_")
_INDEX = re.compile(r"#|no\.?|nr\.?|num|index|idx|row|id|pos\.?|lfd\. ?nr\.?|zeile|", re.IGNORECASE)
_TITLES = frozenset(
    ["name", "title", "product", "item", "article", "book", "subject", "description", "titel", "bezeichnung", "artikel",
     "produkt", "buch", "betreff", "beschreibung"]
)  # fmt: skip
_TO = frozenset(["to", "destination", "nach", "ziel", "zielort", "into"])
_FROM = frozenset(["from", "origin", "von", "aus", "startort", "herkunft", "ab"])
_SPACES = re.compile(r"[ \u00a0\u202f'’]")


class Phrase(Struct, frozen=True):
    """The words of a cell or heading: in lower case, by stem, by meaning, and by the columns that they head."""

    low: tuple[str, ...]
    stems: tuple[str, ...]
    means: frozenset[int]
    groups: frozenset[int]
    forms: frozenset[str]
    """What two words that are the same have in common: most phrases are seen to share none at once."""


@lru_cache(maxsize=2048)
def phrase_of(text: str) -> Phrase:
    found = list(WORD.finditer(_GROUPED.sub(lambda number: _SPACES.sub("", number.group()), text)))
    low = tuple(_bare(word.group()) for word in found)
    stems = tuple(stem(word) for word in low)
    return Phrase(low, stems, frozenset[int]().union(*meanings_of(found)), groups_of(low), _forms(low, stems))


def _forms(low: Iterable[str], stems: Iterable[str]) -> frozenset[str]:
    readings = (figure_readings(word) if word[0].isdigit() else {word.removesuffix("s"), word} for word in low)
    return frozenset(stems).union(*readings, (word.removesuffix("es") for word in low))


def column_phrase(column: str) -> Phrase:
    """The words of a column's name, also of one in camelCase or snake_case."""
    return phrase_of(_CAMEL.sub(" ", column))


def name_columns(columns: Sequence[str]) -> tuple[int, ...]:
    """The columns of a person's name where it has two, side by side or with one between: first name first."""
    found = [at for at, column in enumerate(columns) if _NAME.fullmatch(_CAMEL.sub(" ", column).strip())]
    if len(found) != 2 or found[1] - found[0] > 2:
        return ()
    is_reversed = re.match(r"last|family|sur|nach|familien", columns[found[0]], re.IGNORECASE)
    return tuple(reversed(found)) if is_reversed else tuple(found)


def naming_column(columns: Sequence[str], cells: Sequence[str]) -> int:
    """The column that says what the row is about: the first one, but for one that only numbers the rows."""
    if not (_INDEX.fullmatch(columns[0].strip()) and re.fullmatch(r"\d{0,4}", cells[0].strip(" .#"))):
        return 0
    titled = (at for at, column in enumerate(columns) if not _TITLES.isdisjoint(column_phrase(column).low))
    texts = [at for at, cell in enumerate(cells) if re.match(r"[^\W\d_]", cell) and "@" not in cell]
    return next(titled, max(texts, key=lambda at: len(cells[at]), default=0))


def is_turned(question: str, term: Term, column: str) -> bool:
    """Whether the question names the other end of a way than the column has: "from Oslo" for a column "To"."""
    before = word_before(question, term.start)
    own = set(column_phrase(column).low)
    return (before in _TO and not own.isdisjoint(_FROM) and own.isdisjoint(_TO)) or (
        before in _FROM and not own.isdisjoint(_TO) and own.isdisjoint(_FROM)
    )


def groups_of(words: Iterable[str]) -> frozenset[int]:
    groups = column_groups()
    return frozenset[int]().union(*(groups.get(stem(word), frozenset()) for word in words))


def is_in(term: Term, phrase: Phrase) -> bool:
    if phrase_of(term.word).forms.isdisjoint(phrase.forms):
        return False
    return any(same(word, _bare(term.word)) for word in phrase.low)


def same(word: str, other: str) -> bool:
    """Whether two words are the same: short endings aside, which tell names apart only where both have one."""
    if word == other:
        return True
    if word[0].isdigit() and other[0].isdigit():
        return not figure_readings(word).isdisjoint(figure_readings(other))
    short, long = sorted((word, other), key=len)
    return len(short) >= 3 and not short[0].isdigit() and long in (short + "s", short + "es")


def figure_readings(figure: str) -> frozenset[str]:
    """The numbers that a figure may be, with a comma or a point before its decimals or its thousands."""
    readings = {figure}
    if _THOUSANDS_BY_COMMA.fullmatch(figure):
        readings.add(figure.replace(",", ""))
    if _THOUSANDS_BY_POINT.fullmatch(figure):
        readings.add(figure.replace(".", "").replace(",", "."))
    if _DECIMAL.fullmatch(figure):
        readings.add(figure.replace(",", "."))
    return frozenset(one.removesuffix(".00") for one in readings)


def likeness(term: Term, column: Phrase) -> float:
    """From 1 on the word asks for the column: the same word, one of its line in `words/columns.txt`, one of the same
    meaning, or one that begins or ends it."""
    if term.stem in column.stems:
        return 1.2
    own = groups_of((term.word.lower(),))
    if own & column.groups:
        return 1.15
    if term.meanings & column.means and not (own and column.groups):
        return 1.1
    if any(column.low == (head,) and term.word.lower() in verbs for head, verbs in _GENERIC.items()):
        return 1.05
    word = term.stem
    parts = (
        short in (long[: len(short)], long[-len(short) :])
        for short, long in (sorted((word, other), key=len) for other in column.stems)
        if len(short) >= _LEAST and not short[0].isdigit()
    )
    return 1.0 if any(parts) else 0.0


class ColumnSense:
    """Finds by the embedding which columns a word asks for that no list has."""

    def __init__(self, model: MiniLM) -> None:
        self._model = model
        self._vectors: dict[str, Floats] = {}

    def similar(self, terms: Sequence[Term], columns: Sequence[str]) -> frozenset[tuple[str, int]]:
        """The stem of each term with the place of the one column that it is like."""
        groups = column_groups()
        texts = [term.word for term in terms] + [_CAMEL.sub(" ", column).lower() for column in columns]
        vectors = self._read(texts)
        found: set[tuple[str, int]] = set()
        for term, vector in zip(terms, vectors, strict=False):
            likes = [
                float(vector @ other) if not (term.stem in groups and column_phrase(column).groups) else 0.0
                for column, other in zip(columns, vectors[len(terms) :], strict=True)
            ]
            if max(likes, default=0.0) >= _SIMILAR:
                found.add((term.stem, likes.index(max(likes))))
        return frozenset(found)

    def _read(self, texts: Sequence[str]) -> "list[Floats]":
        known = dict(self._vectors)
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known |= {text: one.vector for text, one in zip(new, self._model.read(new) if new else [], strict=True)}
        self._vectors = known if len(known) <= _REMEMBERED else {}
        return [known[text] for text in texts]


class ColumnComparison:
    """The columns of a table compared with the words of a question."""

    def __init__(self, names: Sequence[str], sense: ColumnSense) -> None:
        self.columns = [column_phrase(name) for name in names]
        self._names = names
        self._sense = sense
        self._similar: frozenset[tuple[str, int]] = frozenset()

    def like(self, term: Term, at: int) -> float:
        return likeness(term, self.columns[at]) or (_BY_SENSE if (term.stem, at) in self._similar else 0.0)

    def asks_for_column(self, term: Term) -> bool:
        return any(self.like(term, at) > 0 for at in range(len(self.columns)))

    def find_similar(self, terms: Sequence[Term]) -> None:
        """Compares the terms, which no list has, by the embedding; but not where they are many."""
        if 0 < len(terms) <= _MOST_UNKNOWN:
            self._similar = self._sense.similar(terms, self._names)


def _bare(word: str) -> str:
    return word.lower().removesuffix("'s").removesuffix("’s")
