"""Sets the words and quantities of a statement against those of a sentence of its source."""

import re
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from shared.answers.entailment.amounts import StatedQuantity, same_value
from shared.answers.entailment.lexicon import marker, money_words, opposites, word_set
from shared.answers.entailment.likeness import ALIKE, SAME, SENSE, denies, likeness
from shared.answers.entailment.reading import SentenceReading, Word

_OPPOSITE = 0.9
_NEAR = 0.7
"""A word that stands in what the sentence refers to."""

_ANAPHOR = re.compile(
    r"\b(?:it|its|he|his|him|she|her|they|their|them|this|these|that|those|such|there|er|ihn|ihm|sie|es|ihr\w*|sein\w*"
    r"|dies\w*|jen\w+|dort|davon|dazu|dafür|darauf|darin|deren|dessen|solch\w+)\b",
    re.I,
)


_AGE = re.compile(r"\b(?:aged?|old|alt|alter|jährige[nrms]?|year-olds?)\b")
_FREE = word_set("free")
_PREPOSITIONS = word_set("prepositions")
_ARTICLES = word_set("articles")
_DAY_PARTS = frozenset(
    ["morning", "afternoon", "evening", "night", "morgens", "vormittags", "nachmittags", "abends", "nachts"]
)
_EXTENTS = frozenset(["alt", "old", "lang", "long", "hoch", "tall", "high", "breit", "wide", "tief", "deep"])
_PRONOUN = re.compile(r"\W*(?:it|he|she|they|this|es|er|sie|dies\w?)\b")
_OF_A_BOUND = re.compile(r" (?:than|als|of|von) ")
_NEARLY_ALL = 0.78
_ADVERBS = word_set("adverbs")
_GERMAN_VERB = re.compile(r"(?:te|ten|t|en)$")
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
        behind = word.low in _EXTENTS and any(one.end + 1 == word.start for one in self.statement.quantities)
        contrary = frozenset[str]() if nominal or behind else opposites(german).get(word.root, frozenset())
        rivals = [
            each
            for each in self.source.words
            if (each.root in contrary and each.content) or denies(word.low, each.low, german)
        ]
        against = {each.place for each in rivals}
        scores = [(likeness(word, other, german), other) for other in self.source.words if other.place not in against]
        best = max((score for score, _ in scores), default=0.0)
        if rivals and (best < SENSE or (best < SAME and self._is_nearer(rivals, scores))):
            return Counterpart(word, tuple(rival.place for rival in rivals), _OPPOSITE, opposite=True)
        if best > 0:
            return Counterpart(word, tuple(other.place for score, other in scores if score >= best - 0.11), best)
        noun = not german or word.text[0].isupper()
        near = max((likeness(word, other, german) for other in self._context.words if noun), default=0.0)
        return Counterpart(word, (), _NEAR * near)

    def _is_nearer(self, rivals: Sequence[Word], scores: Sequence[tuple[float, Word]]) -> bool:
        """Whether what contradicts a word stands nearer to a number of the statement than what is like it."""
        alike = [other.start for score, other in scores if score >= SENSE]
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
        return [min(1.0, each.score / ALIKE) for each in counted]

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
        if word.light or (word.root in money_words(self.source.german) and self._has_money):
            return True
        return any(
            others
            and (
                (one.dimension == "clock" and word.low in _DAY_PARTS and 0 < word.start - one.end <= len(" in the "))
                or (one.bound and _OF_A_BOUND.fullmatch(self.statement.low[word.end : one.start]) is not None)
            )
            for one, others in self.quantities
        )

    @cached_property
    def _needed(self) -> list[Counterpart]:
        """Those of the words that need a counterpart."""
        return [each for each in self.counterparts if not self._is_implied(each.word)]

    @cached_property
    def _has_money(self) -> bool:
        free = any(word.low in _FREE for word in self.source.words)
        return free or any(one.dimension.isupper() and others for one, others in self.quantities)

    @cached_property
    def ends_anew(self) -> bool:
        """Whether its last word has no counterpart, where that is what it says of its subject: "is bankrupt"."""
        if not self._needed or self._needed[-1].score > 0:
            return False
        is_firm = any(others for _, others in self.quantities) or any(
            each.word.name and each.places for each in self._needed
        )
        return not is_firm or marker("be", "werden", "being").search(self.statement.low) is not None

    @cached_property
    def replaces_a_word(self) -> bool:
        """Whether one word stands where the source has another one, between the same words: "accepted the claim" for
        "dismissed the claim"."""
        ours = self._needed
        theirs = [word for word in self.source.content if word.clause in self.window and not word.light]
        order = {word.place: at for at, word in enumerate(theirs)}
        for at, each in enumerate(ours):
            is_near = each.score > 0 and (
                not each.word.text[0].isupper() or _PRONOUN.match(self.source.low) is not None
            )
            if each.places or is_near or self._leads_to_a_number(each.word):
                continue
            if self.source.german and at + 1 < len(ours) and self._may_be_subject(each.word, ours[at + 1].word):
                behind = {order[place] + 1 for place in ours[at + 1].places if place in order}
                if any(self._is_free_noun(theirs, slot) for slot in behind):
                    return True
            left = {order[place] + 1 for place in (ours[at - 1].places if at else ()) if place in order}
            right = {
                order[place] - 1 for place in (ours[at + 1].places if at + 1 < len(ours) else ()) if place in order
            }
            slots = left & right if left and right else left or right
            if any(0 <= slot < len(theirs) and theirs[slot].place not in self.used_places for slot in slots):
                return True
        return False

    def _may_be_subject(self, word: Word, following: Word) -> bool:
        return word.text[0].isupper() and following.text[0].islower() and not _PREPOSITIONS & frozenset(word.before)

    def _is_free_noun(self, words: Sequence[Word], slot: int) -> bool:
        """Whether a name or noun that the statement leaves out stands there as a subject."""
        if not 0 <= slot < len(words):
            return False
        word = words[slot]
        is_bare = word.before[1] in ("der", "die", "das") or word.before[1] not in _ARTICLES | _PREPOSITIONS
        return word.text[0].isupper() and is_bare and word.place not in self.used_places

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

    @cached_property
    def invents_a_verb(self) -> bool:
        """Whether a German verb has no counterpart, or what the statement begins with, and too much else has none."""
        if self.coverage >= _NEARLY_ALL:
            return False
        if self._needed and self._needed[0].score == 0 and self._needed[0].word.text[0].isupper():
            return True
        words = self.statement.words
        return self.source.german and any(
            each.score == 0
            and each.word.text[0].islower()
            and each.word.low not in _ADVERBS
            and _GERMAN_VERB.search(each.word.low) is not None
            and not (
                each.word.before[1] in _ARTICLES | _PREPOSITIONS
                and each.word.place + 1 < len(words)
                and words[each.word.place + 1].text[0].isupper()
            )
            for each in self._needed
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

    def adds(self, name: str) -> bool:
        """Whether the statement has a phrase of this line of the markers, and the source has none."""
        return bool(marker(name).search(self.statement.low)) and not marker(name).search(self.source.low)

    @cached_property
    def window_text(self) -> str:
        """In lower case."""
        clauses = [self.source.clauses[number] for number in self.window]
        return self.source.low[clauses[0].start : clauses[-1].end]


def refers_back(text: str) -> bool:
    """Whether a sentence speaks of something that stands before it."""
    return _ANAPHOR.search(text) is not None
