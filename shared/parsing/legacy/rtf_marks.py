"""What the reader of RTF leaves out, passed through it as noncharacters: raised text, letters above U+FFFF."""

import re
from typing import Final

from shared.parsing.raised import raised

SCRIPT_BEGINS: Final = {"sup": "\ufdd0", "sub": "\ufdd1"}
SCRIPT_ENDS: Final = "\ufdd2"
_LETTER_BEGINS, _LETTER_ENDS, _DIGITS = "\ufdd3", "\ufdd4", 0xFDE0

_SCRIPT = re.compile("([\ufdd0\ufdd1])([^\ufdd0-\ufdd2]*)")
_LETTER = re.compile("\ufdd3([\ufde0-\ufdef]{1,6})\ufdd4")
_MARKS = re.compile("[\ufdd0-\ufdef]")


def without_marks(text: str) -> str:
    """The text of a file itself, in which these characters mean nothing."""
    return _MARKS.sub("", text)


def _as_marks(letter: str) -> str:
    """A letter above U+FFFF, digit by digit."""
    return _LETTER_BEGINS + "".join(chr(_DIGITS + int(digit, 16)) for digit in f"{ord(letter):x}") + _LETTER_ENDS


def restored(text: str) -> str:
    """A text that the reader has read, with its letters, and with its powers as they are written in a line."""
    if not _MARKS.search(text):
        return text
    text = _LETTER.sub(_letter, text)
    written, place = "", 0
    for found in _SCRIPT.finditer(text):
        written += _MARKS.sub("", text[place : found.start()])
        written += raised(written, found[2], "sup" if found[1] == SCRIPT_BEGINS["sup"] else "sub")
        place = found.end()
    return written + _MARKS.sub("", text[place:])


def _letter(found: re.Match[str]) -> str:
    code = 0
    for digit in found[1]:
        code = 16 * code + ord(digit) - _DIGITS
    return chr(code) if code <= 0x10FFFF else ""


def escaped(text: str) -> bytes:
    """A text as RTF."""
    return b"".join(map(_escaped_character, text))


def _escaped_character(character: str) -> bytes:
    if character in "\\{}":
        return b"\\" + character.encode()
    if character.isascii():
        return character.encode()
    if ord(character) > 0xFFFF:
        return escaped(_as_marks(character))
    code = ord(character)
    return b"{\\uc0\\u%d }" % (code - 0x10000 if code > 0x7FFF else code)
