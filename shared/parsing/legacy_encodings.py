"""Recognises the encoding of short texts from before Unicode, by how common the letters are that it would make."""

import codecs
from collections.abc import Callable, Iterator

from msgspec import Struct

BEST_ENOUGH = 0.45
"""Mean value of a character, between -1 and 1, below which no encoding is named."""

SINGLE_BYTE_ENOUGH = 0.6
"""What decides for an encoding of one byte a character before any of two bytes is tried."""

MOST_ACCENTS = 0.65
"""Share of letters with accents that a Latin alphabet does not exceed."""

_RARE = 0.1
_MIDDLE = 0.5


class Alphabet(Struct, frozen=True):
    """A language's letters outside ASCII, the most frequent first, and the encodings that hold them."""

    encodings: tuple[str, ...]
    common: str
    middle: str = ""
    rare: str = ""
    is_latin: bool = False


WESTERN = "cp1252"
WESTERN_ENOUGH = 0.9
CENTRAL_ENOUGH = 0.97
"""A text that could be western is of another Latin alphabet where that explains its accents and no western one does."""

_CYRILLIC = ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "koi8_u")
_CENTRAL = ("cp1250", "iso8859_2", "cp852")
_BALTIC = ("cp1257", "iso8859_13", "iso8859_4")

ALPHABETS = (
    Alphabet(_CYRILLIC, "оеаинтсрвл", "кмдпуяыьгзбчйіїє", "хжшюцщэфъёґљњћђџјѕ"),
    Alphabet(("cp1253", "iso8859_7"), "αοιετσνηυρ", "πκμλςωίάόέή", "γδθχφβξζψύώϊϋΐ"),
    Alphabet(("cp1255", "iso8859_8"), "יוהלאמרבתש", "נדקחעפכםטג", "זצסןךףץ"),
    Alphabet(("cp1256", "iso8859_6"), "اليمنهورتب", "دعسفقكحجأةشخصىإ", "ذزضطظغآؤئءپچژگ"),
    Alphabet(("cp874",), "านรกอเงมวล", "สทดตยคบปชขพ่้ีิัะแไใโุูำ", "ถฉผฝฟภศษหฬฮซณญฐฎฏ็์ึืๆธฆ"),
    Alphabet(_CENTRAL, "óąęłżćśńź", is_latin=True),
    Alphabet(_CENTRAL, "áíéěšřžčýůúňťď", "óôľäĺŕ", is_latin=True),
    Alphabet(_CENTRAL, "áéóőöíüúű", is_latin=True),
    Alphabet(("cp1250", "iso8859_16", "iso8859_2"), "ăâîşţșț", is_latin=True),
    Alphabet(_CENTRAL, "čšžćđ", is_latin=True),
    Alphabet(("cp1254", "iso8859_9"), "ıişüöçğİ", is_latin=True),
    Alphabet(_BALTIC, "ėščžįųąęū", is_latin=True),
    Alphabet(_BALTIC, "āīēšūžčņļķģ", is_latin=True),
    Alphabet(_BALTIC, "äõöüšž", is_latin=True),
)


_WESTERN_LETTERS = ("äöüßéèêàâçùûîïôœë", "áéíóúñüçãõâêôàº", "åäöæøéüèòìùà", "þðáéíóúýæö")


def encoding_of_another_alphabet(content: bytes) -> str | None:
    """The encoding of a text that is valid in the western one and is not western."""
    text = _strict(content, WESTERN)
    western = (Alphabet((), letters, is_latin=True) for letters in _WESTERN_LETTERS)
    if text is None or max(_value(text, alphabet) for alphabet in western) >= WESTERN_ENOUGH:
        return None
    score, encoding = max(_single_byte(content), default=(0.0, ""))
    return encoding if score >= CENTRAL_ENOUGH else None


def likely_encoding(content: bytes) -> str | None:
    """The encoding of a text that is neither UTF-8 nor western; None where no candidate is likely enough."""
    score, encoding = max(_single_byte(content), default=(0.0, ""))
    if score < SINGLE_BYTE_ENOUGH:
        score, encoding = max([(score, encoding), *_double_byte(content)], key=lambda found: found[0])
    return encoding if score >= BEST_ENOUGH else None


