"""Word's binary documents without the letters that nobody sees, which their reader knows nothing of."""

import struct
from bisect import bisect_left
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import NamedTuple

from shared.parsing.legacy.word_properties import hidden_styles, is_unseen, paragraph_styles, runs, style_at

_FIRST_VERSION = 0x00C1
_TABLE_FLAG, _COMPRESSED = 0x0200, 0x40000000
_STYLES, _LETTERS, _PARAGRAPHS, _PIECES = 1, 12, 13, 33
"""Places of what is looked for in the list at the head of the document."""

_LEAST_LETTER = 0x20
"""What is less ends a paragraph, a cell or a field and stays."""


class VisibleDocument(NamedTuple):
    content: bytes
    hidden_words: int


class _Piece(NamedTuple):
    """Text in the stream: its first byte, the byte after its last, the bytes of each letter."""

    start: int
    end: int
    width: int


def without_hidden(content: bytes) -> VisibleDocument:
    """The same document with spaces instead of hidden letters; itself where it has none or cannot be taken apart."""
    import olefile

    try:
        with olefile.OleFileIO(file := BytesIO(content)) as document:
            stream = document.openstream("WordDocument").read()
            version, flags = struct.unpack_from("<2xH6xH", stream)
            name = "1Table" if flags & _TABLE_FLAG else "0Table"
            if version < _FIRST_VERSION or not document.exists(name):
                return VisibleDocument(content, 0)
            written, words = _rewritten(stream, document.openstream(name).read())
            if not words:
                return VisibleDocument(content, 0)
            document.write_stream("WordDocument", written)
            return VisibleDocument(file.getvalue(), words)
    except (OSError, ValueError, struct.error, IndexError, TypeError, AttributeError):
        return VisibleDocument(content, 0)


def _rewritten(stream: bytes, table: bytes) -> tuple[bytes, int]:
    def part(number: int) -> bytes:
        begin, length = struct.unpack_from("<II", stream, 154 + 8 * number)
        return table[begin : begin + length]

    hidden, styles = hidden_styles(part(_STYLES)), paragraph_styles(stream, part(_PARAGRAPHS))
    pieces = sorted(_pieces(part(_PIECES)))
    written, texts = bytearray(stream), list[str]()
    last = -1
    for run in runs(stream, part(_LETTERS)):
        if not is_unseen(run.properties, style_at(run.start, styles), hidden):
            continue
        texts += [" "] if run.start != last else []
        last = run.end
        first = max(bisect_left(pieces, (run.start,)) - 1, 0)
        for piece in islice(pieces, first, None):
            start, end = max(run.start, piece.start), min(run.end, piece.end)
            if piece.start >= run.end:
                break
            if start < end:
                texts.append(_blanked(written, start, end, piece.width))
    return bytes(written), len("".join(texts).split())


def _blanked(stream: bytearray, start: int, end: int, width: int) -> str:
    """Writes spaces over letters; returns these."""
    text = stream[start:end].decode("cp1252" if width == 1 else "utf-16-le", "replace")
    space = b" " if width == 1 else b" \0"
    for place in range(start, end - width + 1, width):
        if int.from_bytes(stream[place : place + width], "little") >= _LEAST_LETTER:
            stream[place : place + width] = space
    return "".join(letter if ord(letter) >= _LEAST_LETTER else " " for letter in text)


def _pieces(table: bytes) -> Iterator[_Piece]:
    """Yields the pieces of the text, which follow the properties of those that were written in a hurry."""
    place = 0
    while place < len(table) and table[place] == 1:
        place += 3 + int.from_bytes(table[place + 1 : place + 3], "little")
    if table[place : place + 1] != b"\x02":
        return
    length = int.from_bytes(table[place + 1 : place + 5], "little")
    pieces = table[place + 5 : place + 5 + length]
    count = max((length - 4) // 12, 0)
    letters = struct.unpack_from(f"<{count + 1}I", pieces)
    for number in range(count):
        (begin,) = struct.unpack_from("<I", pieces, 4 * (count + 1) + 8 * number + 2)
        size = letters[number + 1] - letters[number]
        if begin & _COMPRESSED:
            begin = (begin & ~_COMPRESSED) // 2
            yield _Piece(begin, begin + size, 1)
        else:
            yield _Piece(begin, begin + 2 * size, 2)
