"""Finds the entities that a text names, without a model: runs of capitalised words, acronyms and identifiers.

In German every noun is capitalised: there a single word is an entity only where no list and no ending says that it is a
common noun, and no article stands before it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from shared.language.detect import function_words
from shared.language.wordlists import read_words

LONGEST_NAME = 120
"""Characters of a name; what is longer is no name."""

_LONGEST_RUN = 8
"""Words of a name; longer runs are headings and rows of a table."""

_SHOUTED = 3
"""Words in capitals, one after the other, that are no acronyms."""

_WORD = re.compile(r"\w+(?:[-'’&/.+]\w+)*")
_POSSESSIVE = re.compile(r"['’]s$")
_SENTENCE_START = re.compile(r"[.!?:;…\n|•–—]")
_JOINT = re.compile(r"[ \u00a0](?:& )?$")
_SHORTENED = re.compile(r"(?:[A-Z]|St|Mt|Ft|Jr|Sr)$")
_AMOUNT = re.compile(r"[\d.,:/+'’-]+[A-Za-z]{0,3}\d?$")
_IDENTIFIER = re.compile(r"[^\W\d_][-/.]?\d|\d[^\W\d_]|[^\W_]_[^\W_]|[a-z][A-Z]")
_YEARS = range(1000, 2101)

_JOINING = frozenset("of de da di del della dos du van von al bin ibn zu".split())  # noqa: SIM905
_JOINING_NEXT = frozenset("the der den dem la las los le les".split())  # noqa: SIM905
"""Words in lower case that stand inside names, and those that may follow one of them."""

_NOT_NAMES = {one: read_words("shared.language", f"not_names_{one}") for one in ("en", "de")}
_FUNCTION_WORDS = function_words("en") | function_words("de")
_NOT_ACRONYMS = read_words("shared.language", "not_acronyms")
_TITLES = tuple(read_words("shared.language", "titles"))
_COMMON_NOUNS = read_words("shared.language", "nouns_de")
_HEADS = _COMMON_NOUNS - read_words("shared.language", "place_endings_de")
_LONGEST_HEAD = max(map(len, _HEADS)) + 1
_NOUN_ENDINGS = tuple(read_words("shared.language", "noun_endings_de"))
_INSTITUTIONS = read_words("shared.language", "institutions_de")
_INFLECTIONS = ("", "s", "es", "n", "en", "e", "er", "ern")
_ENGLISH_ENDINGS = ("ing", "ly", "tion", "tions", "ness", "ment", "ments", "ity", "ities", "ists", "ers")


class EntitySpan(NamedTuple):
    """An entity's name as it is written at `start:end` of a text."""

    name: str
    start: int
    end: int


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    starts: bool
    """It begins a sentence, a line or a cell."""

    joined: bool
    """Only a space (or a name's own sign) stands before it."""


def entities(text: str, language: str) -> list[EntitySpan]:
    """The entities' names in a text, in order; a name is listed as often as it is written."""
    words = _without_capitals(list(_words(text)))
    inner = {word.text for word in words if not word.starts}
    found = [_name(words, first, last, language, inner) for first, last in _runs(words, language)]
    spans = [(words[first].start, words[last].end) for first, last in filter(None, found)]
    return [EntitySpan(text[start:end], start, end) for start, end in spans if end - start <= LONGEST_NAME]


def is_asked_for(word: str) -> bool:
    """Whether a word of a question, in lower case, may be a name by itself or begin or end one."""
    return word not in _NOT_NAMES["en"] and word not in _NOT_NAMES["de"] and word not in _FUNCTION_WORDS


def _words(text: str) -> Iterator[_Word]:
    end, before = 0, ""
    for found in _WORD.finditer(text):
        gap = text[end : found.start()]
        is_shortened = gap == ". " and _SHORTENED.match(before) is not None
        starts = not end or (not is_shortened and _SENTENCE_START.search(gap) is not None)
        joined = is_shortened or _JOINT.match(gap) is not None
        before = _POSSESSIVE.sub("", found[0])
        yield _Word(before, found.start(), found.start() + len(before), starts, joined)
        end = found.start() + len(before)  # a possessive stands in the gap: it ends the name


