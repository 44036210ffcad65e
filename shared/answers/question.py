"""Parses a question: its names, its other words, and the type of answer that it asks for."""

import re
from collections.abc import Iterable

from msgspec import Struct

from shared.answers.answer_type import AnswerType, answer_type
from shared.answers.lexicon import meanings, words
from shared.answers.stems import WORD, folded, is_inflection, stem

_FUNCTION_WORDS = words("function")
_ENGLISH = words("english")
_GERMAN = words("german")
_ARTICLES = frozenset(["der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines"])
_FIRST_NAMES = frozenset(["per", "will", "may"])
"""Function words that are names in capitals."""

_HINTS = frozenset(stem(word) for word in words("hints"))


_TIMES = frozenset([AnswerType.DURATION, AnswerType.EXTENT, AnswerType.AGE])
_LASTING = frozenset(["long", "take", "takes", "took", "lang", "lange"])
"""Words of a question for a time that its answer says by the time itself."""

_LONGEST = 1000
"""Characters of a question that are looked at word by word; the model reads about as many."""


class Term(Struct, frozen=True):
    """A content word of the question. `start` and `end` are its place in the question; `counted` is the word after
    "how many"."""

    word: str
    stem: str
    meanings: frozenset[int]
    start: int
    end: int
    hint: bool = False
    counted: bool = False


class Question(Struct, frozen=True):
    """A parsed question."""

    text: str
    names: tuple[Term, ...]
    terms: tuple[Term, ...]
    answer_type: AnswerType
    german: bool
    words: frozenset[str]
    """All its words in lower case: what it contains itself is no answer to it."""

    @property
    def in_order(self) -> list[Term]:
        """Its names and other words, as they follow each other."""
        return sorted((*self.names, *self.terms), key=lambda term: term.start)


def understand(text: str) -> Question:
    text = folded(text)
    found = list(WORD.finditer(text[:_LONGEST]))
    low = [word.group().lower() for word in found]
    kind = answer_type(text[:_LONGEST])
    german = german_lead(low) > 0
    names: list[Term] = []
    terms: list[Term] = []
    for place, (word, known) in enumerate(zip(found, meanings_of(found), strict=True)):
        is_first_name = place > 0 and low[place] in _FIRST_NAMES and word.group()[0].isupper()
        if (low[place] in _FUNCTION_WORDS and not is_first_name) or is_inflection(low[place]):
            continue
        asks_time = kind in _TIMES and low[place] in _LASTING
        term = Term(
            word.group(), stem(word.group()), known, word.start(), word.end(),
            hint=asks_time or stem(low[place]) in _HINTS,
            counted=tuple(low[max(0, place - 2) : place]) in (("how", "many"), ("wie", "viele")),
        )  # fmt: skip
        # A German noun behind an article, with no second one behind it that it would name ("der Torwerk AG").
        followed = place + 1 < len(found) and found[place + 1].group()[0].isupper()
        after_article = place > 0 and low[place - 1] in _ARTICLES and not followed
        common = german and (term.counted or after_article)
        (names if not common and _is_name(word.group(), place, known, german) else terms).append(term)
    return Question(text, tuple(names), tuple(terms), kind, german, frozenset(low))


def word_before(text: str, start: int) -> str:
    """What stands before a place up to the space ahead of it, in lower case; empty at the beginning."""
    return "".join(text[:start].lower().split()[-1:])


def german_lead(words: Iterable[str]) -> int:
    """By how many the German words outnumber the English ones; `words` are in lower case."""
    return sum((word in _GERMAN) - (word in _ENGLISH) for word in words)


def _is_name(word: str, place: int, known: frozenset[int], german: bool) -> bool:
    if any(letter.isdigit() for letter in word):
        return True
    if german:
        return word[0].isupper() and place > 0 and not known
    acronym = any(letter.isupper() for letter in word[1:])
    return word[0].isupper() and place > 0 and not (known and acronym)


def meanings_of(found_words: list[re.Match[str]]) -> list[frozenset[int]]:
    """Returns for each word its meanings and those of the phrases of two or three words that contain it."""
    table = meanings()
    stems = [stem(word.group()) for word in found_words]
    found = [set(table.get(root, ())) for root in stems]
    for size in (2, 3):
        for begin in range(len(stems) - size + 1):
            for number in table.get(" ".join(stems[begin : begin + size]), ()):
                for place in range(begin, begin + size):
                    found[place].add(number)
    return [frozenset(numbers) for numbers in found]
