"""Recognises the encoding of texts from before Unicode, by how common the letters are that it would make, and how they
stand beside each other."""

import codecs
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from shared.language.wordlists import read_lines
from shared.parsing.legacy_signs import sign_value, unpaired_quotes

BEST_ENOUGH = 0.3
"""Mean value of a character, between -1 and 1, below which no encoding is named."""

MOST_ACCENTS = 0.65
"""Share of letters with accents that a Latin alphabet does not exceed."""

_VALUES = (1.0, 0.85, 0.65, 0.4)
"""Of the classes of pairs, the commonest first."""

_RARE = -0.15
"""Of a pair of letters that a language has, but hardly ever beside each other."""

_UNPAIRED = 0.7
"""Of a quotation mark without its other half."""

_LIGATURE = 0.5
"""Of a ligature, and of the capital I of Turkish, whose small letter is ASCII."""

_NAMES = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßðþœ")
_NAME = 0.45
"""Of a western letter in an English text, which names of other languages have."""

_FOREIGN = -0.9
"""Of a letter that a language does not have."""

_WESTERN = {"cp1252": 0.0, "iso8859_15": 0.01, "mac_roman": 0.06, "cp850": 0.05, "cp437": 0.055}
_CENTRAL = {"cp1250": 0.02, "iso8859_2": 0.025, "cp852": 0.06, "mac_latin2": 0.1}
_BALTIC = {"cp1257": 0.03, "iso8859_13": 0.035, "iso8859_4": 0.04, "cp775": 0.1}
_TURKISH = {"cp1254": 0.03, "iso8859_9": 0.035, "cp857": 0.08, "mac_turkish": 0.09}
_CYRILLIC = {"cp1251": 0.0, "koi8_r": 0.01, "cp866": 0.02, "iso8859_5": 0.03, "mac_cyrillic": 0.05, "koi8_u": 0.01}
_CYRILLIC |= {"cp855": 0.09}
_GREEK = {"cp1253": 0.0, "iso8859_7": 0.01, "cp737": 0.05, "mac_greek": 0.08}
_HEBREW = {"cp1255": 0.0, "iso8859_8": 0.01, "cp862": 0.05}
_ARABIC = {"cp1256": 0.0, "iso8859_6": 0.01, "cp720": 0.08}
_ROMANIAN = {**_CENTRAL, "iso8859_16": 0.05}

ENCODINGS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("en", "de", "fr", "es", "it", "pt", "nl", "da", "nb", "sv", "fi", "is", "ca"), _WESTERN),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "sh"), _CENTRAL),
    **dict.fromkeys(("lt", "lv"), _BALTIC),
    **dict.fromkeys(("ru", "uk", "bg", "mk", "sr"), _CYRILLIC),
    **dict.fromkeys(("ar", "fa"), _ARABIC),
    "ro": _ROMANIAN,
    "tr": _TURKISH,
    "el": _GREEK,
    "he": _HEBREW,
}
"""Of each language, with what its encodings are behind the commonest ones where they read a text as well."""

_LATIN = frozenset(
    {"de", "fr", "es", "it", "pt", "nl", "da", "nb", "sv", "fi", "is", "ca", "en", "pl", "cs", "sk", "hu"}
)
_LATIN |= {"sl", "sh", "ro", "lt", "lv", "tr"}
_EAST_ASIAN = {"gb18030": ("zh", 0.0), "big5": ("zh", 0.02), "cp932": ("ja", 0.01), "euc_jp": ("ja", 0.0)}
_EAST_ASIAN |= {"cp949": ("ko", 0.0)}
_THAI = dict.fromkeys("านรกอเงมวล", 1.0) | dict.fromkeys("สทดตยคบปชขพ่้ีิัะแไใโุูำ", 0.7)
_THAI |= dict.fromkeys("ถฉผฝฟภศษหฬฮซณญฐฎฏ็์ึืๆธฆ", 0.4)
_WORDS_OF_ONE_LETTER = frozenset("àèéóáåöøíőê")
_ALONE = 0.2
"""Of a letter between signs or spaces that is hardly ever a word of its own."""


class _Place(NamedTuple):
    """A character outside ASCII between its neighbours."""

    before: str
    character: str
    after: str


class _Signs(NamedTuple):
    """The places of the characters of a text outside ASCII, their share of the letters, and how many quotation marks
    among them have no other half."""

    places: Counter[_Place]
    accents: float
    unpaired: int


def likely_encoding(content: bytes) -> str | None:
    """The encoding of a text that is not UTF-8; None where no candidate is likely enough."""
    score, encoding = max([*_single_byte(content), *_east_asian(content)], default=(0.0, ""))
    return encoding if score >= BEST_ENOUGH else None


