"""Reduces a word to a root that its forms share, to compare a statement with its source: not to display it."""

import re
from functools import cache, lru_cache

from shared.answers.stems import stem
from shared.language.wordlists import read_lines, read_words

PARTICLES = read_words("shared.answers.entailment", "particles")
"""Prefixes that a German verb may part with."""

_LONGEST_FIRST = tuple(sorted(PARTICLES - {"bei", "frei"}, key=len, reverse=True))
_FOLDED = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
_ENGLISH_ENDINGS = ("ingly", "ments", "ment", "ings", "ing", "edly", "ed", "es", "ly", "e", "s")
_ENDING_IN_EED = frozenset(["agreed", "disagreed", "freed", "guaranteed", "decreed"])
_SHORTEST = 3
_SHORTEST_VERB = 4
_SHORTEST_BASE = 4
_SHORTEST_WITH_ENDING = 6
_OWN_BEGINNING = tuple(read_words("shared.answers.entailment", "beginnings"))
"""Words whose first letters are no mark of a participle."""


@lru_cache(maxsize=32768)
def root(word: str, german: bool) -> str:
    """The root of a word; numbers stay as they are."""
    low = word.lower().replace("’", "'").removesuffix("'s").removesuffix("'")
    if low[:1].isdigit():
        return low
    if not german:
        return _english(low)
    base = _forms("german").get(low)
    return _german(base or low).translate(_FOLDED)


def _english(low: str) -> str:
    base = _forms("english").get(low, low)
    if len(base) > _SHORTEST_BASE and base.endswith(("ies", "ied")):
        base = f"{base[:-3]}y"
    for ending, other in (("isation", "ise"), ("ization", "ise"), ("ize", "ise"), ("ized", "ise"), ("izes", "ise")):
        if base.endswith(ending):
            base = base.removesuffix(ending) + other
    if base.endswith("eed") and base not in _ENDING_IN_EED:
        return base
    for ending in _ENGLISH_ENDINGS:
        if base.endswith(ending) and len(base) - len(ending) >= _SHORTEST and not base.endswith(("ss", "us")):
            base = base.removesuffix(ending)
            break
    if len(base) > _SHORTEST and base[-1] == base[-2] and base[-1] not in "ls":
        base = base[:-1]
    return f"{base[:-1]}i" if base.endswith("y") else base


def _german(low: str) -> str:
    if len(low) >= _SHORTEST_WITH_ENDING:
        low = low.removesuffix("en").removesuffix("ung") if low.endswith("ungen") else low.removesuffix("ung")
    for particle in _LONGEST_FIRST:
        rest = low.removeprefix(particle)
        if len(rest) >= _SHORTEST_BASE and rest != low:
            if rest.startswith(_LONGEST_FIRST) and not rest.startswith("zu") and len(rest) > 2 * _SHORTEST_BASE:
                return particle + _german(rest)
            rest = _without_adjective_ending(rest)
            base = _forms("german").get(rest)
            if base is None and rest.startswith("zu") and len(rest) > _SHORTEST_VERB:
                rest = rest.removeprefix("zu")
            if base or rest.startswith("ge") or low[-2:] in ("en", "et", "te") or low[-1] == "t":
                return particle + _verb(base or rest)
            break
    return _verb(low)


def _without_adjective_ending(low: str) -> str:
    """ "Geschleppter" as "geschleppt"."""
    match = _ADJECTIVE_ENDING.fullmatch(low)
    return match[1] if match else low


_ADJECTIVE_ENDING = re.compile(r"(ge\w{3,}(?:t|en))(?:e[mnrs]?)")


def _verb(low: str) -> str:
    """Without the marks of a participle or of the past."""
    base = _forms("german").get(low)
    if base is None and len(low) > _SHORTEST_WITH_ENDING - 1 and _is_participle(low):
        rest = low.removeprefix("ge")
        base = _forms("german").get(rest, rest)
    reduced = stem(base or low)
    while len(reduced) >= _SHORTEST_VERB and reduced.endswith("t"):
        reduced = reduced[:-1]
        reduced = reduced.removesuffix("e") if len(reduced) > _SHORTEST_VERB else reduced
    if len(reduced) > _SHORTEST_VERB:
        reduced = reduced.removesuffix("er")
    return reduced


def _is_participle(low: str) -> bool:
    return low.startswith("ge") and low[-1] in "tn" and not low.startswith(_OWN_BEGINNING)


@cache
def _forms(language: str) -> dict[str, str]:
    """Maps an irregular form to its base."""
    table: dict[str, str] = {}
    for line in read_lines("shared.answers.entailment", f"forms_{language}"):
        base, *others = line.split()
        table |= dict.fromkeys(others, base)
    return table
