"""Reads numbers in figures and words, in English and German."""

import re


def _numbered(words: str, start: int, step: int) -> dict[str, int]:
    return {word: step * value for value, word in enumerate(words.split(), start)}


_ENGLISH_ONES = _numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen", 0, 1,
)  # fmt: skip
_ENGLISH_TENS = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2, 10)
_GERMAN_ONES = _numbered(
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn", 0, 1,
)  # fmt: skip
_GERMAN_TENS = _numbered("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig", 2, 10)


def number_words(least: int, most: int) -> str:
    """The words for these numbers up to 19, as the alternatives of a regular expression."""
    return "|".join(
        word for ones in (_ENGLISH_ONES, _GERMAN_ONES) for word, value in ones.items() if least <= value <= most
    )


SCALES = {
    "thousand": 1e3, "tausend": 1e3, "tsd": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "millionen": 1e6,
    "mio": 1e6, "mln": 1e6, "m": 1e6, "billion": 1e9, "billions": 1e9, "bn": 1e9, "milliarde": 1e9, "milliarden": 1e9,
    "mrd": 1e9, "trillion": 1e12, "billionen": 1e12, "dozen": 12.0, "dutzend": 12.0,
}  # fmt: skip
"""What a number before it is multiplied by."""

_SHORTEST_GERMAN = 3


def values_of(figures: str, german: bool) -> frozenset[float]:
    """The values that a number in figures may have: "1.900" is another one in English than in German, but a document
    may be written in the manner of another language, so both count where the figures allow them."""
    bare = re.sub(r"[' \u00a0\u202f]", "", figures)
    points, commas = bare.count("."), bare.count(",")
    if points and commas:
        decimal = "," if bare.rfind(",") > bare.rfind(".") else "."
        other = "." if decimal == "," else ","
        return frozenset([float(bare.replace(other, "").replace(decimal, ".", 1))] if bare.count(decimal) == 1 else [])
    sign = "." if points else ","
    if not points and not commas:
        return frozenset([float(bare)])
    parts = bare.split(sign)
    grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    values = set()
    if len(parts) > 2:
        return frozenset([float("".join(parts))] if grouped else [])
    if grouped and (sign == ("." if german else ",") or parts[0] != "0"):
        values.add(float("".join(parts)))
    if not grouped or sign == ("," if german else "."):
        values.add(float(".".join(parts)))
    return frozenset(values)


def english_number(words: list[str]) -> tuple[float, int]:
    """The value of the words that a number in words begins with, and how many they are; none: 0."""
    total = current = 0.0
    used = 0
    for place, word in enumerate(words):
        parts = word.split("-")
        if word == "and" and used and words[place - 1] in ("hundred", "thousand"):
            continue
        if all(part in _ENGLISH_ONES or part in _ENGLISH_TENS for part in parts):
            if used and current % 10 and current < 100:
                break
            current += sum(_ENGLISH_ONES.get(part, 0) + _ENGLISH_TENS.get(part, 0) for part in parts)
        elif word == "hundred" and (used or place == 0):
            current = 100 * (current or 1)
        elif word in ("thousand", "million", "billion") and used:
            total, current = total + (current or 1) * SCALES[word], 0
        else:
            break
        used = place + 1
    return total + current, used


def german_number(word: str) -> float | None:
    """The value of a number that is written as one German word, below a million; None for another word."""
    if len(word) < _SHORTEST_GERMAN or word == "ein":
        return None
    head, found, tail = word.partition("tausend")
    if found:
        thousands, rest = _german_hundreds(head or "ein"), _german_hundreds(tail) if tail else 0
        return None if thousands is None or rest is None else 1000 * thousands + rest
    return _german_hundreds(word)


def _german_hundreds(word: str) -> float | None:
    head, found, tail = word.partition("hundert")
    if not found:
        return _german_tens(word)
    hundreds, rest = _german_tens(head or "ein"), _german_tens(tail.removeprefix("und")) if tail else 0
    return None if hundreds is None or rest is None else 100 * hundreds + rest


def _german_tens(word: str) -> float | None:
    if word in _GERMAN_ONES:
        return _GERMAN_ONES[word]
    if word in _GERMAN_TENS:
        return _GERMAN_TENS[word]
    ones, _, tens = word.rpartition("und")
    return _GERMAN_TENS[tens] + _GERMAN_ONES[ones] if tens in _GERMAN_TENS and ones in _GERMAN_ONES else None
