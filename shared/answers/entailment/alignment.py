"""Sets the words and quantities of a statement against those of a sentence of its source."""

import re
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from shared.answers.entailment.amounts import StatedQuantity, same_value
from shared.answers.entailment.lexicon import marker, money_words, opposites, word_set
from shared.answers.entailment.reading import SentenceReading, Word
from shared.answers.entailment.roots import root

SAME = 1.0
_SENSE = 0.9
_ALIKE = 0.8
_PART = 0.6
_OPPOSITE = 0.9
_NEAR = 0.7
"""A word that stands in what the sentence refers to."""

_LONG_ENOUGH = 4
_NAME_ENDINGS = (
    "",
    "s",
    "es",
    "n",
    "en",
    "er",
    "ern",
    "an",
    "ean",
    "ian",
    "ish",
    "isch",
    "ische",
    "ischen",
    "ischer",
    "al",
)
_ANAPHOR = re.compile(
    r"\b(?:it|its|he|his|him|she|her|they|their|them|this|these|that|those|such|there|er|ihn|ihm|sie|es|ihr\w*|sein\w*"
    r"|dies\w*|jen\w+|dort|davon|dazu|dafür|darauf|darin|deren|dessen|solch\w+)\b",
    re.I,
)


_AGE = re.compile(r"\b(?:aged?|old|alt|alter)\b")
_FREE = word_set("free")
_ARTICLES = word_set("articles")
_LEADING = re.compile(
    r" (?:(?:at|by|to|for|about|around|up to|more than|less than|over|under|at most|at least|auf|um|etwa|rund|bis zu"
    r"|über|unter|mindestens|höchstens|a|an|the|ein|eine|einen|length|height|länge|höhe|of|von) )*"
)


class Counterpart(Struct, frozen=True):
    """What a word of the statement stands for: the places of the source's words, and how alike they are. `opposite`:
    the source has a word that contradicts it."""

    word: Word
    places: tuple[int, ...]
    score: float
    opposite: bool = False


class Context(Struct, frozen=True):
    """What a sentence refers to: words of its headings and of the sentences before it, and names with a number.
    `is_row`: the sentence is a row of a table."""

    words: tuple[Word, ...] = ()
    labels: frozenset[tuple[str, float]] = frozenset()
    is_row: bool = False


def label_of(reading: SentenceReading, quantity: StatedQuantity) -> frozenset[tuple[str, float]]:
    """The word before a bare number with the number, as in "Train 412"; empty where it is no name."""
    if quantity.dimension:
        return frozenset()
    before = next((word for word in reversed(reading.words) if word.end <= quantity.start), None)
    if before is None or not before.content or reading.text[before.end : quantity.start] != " ":
        return frozenset()
    return frozenset((before.root, value) for value in quantity.values)


