"""RTF prepared for its reader: letters of other code pages as Unicode, without emphasis, without hidden text."""

import codecs
import re
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from shared.parsing.docling.symbols import symbol

_TOKEN = re.compile(
    rb"\\'[0-9a-fA-F]{2}|\\[a-zA-Z]{1,32}-?[0-9]{0,10} ?|\\[^a-zA-Z]|[{}]|[\r\n]+|[^\\{}\r\n]+", re.DOTALL
)
_WORD = re.compile(rb"\\([a-zA-Z]+)(-?[0-9]+)?")

CHARACTER_SETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""By a font's `\\fcharset`."""

SYMBOLS = 2
"""The `\\fcharset` of fonts of symbols."""

_EMPHASIS = frozenset({b"b", b"i", b"ul", b"ulnone", b"uld", b"uldb", b"ulw", b"strike", b"striked", b"outl", b"shad"})
_HIDDEN = frozenset({b"v", b"deleted"})
_SKIPPED = frozenset({b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"objdata", b"themedata", b"datastore"})


class _Group(Struct):
    codepage: str = ""
    is_symbol: bool = False
    is_hidden: bool = False
    fallback: int = 1
    is_skipped: bool = False


class Prepared(Struct, frozen=True):
    content: bytes
    hidden_words: int


def prepared(content: bytes) -> Prepared:
    """Reads the file once, token by token."""
    return _Writer(content).run()


class _Writer:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._default = "cp1252"
        self._fonts: dict[int, int] = {}
        self._groups = [_Group()]
        self._in_fonts = 0
        self._font = 0
        self._out: list[bytes] = []
        self._hidden: list[bytes] = []
        self._bytes = bytearray()
        self._skip = 0

    def run(self) -> Prepared:
        for found in _TOKEN.finditer(self._content):
            token = found[0]
            if token[:2] == b"\\'":
                self._letter(int(token[2:], 16))
                continue
            self._flush()
            if token == b"{":
                self._groups.append(replace(self._groups[-1]))
            elif token == b"}":
                self._close()
            elif token[:1] == b"\\" and token[1:2].isalpha():
                if not self._word(token):
                    continue
            elif not self._text(token):
                continue
            self._out.append(token)
        self._flush()
        words = b" ".join(self._hidden).split()
        return Prepared(b"".join(self._out), len(words))

    def _close(self) -> None:
        if len(self._groups) > 1:
            self._groups.pop()
        if len(self._groups) < self._in_fonts:
            self._in_fonts = 0

    def _word(self, token: bytes) -> bool:
        """Whether the control word stays."""
        found = _WORD.match(token)
        assert found
        name, number = found[1], int(found[2]) if found[2] else None
        group = self._groups[-1]
        handler = _WORDS.get(name)
        if handler:
            handler(self, number)
        if name in _SKIPPED:
            group.is_skipped = True
        if name == b"fonttbl":
            self._in_fonts = len(self._groups)
        if name in _HIDDEN:
            group.is_hidden = number != 0
            return False
        if name == b"u" and number is not None and not group.is_skipped:
            self._skip = group.fallback
        return not (name in _EMPHASIS or (group.is_hidden and name in {b"u", b"par", b"line", b"tab"}))

    def _set_codepage(self, number: int | None) -> None:
        try:
            self._default = codecs.lookup(f"cp{number}").name
        except LookupError:
            self._default = "cp1252"

    def _set_font(self, number: int | None) -> None:
        if self._in_fonts:
            self._font = number or 0
            return
        charset = self._fonts.get(number or 0, 1)
        self._groups[-1].is_symbol = charset == SYMBOLS
        self._groups[-1].codepage = CHARACTER_SETS.get(charset, "")

    def _set_charset(self, number: int | None) -> None:
        if self._in_fonts:
            self._fonts[self._font] = number or 0

    def _plain(self, _: int | None) -> None:
        group = self._groups[-1]
        group.is_hidden = group.is_symbol = False
        group.codepage = ""

    def _set_fallback(self, number: int | None) -> None:
        self._groups[-1].fallback = number if number is not None else 1

    def _letter(self, code: int) -> None:
        if self._skip:
            self._skip -= 1
            if not self._groups[-1].is_hidden:
                self._out.append(b"\\'%02x" % code)
            return
        self._bytes.append(code)

    def _text(self, token: bytes) -> bool:
        """Whether the run of plain text or the control symbol stays as it is."""
        group = self._groups[-1]
        if group.is_skipped or token[:1] in b"\r\n":
            return True
        self._skip = 0
        if group.is_hidden:
            self._hidden.append(token)
            return False
        if group.is_symbol and token[:1] != b"\\":
            self._out.append(_in_symbols(token))
            return False
        return True

    def _flush(self) -> None:
        """Writes the bytes collected from `\\'xx` as Unicode."""
        if not self._bytes:
            return
        taken, self._bytes = bytes(self._bytes), bytearray()
        group = self._groups[-1]
        codepage = group.codepage or self._default
        if group.is_hidden:
            self._hidden.append(taken)
        elif group.is_skipped:
            self._out.append(b"".join(b"\\'%02x" % code for code in taken))
        elif group.is_symbol:
            self._out.append(_in_symbols(taken))
        else:
            self._out.append(b"".join(map(_escaped, taken.decode(codepage, "replace"))))


_WORDS: dict[bytes, Callable[[_Writer, int | None], None]] = {
    b"ansicpg": _Writer._set_codepage,
    b"f": _Writer._set_font,
    b"fcharset": _Writer._set_charset,
    b"plain": _Writer._plain,
    b"uc": _Writer._set_fallback,
}


def _in_symbols(codes: bytes) -> bytes:
    return b"".join(_escaped(symbol("symbol", code)) for code in codes)


def _escaped(character: str) -> bytes:
    if character in "\\{}":
        return b"\\" + character.encode()
    if character.isascii():
        return character.encode()
    units = character.encode("utf-16-le")
    codes = [int.from_bytes(units[place : place + 2], "little", signed=True) for place in range(0, len(units), 2)]
    return b"".join(b"{\\uc0\\u%d }" % code for code in codes)
