"""Whether bytes are text, from their beginning and without a guess at the language."""

import codecs
import contextlib
import re
import unicodedata
from collections import Counter

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""In this order: the mark of UTF-16 is the beginning of that of UTF-32."""

MOST_CONTROLS = 0.01
"""Share of control characters above which bytes are no text; logs with colours stay below it."""

_UNMARKED = (("utf-32-le", 4, 0), ("utf-32-be", 4, 3), ("utf-16-le", 2, 0), ("utf-16-be", 2, 1))
"""Encodings, the bytes of a character, and which of them is never zero in a text of an alphabet."""

_UNMARKED_BYTES = 64 * 1024

_LEAST_DIFFERENT = 5
_LEAST_LETTERS = 5
"""Fewer may be anything."""

_SHORT_BYTES = 2048
_LEAST_BYTES = 4
MOST_LATIN = 0.65
"""Share of Latin letters and spaces among the bytes of Chinese and Japanese in UTF-16."""

_LATIN = re.compile(rb"[ A-Za-z]")
_SCRIPTS = frozenset(
    ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI", "HANGUL", "DEVANAGARI", "BENGALI", "TAMIL", "TELUGU")
) | {"GEORGIAN", "ARMENIAN", "KHMER", "LAO", "GUJARATI", "GURMUKHI", "KANNADA", "MALAYALAM", "SINHALA", "ETHIOPIC"}
_SIGNS = re.compile(r"[\[-`{-~\xa0-\xbf×÷\u2010-\u2027\u2030-\u203d\u20a0-\u20bf\u2100-\u22ff\u2500-\u27bf]")
_COMMON_EAST_ASIAN = re.compile(r"[\u3001-\u30ff\u4e00-\u9fff\uff01-\uffee]")
_FOREIGN_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_EAST_ASIAN = re.compile(r"[\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uffee]")
_KNOWN = re.compile(
    r"[\t\n\r -~\xa0-\u024f\u0391-\u03c9\u0410-\u044f\u2010-\u2027\u2030-\u203b\u2103-\u2312\u2460-\u2473"
    r"\u25a0-\u25ef\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uffee]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LEGACY_CONTROLS = bytes(set(range(9)) | set(range(0x0E, 0x1B)) | set(range(0x1C, 0x20)) | {0x7F})
_INVISIBLE = "\ufeff\u200b\u2060"


def encoding_by_bom(content: bytes) -> str | None:
    return next((encoding for bom, encoding in BOMS if content.startswith(bom)), None)


def unicode_encoding(content: bytes) -> str | None:
    """The encoding that a byte order mark names, or that zero bytes give away: UTF-16 or UTF-32 without a mark."""
    if encoding := encoding_by_bom(content):
        return encoding
    head = content[:_UNMARKED_BYTES]
    for encoding, width, letter in _UNMARKED if b"\x00" in head else ():
        others = [Counter(head[place::width]) for place in range(width) if place != letter]
        length = len(head) // width
        is_alphabet = all(sum(count for _, count in each.most_common(2)) >= 0.85 * length for each in others)
        has_spaces = all(each[0] >= length / 20 for each in others)
        if len(head) % width == 0 and 0 not in head[letter::width] and is_alphabet and has_spaces:
            with contextlib.suppress(UnicodeDecodeError):
                text = codecs.getincrementaldecoder(encoding)().decode(head)
                plain = sum(each.isalnum() or each.isspace() or each.isascii() for each in text)
                if plain >= 0.9 * len(text) and control_share(text) <= MOST_CONTROLS:
                    return encoding
    return _east_asian(head) or _of_one_script(head[:_SHORT_BYTES])


def _east_asian(head: bytes) -> str | None:
    """UTF-16 without a mark in which most is Chinese, Japanese or Korean: few of its bytes are zero.

    Bytes of control characters tell it from encodings that extend ASCII, whose texts hold none.
    """
    if len(head) < 2 * _LEAST_LETTERS or len(head) % 2 or not _FOREIGN_BYTES.search(head):
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        with contextlib.suppress(UnicodeDecodeError):
            text = codecs.getincrementaldecoder(encoding)().decode(head)
            east_asian, known = len(_EAST_ASIAN.findall(text)), len(_KNOWN.findall(text))
            if known >= 0.97 * len(text) and east_asian >= 0.3 * len(text):
                return encoding
    return None


def _of_one_script(head: bytes) -> str | None:
    """UTF-32 or UTF-16 without a mark in which every character is one of a script or one that all scripts use.

    That is rare by chance, and other texts have no bytes of control characters. Chinese and Japanese may have none
    either: then there have to be several characters, in bytes that are not mostly letters of another text.
    """
    is_foreign = _FOREIGN_BYTES.search(head) is not None
    if not is_foreign and (len(head) < _LEAST_BYTES or len(_LATIN.findall(head)) > MOST_LATIN * len(head)):
        return None
    found: list[tuple[float, str]] = []
    for encoding, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        with contextlib.suppress(UnicodeDecodeError):
            text = head.decode(encoding)
            found.append((_coherence(text, only_common=not is_foreign) * width, encoding))
    score, encoding = max(found, default=(0.0, ""))
    return encoding if score > 0 else None


def _coherence(text: str, *, only_common: bool) -> float:
    """Between 0 and 1: 0 where the letters are of several scripts, or where any character is seldom in a text."""
    counts, scripts = Counter(text), Counter[str]()
    if only_common and len(counts) < _LEAST_DIFFERENT and len(text) >= 2 * len(counts):
        return 0.0  # brackets or a ruled line, again and again
    for character, count in counts.items():
        scripts[_script(character)] += count
    common = scripts.pop("", 0)
    if not scripts or scripts["?"]:
        return 0.0 if scripts or only_common or not text.strip() else common / len(text)
    main, letters = scripts.most_common(1)[0]
    latin = 0 if main == "LATIN" else scripts["LATIN"]
    if letters + latin + common < len(text) or (only_common and main != "CJK"):
        return 0.0
    return (letters + 0.9 * (common + latin)) / len(text) * (0.8 if main == "CJK" else 1.0)


def _script(character: str) -> str:
    """The script of a letter; empty for what stands in texts of all scripts, `?` for what stands in hardly any."""
    if character in "\t\n\r\ufeff" or " " <= character <= "@" or _SIGNS.match(character):
        return ""
    if _COMMON_EAST_ASIAN.match(character):
        return "CJK" if _is_common_east_asian(character) else "?"
    word = unicodedata.name(character, "?").partition(" ")[0]
    return word if unicodedata.category(character)[0] in "LM" and word in _SCRIPTS else "?"


def _is_common_east_asian(character: str) -> bool:
    """Whether the standards of before Unicode have the character among the common ones."""
    if not "\u4e00" <= character <= "\u9fff":
        return True
    for encoding, last in (("gb2312", 0xD7), ("big5", 0xC6), ("cp932", 0x97)):
        with contextlib.suppress(UnicodeEncodeError):
            if character.encode(encoding)[0] <= last:
                return True
    return False


def control_share(text: str) -> float:
    """Between 0 and 1."""
    return len(_CONTROLS.findall(text)) / len(text) if text else 0.0


def legacy_control_share(content: bytes) -> float:
    """The same for bytes in an encoding that extends ASCII; NUL counts."""
    return 1 - len(content.translate(None, _LEGACY_CONTROLS)) / len(content) if content else 0.0


def peek(head: bytes) -> str | None:
    """The text that `head` begins, good enough to recognise a format; None where it is no text.

    A character cut in two at the end is left out. A legacy encoding is read as Latin-1.
    """
    if (encoding := unicode_encoding(head)) or b"\x00" not in head:
        with contextlib.suppress(UnicodeDecodeError):
            decoded = codecs.getincrementaldecoder(encoding or "utf-8")().decode(head)
            return decoded if control_share(decoded) <= MOST_CONTROLS and "\x00" not in decoded else None
    if encoding or b"\x00" in head or legacy_control_share(head) > MOST_CONTROLS:
        return None
    return head.decode("latin-1")


def is_blank(text: str) -> bool:
    return not text.translate(dict.fromkeys(map(ord, _INVISIBLE))).strip()
