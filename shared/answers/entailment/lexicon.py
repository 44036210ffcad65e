"""The word lists in `words/`, by root and language, read once."""

import re
from collections.abc import Iterable
from functools import cache

from msgspec import Struct

from shared.answers.entailment.roots import root
from shared.language.wordlists import read_lines, read_words

_PACKAGE = "shared.answers.entailment"
_OFFSET = 10_000
"""Added to the numbers of the everyday meanings, so that they differ from those of the synonyms."""


@cache
def synonyms(german: bool) -> dict[str, frozenset[int]]:
    """Maps a root, or the roots of a phrase with a space between, to the numbers of its meanings."""
    table: dict[str, set[int]] = {}
    for package, offset, name in ((_PACKAGE, 0, "synonyms"), ("shared.answers", _OFFSET, "meanings")):
        for number, line in enumerate(read_lines(package, name), offset):
            for entry in line.split():
                table.setdefault(_key(entry, german), set()).add(number)
    return {key: frozenset(numbers) for key, numbers in table.items()}


@cache
def opposites(german: bool) -> dict[str, frozenset[str]]:
    """Maps a root to the roots of its opposites."""
    return _contraries("opposites", german)


@cache
def converses(german: bool) -> dict[str, frozenset[str]]:
    """Maps the root of an act to the roots of the same act as its other side does it: to lend and to borrow."""
    return _contraries("converses", german)


def _contraries(name: str, german: bool) -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for line in read_lines(_PACKAGE, name):
        left, right = ([_key(entry, german) for entry in side.split()] for side in line.split("|"))
        for ones, others in ((left, right), (right, left)):
            for one in ones:
                table.setdefault(one, set()).update(others)
    return {key: frozenset(others) for key, others in table.items()}


class Exclusive(Struct, frozen=True):
    """A word's place among words of which each excludes the others."""

    line: int
    member: int


@cache
def exclusives(german: bool) -> dict[str, Exclusive]:
    table: dict[str, Exclusive] = {}
    for number, line in enumerate(read_lines(_PACKAGE, "exclusive")):
        for member, entry in enumerate(line.split()):
            for word in entry.split("|"):
                table.setdefault(_key(word, german), Exclusive(number, member))
    return table


@cache
def light(german: bool) -> frozenset[str]:
    return _roots(read_words(_PACKAGE, "light"), german)


@cache
def money_words(german: bool) -> frozenset[str]:
    """What an amount of money says by itself: that it is a price, or paid."""
    return _roots(read_words(_PACKAGE, "money"), german)


@cache
def marker(*names: str) -> re.Pattern[str]:
    """Matches a phrase of these lines of the markers, in text in lower case."""
    phrases = sorted((phrase for name in names for phrase in _markers()[name]), key=len, reverse=True)
    written = (re.escape(phrase).replace(r"\*", r"\w{0,20}") for phrase in phrases)
    return re.compile(rf"\b(?:{'|'.join(written)})\b")


@cache
def _markers() -> dict[str, list[str]]:
    lines = (line.partition(":") for line in read_lines(_PACKAGE, "markers"))
    return {name: [phrase.strip() for phrase in phrases.split(",")] for name, _, phrases in lines}


@cache
def word_set(name: str) -> frozenset[str]:
    return read_words(_PACKAGE, name)


def _roots(entries: Iterable[str], german: bool) -> frozenset[str]:
    return frozenset(root(entry, german) for entry in entries)


def _key(entry: str, german: bool) -> str:
    return " ".join(root(word, german) for word in entry.split("_"))


@cache
def units() -> dict[str, tuple[str, float]]:
    """Maps a unit's name, in lower case, to its dimension and its factor."""
    table: dict[str, tuple[str, float]] = {}
    for line in read_lines(_PACKAGE, "units"):
        dimension, factor, *names = line.split()
        table |= {name.replace("_", " "): (dimension, float(factor)) for name in names}
    return table