def _single_byte(content: bytes) -> Iterator[tuple[float, str]]:
    decoded: dict[str, str | None] = {}
    for place, alphabet in enumerate(ALPHABETS):
        for rank, encoding in enumerate(alphabet.encodings):
            if encoding not in decoded:
                decoded[encoding] = _strict(content, encoding)
            if text := decoded[encoding]:
                yield _value(text, alphabet) - 1e-4 * rank - 1e-5 * place, encoding


def _strict(content: bytes, encoding: str) -> str | None:
    """The text; a character that the end cuts in two is left out."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return None


def _value(text: str, alphabet: Alphabet) -> float:
    """The mean value of the characters outside ASCII. Capitals inside a word, and letters of two scripts side by side,
    count against the encoding."""
    values = dict.fromkeys(alphabet.common, 1.0) | dict.fromkeys(alphabet.middle, _MIDDLE)
    values |= dict.fromkeys(alphabet.rare, _RARE)
    total, count, letters = 0.0, 0, 0
    before = " "
    for character in text:
        letters += character.isalpha()
        if not character.isascii():
            count += 1
            total += _of(character, before, values, alphabet.is_latin)
        elif character.isalpha() and before.isalpha() and not (before.isascii() or alphabet.is_latin):
            total -= 1.0
        before = character
    if alphabet.is_latin and count > MOST_ACCENTS * max(letters, 1):
        return -1.0
    return total / count if count else 0.0


def _of(character: str, before: str, values: dict[str, float], is_latin: bool) -> float:
    if not character.isalpha() and character not in values:
        return 0.3 if character in _SIGNS else -1.0
    value = values.get(character, values.get(character.lower(), -0.5))
    if before.isalpha():
        if before.islower() and character.isupper():
            return -1.0
        if before.isascii() and not is_latin:
            return -1.0
    return value


_SIGNS = frozenset("\xa0«»„“”‘’–—…№°§€·،؛؟")


def _double_byte(content: bytes) -> Iterator[tuple[float, str]]:
    for encoding, value in _PAIRS.items():
        if _strict(content, encoding) is None:
            continue
        total, count, place = 0.0, 0, 0
        while place < len(content):
            first = content[place]
            if first < 0x80:
                place += 1
                continue
            is_single = encoding == "cp932" and 0xA1 <= first <= 0xDF
            second = 0 if is_single or place + 1 == len(content) else content[place + 1]
            total += value(first, second)
            count += 1
            place += 1 if is_single else 2
        if encoding == "euc_jp" and 5 * sum(map(content.count, (b"\xa4", b"\xa5"))) < count:
            continue  # Japanese is never without its syllables
        yield (total / count if count else 0.0), encoding


def _korean(first: int, second: int) -> float:
    if 0xB0 <= first <= 0xC8:
        return 1.0 if second >= 0xA1 else -0.5
    return 0.5 if 0xA1 <= first <= 0xA3 else -0.3


def _simplified(first: int, second: int) -> float:
    if 0xB0 <= first <= 0xD7:
        return 0.99 if second >= 0xA1 else -0.5
    if 0xA1 <= first <= 0xA3:
        return 0.7
    return 0.0 if 0xD8 <= first <= 0xF7 and second >= 0xA1 else -0.5


def _traditional(first: int, second: int) -> float:
    if 0xA4 <= first <= 0xC6:
        return 0.98
    if 0xA1 <= first <= 0xA3:
        return 0.7
    return 0.0 if 0xC9 <= first <= 0xF9 else -0.5


def _shift_jis(first: int, second: int) -> float:
    if first == 0x82 and second >= 0x9F:
        return 1.0
    if first == 0x83:
        return 0.9
    if first in {0x81, 0x82}:
        return 0.7
    if 0x88 <= first <= 0x98:
        return 0.6
    return -0.7 if not second else -0.2


def _euc_jp(first: int, second: int) -> float:
    if first in {0xA4, 0xA5}:
        return 1.05
    if 0xA1 <= first <= 0xA3:
        return 0.8
    return 0.94 if 0xB0 <= first <= 0xCF and second >= 0xA1 else -0.2


_PAIRS: dict[str, Callable[[int, int], float]] = {
    "cp949": _korean,
    "gb18030": _simplified,
    "big5": _traditional,
    "cp932": _shift_jis,
    "euc_jp": _euc_jp,
}