class Alignment:
    """A statement against a sentence. `context` are words that the sentence refers to: its headings, and the sentences
    before it where it says "it"."""

    def __init__(self, statement: SentenceReading, source: SentenceReading, context: "Context") -> None:
        self.statement = statement
        self.source = source
        self._context = context

    @cached_property
    def counterparts(self) -> list[Counterpart]:
        return [self._counterpart(word) for word in self.statement.content]

    def _counterpart(self, word: Word) -> Counterpart:
        german = self.source.german
        nominal = not german and word.low.endswith("ing") and word.before[1] in _ARTICLES
        contrary = frozenset[str]() if nominal else opposites(german).get(word.root, frozenset())
        rivals = [
            each
            for each in self.source.words
            if (each.root in contrary and each.content) or denies(word.low, each.low, german)
        ]
        against = {each.place for each in rivals}
        scores = [(likeness(word, other, german), other) for other in self.source.words if other.place not in against]
        best = max((score for score, _ in scores), default=0.0)
        if rivals and (best < _SENSE or (best < SAME and self._is_nearer(rivals, scores))):
            return Counterpart(word, tuple(rival.place for rival in rivals), _OPPOSITE, opposite=True)
        if best > 0:
            return Counterpart(word, tuple(other.place for score, other in scores if score >= best - 0.11), best)
        noun = not german or word.text[0].isupper()
        near = max((likeness(word, other, german) for other in self._context.words if noun), default=0.0)
        return Counterpart(word, (), _NEAR * near)

    def _is_nearer(self, rivals: Sequence[Word], scores: Sequence[tuple[float, Word]]) -> bool:
        """Whether what contradicts a word stands nearer to a number of the statement than what is like it."""
        alike = [other.start for score, other in scores if score >= _SENSE]
        return any(
            min(abs(number - rival.start) for rival in rivals) < min(abs(number - start) for start in alike)
            for number in self.used_numbers
        )

    @cached_property
    def quantities(self) -> list[tuple[StatedQuantity, list[StatedQuantity]]]:
        """Each quantity of the statement with those of the source that are the same amount."""
        return [
            (one, [other for other in self.source.quantities if self._is_same(one, other)])
            for one in self.statement.quantities
            if not self._is_label(one)
        ]

    def _is_same(self, one: StatedQuantity, other: StatedQuantity) -> bool:
        return same_value(one, other) or self._same_age(one, other) or self._same_price(one, other)

    def _same_price(self, one: StatedQuantity, other: StatedQuantity) -> bool:
        """The currency that stands with the first price alone: "12 euros in advance and 15 at the door"."""
        if other.dimension or not one.dimension.isupper() or not one.values & other.values:
            return False
        return any(each.dimension == one.dimension for each in self.source.quantities)

    @cached_property
    def used_places(self) -> frozenset[int]:
        """The places of the source's words that are counterparts."""
        return frozenset(place for each in self.counterparts for place in each.places)

    @cached_property
    def used_in_window(self) -> frozenset[int]:
        return frozenset(place for place in self.used_places if self.source.words[place].clause in self.window)

    @cached_property
    def used_numbers(self) -> frozenset[int]:
        """Where the quantities of the source begin that are the same amount as one of the statement."""
        return frozenset(other.start for _, others in self.quantities for other in others)

    @cached_property
    def used_number_clauses(self) -> frozenset[int]:
        return frozenset(self.source.clause_at(start) for start in self.used_numbers)

    def _same_age(self, one: StatedQuantity, other: StatedQuantity) -> bool:
        """ "19 years old" and "at the age of 19"."""
        if not _AGE.search(self.statement.low) and not _AGE.search(self.source.low):
            return False
        years, bare = (one, other) if one.dimension == "months" else (other, one)
        return (years.dimension, bare.dimension) == ("months", "") and any(
            12 * value in years.values for value in bare.values
        )

    def _is_label(self, quantity: StatedQuantity) -> bool:
        """Whether it is part of a name of which the sentence says "it": "Train 412"."""
        labels = self._context.labels & label_of(self.statement, quantity)
        return bool(labels) and not any(same_value(quantity, other) for other in self.source.quantities)

    @cached_property
    def window(self) -> range:
        """The fewest clauses of the source, side by side, that hold as much of the statement as all of them."""
        count = len(self.source.clauses)
        whole = self._held(range(count))
        windows = [range(start, start + size) for size in range(1, count + 1) for start in range(count - size + 1)]
        return next((window for window in windows if self._held(window) >= whole - 1e-9), range(count))

    def _held(self, window: range) -> float:
        words = sum(
            counterpart.score
            for counterpart in self.counterparts
            if any(self.source.words[place].clause in window for place in counterpart.places)
        )
        numbers = sum(
            any(self.source.clause_at(other.start) in window for other in others) for _, others in self.quantities
        )
        return words + 2 * numbers

    @cached_property
    def coverage(self) -> float:
        """How much of the statement's content has a counterpart, from 0 to 1; 1 where it has none that needs one."""
        return sum(self._shares) / len(self._shares) if self._shares else 1.0

    @cached_property
    def _shares(self) -> list[float]:
        """How much of each word that needs a counterpart has one, from 0 to 1."""
        counted = [each for each in self.counterparts if each.word.name or not self._is_implied(each.word)]
        return [min(1.0, each.score / _ALIKE) for each in counted]

    @cached_property
    def own(self) -> float:
        """How much of the statement's content the sentence itself holds, without what it refers to."""
        words = [each for each in self.counterparts if each.places or not self._is_implied(each.word)]
        own = sum(bool(each.places) for each in words) + sum(bool(others) for _, others in self.quantities)
        named = sum(not each.places and each.score > 0 and each.word.text[0].isupper() for each in words)
        return own / max(1, len(words) + len(self.quantities) - named)

    @cached_property
    def source_coverage(self) -> float:
        """How much of what these clauses of the source hold the statement repeats, from 0 to 1."""
        words = [
            word.place in self.used_places
            for word in self.source.content
            if word.clause in self.window and not word.light
        ]
        numbers = [
            one.start in self.used_numbers
            for one in self.source.quantities
            if self.source.clause_at(one.start) in self.window
        ]
        return (sum(words) + sum(numbers)) / max(1, len(words) + len(numbers))

    @cached_property
    def agreement(self) -> float:
        """Like `coverage`, with the numbers as words."""
        total = len(self._shares) + len(self.quantities)
        return (sum(self._shares) + sum(bool(others) for _, others in self.quantities)) / max(1, total)

    def _is_implied(self, word: Word) -> bool:
        """Whether it needs no counterpart: it says little, or what a price says."""
        return word.light or (word.root in money_words(self.source.german) and self._has_money)

    @cached_property
    def _has_money(self) -> bool:
        free = any(word.low in _FREE for word in self.source.words)
        return free or any(one.dimension.isupper() and others for one, others in self.quantities)

    @cached_property
    def ends_anew(self) -> bool:
        """Whether its last word has no counterpart, where that is what it says of its subject: "is bankrupt"."""
        content = [each for each in self.counterparts if not each.word.light]
        if not content or content[-1].score > 0:
            return False
        is_firm = any(others for _, others in self.quantities) or any(
            each.word.name and each.places for each in content
        )
        return not is_firm or marker("be", "werden", "being").search(self.statement.low) is not None

    @cached_property
    def replaces_a_word(self) -> bool:
        """Whether one word stands where the source has another one, between the same words: "accepted the claim" for
        "dismissed the claim"."""
        ours = [each for each in self.counterparts if not each.word.light]
        theirs = [word for word in self.source.content if word.clause in self.window and not word.light]
        order = {word.place: at for at, word in enumerate(theirs)}
        for at, each in enumerate(ours):
            is_near = each.score > 0 and not each.word.text[0].isupper()
            if each.places or is_near or self._leads_to_a_number(each.word):
                continue
            left = {order[place] + 1 for place in (ours[at - 1].places if at else ()) if place in order}
            right = {
                order[place] - 1 for place in (ours[at + 1].places if at + 1 < len(ours) else ()) if place in order
            }
            slots = left & right if left and right else left or right
            if any(0 <= slot < len(theirs) and theirs[slot].place not in self.used_places for slot in slots):
                return True
        return False

    def _leads_to_a_number(self, word: Word) -> bool:
        """Whether it is a verb before a measure that the source gives as well: "generate 40 MW", "is capped at 2 %"."""
        before = self.statement.words[word.place - 1] if word.place else None
        if before is None or not word.text[0].islower() or before.low in _ARTICLES:
            return False
        return any(
            one.dimension not in ("", "date", "clock", "times")
            and bool(others)
            and one.start - word.end > 0
            and _LEADING.fullmatch(self.statement.low[word.end : one.start]) is not None
            for one, others in self.quantities
        )

    @property
    def is_of_a_row(self) -> bool:
        return self._context.is_row

    @cached_property
    def lacks_a_name(self) -> bool:
        return any(each.word.name and each.score == 0 for each in self.counterparts)

    def source_words(self, counterpart: Counterpart) -> list[Word]:
        """Its words in the window."""
        found = [self.source.words[place] for place in counterpart.places]
        return [word for word in found if word.clause in self.window]

    def clauses_held(self, counterpart: Counterpart) -> frozenset[int]:
        return frozenset(word.clause for word in self.source_words(counterpart))

    @cached_property
    def window_text(self) -> str:
        """In lower case."""
        clauses = [self.source.clauses[number] for number in self.window]
        return self.source.low[clauses[0].start : clauses[-1].end]


