"""RTF prepared for its reader: letters of other code pages as Unicode, without emphasis, without hidden text, and with
what stands beside the text (headers, footers, notes, annotations, old text boxes) before and behind it."""

import codecs
import re
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from shared.parsing.docling.symbols import symbol
from shared.parsing.legacy.rtf_marks import SCRIPT_BEGINS, SCRIPT_ENDS, escaped, without_marks
from shared.parsing.legacy.rtf_parts import HEADERS, RtfPart, assembled
from shared.parsing.legacy.rtf_shading import PATTERN, Shading

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

_LEAST_SIZE = 4
"""In half points: smaller letters are read by nobody."""

_EMPHASIS = frozenset({b"b", b"i", b"ul", b"ulnone", b"uld", b"uldb", b"ulw", b"strike", b"striked", b"outl", b"shad"})
_DROPPED = _EMPHASIS | {b"super", b"sub", b"nosupersub", b"up", b"dn", b"u", b"chftn", b"ftnalt"}
_SKIPPED = frozenset(
    (b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"objdata", b"themedata", b"datastore", b"fldinst")
) | {b"sn", b"sv"}
_BREAKS = frozenset({b"par", b"line", b"tab", b"cell", b"nestcell", b"row", b"sect", b"page", b"pard", b"trowd"})
_CHARACTERS = {
    b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
    b"bullet": "•", b"emspace": " ", b"enspace": " ", b"qmspace": " ",
    b"\\~": "\xa0", b"\\_": "-", b"\\-": "", b"\\\\": "\\", b"\\{": "{", b"\\}": "}",
}  # fmt: skip
"""What control words and control symbols stand for."""

_BEHIND = frozenset({b"footer", b"footerl", b"footerr", b"footerf", b"footnote", b"annotation", b"dptxbxtext"})
_STARRED = _BEHIND | {b"shpinst", b"do", b"ud", b"atnauthor", b"moMath"}
"""Destinations that have text although a reader that does not know them may leave them out."""


_PAGE_FIELD = re.compile(rb"\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b")