def _single_byte(content: bytes) -> Iterator[tuple[float, str]]:
    signs: dict[str, _Signs | None] = {}
    for language, encodings in ENCODINGS.items():
        for encoding, behind in encodings.items():
            if encoding not in signs:
                text = _strict(content, encoding)
                signs[encoding] = None if text is None else _signs(text)
            if found := signs[encoding]:
                most = MOST_ACCENTS if language in _LATIN else 1.0
                value = _value(found, language) if found.accents <= most else -1.0
                yield value - behind, encoding
    if thai := _strict(content, "cp874"):
        places = _signs(thai).places
        value = sum(count * _thai_value(place) for place, count in places.items()) / max(places.total(), 1)
        yield value if places.total() > 1 else min(value, _ALONE), "cp874"


def _thai_value(place: _Place) -> float:
    before, sign, after = place
    is_beside_latin = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
    return _FOREIGN if is_beside_latin else _THAI.get(sign, -1.0)


def _signs(text: str) -> _Signs:
    around = f" {text} "
    triples = Counter(zip(around, around[1:], around[2:], strict=False))
    places = Counter({_Place(*each): count for each, count in triples.items() if not each[1].isascii()})
    accents = sum(count for place, count in places.items() if place.character.isalpha())
    characters = Counter[str]()
    for place, count in places.items():
        characters[place.character] += count
    return _Signs(places, accents / max(sum(map(str.isalpha, text)), 1), unpaired_quotes(characters))


def _value(signs: _Signs, language: str) -> float:
    pairs = _classes()[language]
    total = sum(count * _of(place, pairs) for place, count in signs.places.items())
    return (total - _UNPAIRED * signs.unpaired) / max(signs.places.total(), 1)


def _of(place: _Place, pairs: dict[str, float]) -> float:
    before, character, after = place
    if not character.isalpha():
        return sign_value(before, character, after)
    if before.islower() and character.isupper():
        return -1.0
    low = character.lower()
    if low not in pairs:
        is_turkish, is_latin = character == "İ" and "ı" in pairs, "α" not in pairs
        return _LIGATURE if is_turkish or (character in "ﬁﬂ" and is_latin) else _FOREIGN
    if before.isdigit() or after.isdigit():
        return _RARE
    is_alone = not (before.isalpha() or after.isalpha())
    if is_alone and not (low in _WORDS_OF_ONE_LETTER and before.isspace()):
        return _ALONE
    return (pairs.get(_letter(before) + low, pairs[low]) + pairs.get(low + _letter(after), pairs[low])) / 2


def _letter(character: str) -> str:
    return character.lower() if character.isalpha() else " "


@cache
def _classes() -> dict[str, dict[str, float]]:
    """The value of each pair of letters, and of each character of East Asia, by language; each letter alone, too."""
    table: dict[str, dict[str, float]] = {}
    for line in read_lines("shared.parsing", "letters"):
        language, *classes = line.split("|")
        width = 1 if language in {"zh", "ja", "ko"} else 2
        table[language] = {
            listed[place : place + width]: value
            for listed, value in zip(classes, _VALUES, strict=True)
            for place in range(0, len(listed), width)
        }
        if width == 2:
            letters = {letter for pair in table[language] for letter in pair}
            table[language].update(dict.fromkeys(letters, _RARE))
    table["en"].update(dict.fromkeys(_NAMES, _NAME))
    return table


def _strict(content: bytes, encoding: str) -> str | None:
    """The text; a character that the end cuts in two is left out."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return None


def _east_asian(content: bytes) -> Iterator[tuple[float, str]]:
    for encoding, (language, behind) in _EAST_ASIAN.items():
        if text := _strict(content, encoding):
            common, places = _classes()[language], _signs(text).places
            total = sum(count * _east_asian_value(place, common, encoding) for place, count in places.items())
            yield total / max(places.total(), 1) - behind, encoding


def _east_asian_value(place: _Place, common: dict[str, float], encoding: str) -> float:
    before, sign, after = place
    if (before.isascii() and before.islower()) or (after.isascii() and after.islower()):
        return -0.5
    if sign in common:
        return common[sign]
    if "\u3001" <= sign <= "\u3011" or "\uff01" <= sign <= "\uff5e":
        return 0.7
    if "\u3041" <= sign <= "\u30ff":
        return 0.95 if encoding in {"cp932", "euc_jp"} else 0.0
    if "\uff66" <= sign <= "\uff9f":
        return 0.35 if encoding == "cp932" else -0.5
    if "\u4e00" <= sign <= "\u9fff":
        return _rare_han(sign, encoding)
    return -0.5


def _rare_han(sign: str, encoding: str) -> float:
    """Of a character that is not among the common ones; the list of Chinese has none of Taiwan's own."""
    try:
        first = sign.encode(encoding)[0]
        is_simplified = bool(sign.encode("gb2312"))
    except UnicodeEncodeError:
        is_simplified = False
    if encoding == "big5":
        return 0.1 if is_simplified else 0.75 if first <= 0xC6 else 0.0
    return -0.2