def denies(one: str, other: str, german: bool) -> bool:
    """Whether one of two words is the other one with a prefix or ending that denies it: "unchanged", "fearless"."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _LONG_ENOUGH or len(longer) - len(shorter) > _LONGEST_DENIAL:
        return False
    if longer.startswith("un") and not longer.startswith(_UN_AS_LETTERS):
        rest = longer.removeprefix("un")
        return root(rest, german) == root(shorter, german) or (german and rest == f"ver{shorter}")
    return longer.startswith(shorter) and longer[len(shorter) :].removeprefix("s") in _ENDINGS_THAT_DENY


_LONGEST_DENIAL = 6
_ENDINGS_THAT_DENY = frozenset(
    ["less", "los", "lose", "losen", "loser", "loses", "frei", "freie", "freien", "freies", "freier"]
)
_UN_AS_LETTERS = (
    "unter", "under", "until", "unit", "univers", "unif", "uniq", "union", "uncle", "ungarn", "unfall", "unternehm",
    "ungefähr", "unwetter", "unless", "unkosten", "unmeng",
)  # fmt: skip


def refers_back(text: str) -> bool:
    """Whether a sentence speaks of something that stands before it."""
    return _ANAPHOR.search(text) is not None


def likeness(word: Word, other: Word, german: bool) -> float:
    """1 for the same word, less for one of the same meaning or nearly the same letters."""
    if word.root == other.root and (not word.name or _same_name(word.low, other.low)):
        return SAME
    if word.name and any(letter.isdigit() for letter in word.text):
        return SAME if word.low == other.low else 0.0
    if word.senses & other.senses and other.content:
        return _SENSE
    if word.name and word.text[0].isupper() and not german:
        return _ALIKE if other.text[0].isupper() and _same_name(word.low, other.low) else 0.0
    if not other.content:
        return 0.0
    return _spelled(word.root, other.root, german)


def _same_name(one: str, other: str) -> bool:
    """With no more than an inflection between them: "Europe" and "European"."""
    shorter, longer = sorted((one.removesuffix("'s"), other.removesuffix("'s")), key=len)
    if shorter == longer:
        return True
    base = shorter[:-1] if shorter.endswith("e") else shorter
    return longer.startswith(base) and longer[len(base) :] in _NAME_ENDINGS[: None if len(base) > 4 else 5]


def _spelled(one: str, other: str, german: bool) -> float:
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _LONG_ENOUGH or longer[0].isdigit():
        return 0.0
    if longer.startswith(shorter[: max(5, round(0.7 * len(longer)))]):
        return _ALIKE
    if not german:
        return 0.0
    if longer.endswith(shorter):
        return _ALIKE
    return _PART if longer.startswith(shorter) else 0.0