class _Group(Struct):
    """The state that a group of the file inherits and may change. Colours are places in the file's table."""

    part: RtfPart
    outer: RtfPart
    codepage: str = ""
    symbols: str = ""
    fallback: int = 1
    is_hidden: bool = False
    is_skipped: bool = False
    is_starred: bool = False
    script: str = ""
    size: int = 24
    colour: int = 0
    highlight: int = 0
    background: int = 0
    paragraph_background: int = 0


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
        self._shading = Shading(content)
        self._fonts: dict[int, tuple[int, str]] = {}
        self._in_fonts = 0
        self._font = 0
        self._body = RtfPart()
        self._groups = [_Group(self._body, self._body)]
        self._beside: list[RtfPart] = []
        self._front: int | None = None
        self._script = ""
        self._script_part = self._body
        self._hidden: list[str] = []
        self._bytes = bytearray()
        self._skip = 0
        self._surrogate = 0
        self._numbers_pages = False

    def run(self) -> Prepared:
        place = 0
        while found := _TOKEN.match(self._content, place):
            place = found.end()
            token = found[0]
            if token[:2] == b"\\'":
                self._letter(int(token[2:], 16), token)
            elif token[:1] in b"\r\n":
                self._raw(token)
            elif token[:1] not in b"\\{}":
                self._run_of_text(token)
            else:
                self._flush()
                place += self._mark(token)
        self._flush()
        self._set_script("")
        words = "".join(self._hidden).split()
        return Prepared(assembled(self._body, self._front, self._beside), len(words))

    def _mark(self, token: bytes) -> int:
        """Follows a brace, a control word or a control symbol; returns how many bytes behind it are no RTF."""
        if token == b"{":
            self._skip = 0
            self._groups[-1].part.out.append(token)
            self._groups.append(replace(self._groups[-1]))
        elif token == b"}":
            self._skip = 0
            self._close(token)
        elif token in _CHARACTERS:
            self._character(_CHARACTERS[token], token)
        elif token == b"\\*":
            self._groups[-1].is_starred = True
            self._groups[-1].part.out.append(token)
        elif token[1:2].isalpha():
            return self._word(token)
        elif not self._groups[-1].is_hidden:
            self._groups[-1].part.out.append(token)
        return 0

    def _close(self, token: bytes) -> None:
        if len(self._groups) <= 2 or self._groups[-2].part is not self._groups[-1].part:
            self._set_script("")
        if len(self._groups) > 1:
            group = self._groups.pop()
            if self._is_unseen(group) and not self._is_unseen(self._groups[-1]):
                self._hidden.append(" ")
        if len(self._groups) < self._in_fonts:
            self._in_fonts = 0
        self._groups[-1].part.out.append(token)

    def _word(self, token: bytes) -> int:
        found = _WORD.match(token)
        assert found
        name, number = found[1], int(found[2]) if found[2] else None
        group = self._groups[-1]
        if name == b"bin":
            return max(number or 0, 0)
        if name in _CHARACTERS and not group.is_skipped:
            self._character(_CHARACTERS[name], token)
            return 0
        if group.is_starred:
            group.is_starred = False
            group.is_skipped = group.is_skipped or name not in _STARRED
        if handler := _WORDS.get(name):
            handler(self, number)
        if group.is_skipped or name in _SKIPPED:
            group.is_skipped = True
            group.part.out.append(token)
            return 0
        if name in HEADERS or name in _BEHIND or name == b"atnauthor":
            self._stand_beside(name)
            return 0
        if name != b"u":
            self._skip = 0
        self._keep(name, token, group)
        return 0

    def _keep(self, name: bytes, token: bytes, group: _Group) -> None:
        """Writes a control word that changes neither letters nor what is seen of them."""
        if name in _BREAKS:
            if self._is_unseen(group):
                self._hidden.append(" ")
            self._set_script("")
            group.part.text.append(" ")
            if group.part is self._body and self._front is None:
                self._front = len(self._body.out)
            if group.is_hidden and name in {b"par", b"line", b"tab"}:
                return
        if name not in _DROPPED:
            # A line break may end a control word, and line breaks are left out.
            group.part.out.append(token if token.endswith(b" ") else token + b" ")

    def _stand_beside(self, name: bytes) -> None:
        """Lets the open group, a header for example, be written apart from the text that it stands in."""
        group = self._groups[-1]
        if group.part.out and group.part.out[-1] == b"\\*":
            group.part.out.pop()
        part = RtfPart(name)
        self._beside.append(part)
        self._groups[-1] = _Group(part, part, codepage=group.codepage, fallback=group.fallback)

    def _set_codepage(self, number: int | None) -> None:
        try:
            self._default = codecs.lookup(f"cp{number}").name
        except LookupError:
            self._default = "cp1252"

    def _set_font(self, number: int | None) -> None:
        if self._in_fonts:
            self._font = number or 0
            return
        charset, name = self._fonts.get(number or 0, (1, ""))
        group = self._groups[-1]
        group.symbols = "" if charset != SYMBOLS else name if "dings" in name.casefold() else "symbol"
        group.codepage = CHARACTER_SETS.get(charset, "")

    def _set_charset(self, number: int | None) -> None:
        if self._in_fonts:
            self._fonts[self._font] = (number or 0, "")

    def _open_fonts(self, _: int | None) -> None:
        self._in_fonts = len(self._groups)

    def _plain(self, _: int | None) -> None:
        group = self._groups[-1]
        group.is_hidden = False
        group.codepage = group.symbols = group.script = ""
        group.size, group.colour = 24, 0
        group.highlight = group.background = 0

    def _set(self, name: str, value: object) -> None:
        setattr(self._groups[-1], name, value)

    def _read_both(self, _: int | None) -> None:
        """`\\upr` holds a text twice, the second time, in `\\ud`, in Unicode."""
        group = self._groups[-1]
        group.outer, group.part = group.part, RtfPart()

    def _read_unicode(self, _: int | None) -> None:
        self._groups[-1].part = self._groups[-1].outer

    def _open_instruction(self, _: int | None) -> None:
        self._numbers_pages = False

    def _open_result(self, _: int | None) -> None:
        """Leaves out the number of a page where it stands beside the text."""
        group = self._groups[-1]
        if self._numbers_pages and group.part is not self._body:
            group.part = RtfPart()

    def _unicode(self, number: int | None) -> None:
        group = self._groups[-1]
        if number is None or group.is_skipped:
            return
        code = number & 0xFFFF
        if 0xD800 <= code < 0xDC00:
            self._surrogate = code
        elif 0xDC00 <= code < 0xE000:
            if self._surrogate:
                self._write(chr(0x10000 + ((self._surrogate - 0xD800) << 10) + code - 0xDC00))
            self._surrogate = 0
        else:
            self._write(symbol(group.symbols, code) if group.symbols else chr(code))
        self._skip = group.fallback

    def _letter(self, code: int, token: bytes) -> None:
        if self._groups[-1].is_skipped:
            self._raw(token)
        elif self._skip:
            self._skip -= 1
        else:
            self._bytes.append(code)

    def _character(self, character: str, token: bytes) -> None:
        if self._groups[-1].is_skipped:
            self._raw(token)
        elif self._skip:
            self._skip -= 1
        else:
            self._write(character)

    def _run_of_text(self, token: bytes) -> None:
        group = self._groups[-1]
        if group.is_skipped:
            self._numbers_pages = self._numbers_pages or _PAGE_FIELD.match(token) is not None
            if self._in_fonts and self._font in self._fonts:
                self._fonts[self._font] = (self._fonts[self._font][0], token.decode("ascii", "replace").strip("; "))
            self._raw(token)
            return
        self._bytes += token[self._skip :]
        self._skip = max(self._skip - len(token), 0)

    def _raw(self, token: bytes) -> None:
        if self._groups[-1].is_skipped:
            self._groups[-1].part.out.append(token)

    def _flush(self) -> None:
        """Writes the collected bytes as Unicode."""
        if not self._bytes:
            return
        taken, self._bytes = bytes(self._bytes), bytearray()
        group = self._groups[-1]
        if group.symbols:
            self._write("".join(symbol(group.symbols, code) for code in taken))
        else:
            self._write(taken.decode(group.codepage or self._default, "replace"))

    def _write(self, text: str) -> None:
        group = self._groups[-1]
        text = without_marks(text)
        if self._is_unseen(group):
            self._hidden.append(text)
        elif text:
            if group.part is self._body and self._front is None:
                self._front = len(self._body.out)
            self._set_script(group.script)
            group.part.text.append(text)
            group.part.out.append(escaped(text))

    def _set_script(self, script: str) -> None:
        """Marks where raised or lowered text begins and ends."""
        part = self._groups[-1].part
        if script == self._script and part is self._script_part:
            return
        if self._script:
            self._script_part.out.append(escaped(SCRIPT_ENDS))
        if script:
            part.out.append(escaped(SCRIPT_BEGINS[script]))
        self._script, self._script_part = script, part

    def _is_unseen(self, group: _Group) -> bool:
        if group.is_hidden or group.size < _LEAST_SIZE:
            return True
        return self._shading.hides(group.colour, (group.highlight, group.background, group.paragraph_background))