def _without_capitals(words: list[_Word]) -> list[_Word]:
    """Lowers words of a heading or warning that is written in capitals throughout: they say nothing of names."""
    first = 0
    for at in range(len(words) + 1):
        if at < len(words) and words[at].text.isupper() and words[at].text.isalpha():
            continue
        if at - first >= _SHOUTED:
            words[first:at] = [word._replace(text=word.text.lower()) for word in words[first:at]]
        first = at + 1
    return words


def _runs(words: Sequence[_Word], language: str) -> Iterator[tuple[int, int]]:
    """The first and last place of each run of words that may be a name, in order."""
    stop = _NOT_NAMES.get(language) or _NOT_NAMES["en"] | function_words(language)
    at = 0
    while at < len(words):
        first = last = at
        if _is_capital(words[at], stop):
            while (following := _following(words, last)) is not None:
                last = following
            yield first, last
        at = last + 1


def _is_capital(word: _Word, stop: frozenset[str]) -> bool:
    text = word.text
    if len(text) == 1 or _AMOUNT.match(text):
        return len(text) == 1 and text.isupper()
    if text.isupper():
        return text not in _NOT_ACRONYMS
    return (text[0].isupper() and text.lower() not in stop) or _IDENTIFIER.search(text) is not None


def _following(words: Sequence[_Word], last: int) -> int | None:
    """The next place of the name that goes on after `last`: a word, a number, or a word behind "of" or "von der"."""
    at = last + 1
    for joining in (_JOINING, _JOINING_NEXT):
        if at >= len(words) or not words[at].joined:
            return None
        if words[at].text not in joining:
            break
        at += 1
    if at >= len(words) or not words[at].joined:
        return None
    text = words[at].text
    if at == last + 1 and text.isdecimal() and len(text) <= 4:
        return at if int(text) not in _YEARS or words[last].text.isupper() else None
    is_capital = text[0].isupper() and not _AMOUNT.match(text) and text.lower() not in _FUNCTION_WORDS
    return at if is_capital or (at == last + 1 and _IDENTIFIER.search(text)) else None


def _name(words: Sequence[_Word], first: int, last: int, language: str, inner: set[str]) -> tuple[int, int] | None:
    """The part of a run that is a name; None where it has none. `inner` are words that start no sentence."""
    first = _without_title(words, first, last)
    if language == "de":
        first = _without_nouns(words, first, last)
    elif words[first].starts and words[first].text.lower().endswith(_ENGLISH_ENDINGS):
        is_opener = first == last or words[first].text.endswith(("ing", "ly"))
        first += is_opener and words[first].text not in inner
    if first > last or last - first >= _LONGEST_RUN:
        return None
    texts = [word.text for word in words[first : last + 1]]
    return None if all(len(text) == 1 or text.isdecimal() for text in texts) else (first, last)


def _without_title(words: Sequence[_Word], first: int, last: int) -> int:
    while first < last and words[first].text.lower().endswith(_TITLES):
        first += 1
        while first < last and words[first].text in _JOINING | _JOINING_NEXT:
            first += 1
    return first


def _without_nouns(words: Sequence[_Word], first: int, last: int) -> int:
    """Behind the common nouns at the start of a German run; behind its end where there are only such."""
    names = [at for at in range(first, last + 1) if _is_proper(words[at].text)]
    if not names:
        return last + 1
    while first < names[0] and not (first + 1 == names[0] and words[first].text.lower() in _INSTITUTIONS):
        first += 1
    return first


def _is_proper(text: str) -> bool:
    return _IDENTIFIER.search(text) is not None or (text[0].isupper() and not _is_common(text))


@lru_cache(maxsize=4096)
def _is_common(text: str) -> bool:
    """Whether a German word is a common noun by a list of them, as the head of a compound, or by its ending."""
    word = text.lower()
    if text.isupper():
        return False
    forms = [word.removesuffix(ending) for ending in _INFLECTIONS if word.endswith(ending)]
    if not _COMMON_NOUNS.isdisjoint(forms):
        return True
    if len(word) > 6 and word.endswith(_NOUN_ENDINGS):
        return True
    return any(form[-size:] in _HEADS for form in forms for size in range(4, min(len(form) - 2, _LONGEST_HEAD)))
