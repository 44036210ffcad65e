"""The records of Excel's workbooks of 1997 to 2003 (BIFF8), and the strings in them."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

CONTINUE = 0x003C
_HEAD = struct.Struct("<HH")
_ADDRESS = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")
"""The class of addresses in a link, before the length and the address itself."""

_TEXT = 0x17
_MAKES_LINK = re.compile(rb"[\x22\x42\x62].\x67\x01", re.DOTALL)
"""The call of HYPERLINK in a formula, with the number of its arguments."""

_WIDE, _EAST_ASIAN, _RICH = 1, 4, 8


class WorkbookRecord(NamedTuple):
    """`blocks` are the record's own bytes and those of the records that continue it."""

    kind: int
    blocks: list[bytes]

    @property
    def content(self) -> bytes:
        return self.blocks[0]


def records(stream: bytes, place: int) -> Iterator[WorkbookRecord]:
    """Yields each record from a place on."""
    held: WorkbookRecord | None = None
    while place + _HEAD.size <= len(stream):
        kind, length = _HEAD.unpack_from(stream, place)
        content = stream[place + _HEAD.size : place + _HEAD.size + length]
        place += _HEAD.size + length
        if kind == CONTINUE and held:
            held.blocks.append(content)
            continue
        if held:
            yield held
        held = WorkbookRecord(kind, [content])
    if held:
        yield held


def text_at(content: bytes, place: int, *, length_bytes: int = 2) -> str:
    """The string at a place of a record that is not continued."""
    length = int.from_bytes(content[place : place + length_bytes], "little")
    flags, begin = content[place + length_bytes], place + length_bytes + 1
    if flags & _WIDE:
        return content[begin : begin + 2 * length].decode("utf-16-le", "replace")
    return content[begin : begin + length].decode("latin-1")


class SharedString(NamedTuple):
    """`runs` are the places of letters from which on another font holds, and the numbers of these fonts."""

    text: str
    runs: tuple[tuple[int, int], ...] = ()


def shared_strings(record: WorkbookRecord) -> list[SharedString]:
    """The table of strings. One that goes on in the next block says there anew how wide its letters are."""
    reader = _Blocks(record.blocks)
    (count,) = struct.unpack("<I", reader.take(8)[4:])
    return [reader.text() for _ in range(count) if not reader.is_at_end()]


class _Blocks:
    def __init__(self, blocks: list[bytes]) -> None:
        self._blocks = blocks
        self._number = 0
        self._place = 0

    def is_at_end(self) -> bool:
        while self._number < len(self._blocks) and self._place >= len(self._blocks[self._number]):
            self._number, self._place = self._number + 1, 0
        return self._number >= len(self._blocks)

    def take(self, length: int) -> bytes:
        taken = b""
        while len(taken) < length and not self.is_at_end():
            piece = self._blocks[self._number][self._place : self._place + length - len(taken)]
            self._place += len(piece)
            taken += piece
        return taken

    def text(self) -> SharedString:
        length, flags = struct.unpack("<HB", self.take(3))
        runs = struct.unpack("<H", self.take(2))[0] if flags & _RICH else 0
        phonetic = struct.unpack("<I", self.take(4))[0] if flags & _EAST_ASIAN else 0
        text = ""
        while len(text) < length:
            if self._place >= len(self._blocks[self._number]):
                if self.is_at_end():
                    break
                flags = self.take(1)[0]
            width = 2 if flags & _WIDE else 1
            left = (len(self._blocks[self._number]) - self._place) // width
            piece = self.take(min(length - len(text), max(left, 1)) * width)
            text += piece.decode("utf-16-le" if width == 2 else "latin-1", "replace")
        fonts = self.take(4 * runs)
        self.take(phonetic)
        return SharedString(text, tuple(struct.iter_unpack("<HH", fonts[: len(fonts) // 4 * 4])))


def linked_cell(content: bytes) -> tuple[int, int, str] | None:
    """The row and the column of the first cell of a link, and its address; None for one inside of the workbook."""
    row, _, column = struct.unpack_from("<HHH", content)
    place = content.find(_ADDRESS)
    if place < 0:
        return None
    begin = place + len(_ADDRESS) + 4
    length = int.from_bytes(content[begin - 4 : begin], "little")
    return row, column, content[begin : begin + length].decode("utf-16-le", "replace").partition("\0")[0]


def formula_address(content: bytes) -> str:
    """The address in a formula that makes a link of a text; empty for any other formula."""
    code = content[22:]
    if len(code) < 3 or code[0] != _TEXT or not _MAKES_LINK.search(code):
        return ""
    return text_at(code, 1, length_bytes=1)