_WORDS: dict[bytes, Callable[[_Writer, int | None], None]] = {
    b"ansicpg": _Writer._set_codepage,
    b"f": _Writer._set_font,
    b"fcharset": _Writer._set_charset,
    b"fonttbl": _Writer._open_fonts,
    b"plain": _Writer._plain,
    b"pard": lambda writer, _: writer._set("paragraph_background", 0),
    b"uc": lambda writer, number: writer._set("fallback", 1 if number is None else number),
    b"u": _Writer._unicode,
    b"v": lambda writer, number: writer._set("is_hidden", number != 0),
    b"deleted": lambda writer, number: writer._set("is_hidden", number != 0),
    b"mvf": lambda writer, number: writer._set("is_hidden", number != 0),
    b"fs": lambda writer, number: writer._set("size", 24 if number is None else number),
    b"cf": lambda writer, number: writer._set("colour", number or 0),
    b"highlight": lambda writer, number: writer._set("highlight", number or 0),
    b"cb": lambda writer, number: writer._set("background", number or 0),
    b"chcbpat": lambda writer, number: writer._set("background", number or 0),
    b"chshdng": lambda writer, number: writer._set("background", PATTERN) if number else None,
    b"cbpat": lambda writer, number: writer._set("paragraph_background", number or 0),
    b"shading": lambda writer, number: writer._set("paragraph_background", PATTERN) if number else None,
    b"super": lambda writer, number: writer._set("script", "" if number == 0 else "sup"),
    b"up": lambda writer, number: writer._set("script", "" if number == 0 else "sup"),
    b"sub": lambda writer, number: writer._set("script", "" if number == 0 else "sub"),
    b"dn": lambda writer, number: writer._set("script", "" if number == 0 else "sub"),
    b"nosupersub": lambda writer, _: writer._set("script", ""),
    b"trowd": lambda writer, _: writer._shading.begin_row(),
    b"row": lambda writer, _: writer._shading.end_row(),
    b"clcbpat": lambda writer, number: writer._shading.fill_cell(number or 0),
    b"clshdng": lambda writer, number: writer._shading.fill_cell(PATTERN) if number else None,
    b"cellx": lambda writer, _: writer._shading.define_cell(),
    b"cell": lambda writer, _: writer._shading.end_cell(),
    b"fldinst": _Writer._open_instruction,
    b"fldrslt": _Writer._open_result,
    b"upr": _Writer._read_both,
    b"ud": _Writer._read_unicode,
}
