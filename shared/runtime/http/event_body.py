"""Parses the JSON of a submitted document's event while it arrives: the document in it goes to disk, so that the rest
of the event, which is decoded, is short."""

import base64
import binascii
import re
from collections.abc import Callable
from pathlib import Path

from shared.intake.spool import SpoolWriter
from shared.types.errors import InvalidRequest, TooLarge
from shared.types.http import SpooledFile

LARGEST_EVENT = 1 << 20
"""Bytes of an event without the document in it."""

_CONTENT, _DATA = b"content_base64", b"data_base64"
_KEY = re.compile(rb'(?<!\\)"(content_base64|data_base64)"[ \t\r\n]{0,64}+:[ \t\r\n]{0,64}+"')
_LONGEST_KEY = 200
_ESCAPE = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|(/))")
_LONGEST_ESCAPE = 6

Write = Callable[[bytes], None]


class EventBody:
    """The body of one event. `json` is what it holds beside the document, in whose place is an empty text."""

    def __init__(self, folder: Path | None, largest: int) -> None:
        """`largest` is the most bytes that a document may have."""
        self._folder, self._largest = folder, largest
        self._content: SpoolWriter | None = None
        self._outer = _Json({_CONTENT: self._begin_content, _DATA: self._begin_data})

    @property
    def json(self) -> bytes:
        return bytes(self._outer.rest)

    def take(self, chunk: bytes) -> None:
        """Raises `TooLarge` and `InvalidRequest`. It blocks: it is called in a thread."""
        self._outer.write(chunk)

    def content(self) -> SpooledFile | None:
        """The document, once the whole body was taken."""
        return self._content.finish() if self._content else None

    def discard(self) -> None:
        if self._content:
            self._content.discard()

    def _begin_content(self) -> tuple[Write, Callable[[], bytes]]:
        if self._content:
            raise InvalidRequest.at("/data/content_base64", "`content_base64` is given twice")
        self._content = SpoolWriter(self._folder, self._largest)
        return self._content.write, bytes

    def _begin_data(self) -> tuple[Write, Callable[[], bytes]]:
        """The event's data in base64 is JSON of the same kind; without its document it is put back."""
        inner = _Json({_CONTENT: self._begin_content})
        return inner.write, lambda: base64.b64encode(inner.rest)


class _Json:
    """JSON that arrives in pieces. `rest` is all but the texts of some keys, which are decoded from base64 and written
    elsewhere. Each key has a function that gives a writer, and what stands in the text's place at the end."""

    def __init__(self, keys: dict[bytes, Callable[[], tuple[Write, Callable[[], bytes]]]]) -> None:
        self.rest = bytearray()
        self._keys = keys
        self._searched = 0
        self._text: _Base64 | None = None
        self._replacement: Callable[[], bytes] = bytes

    def write(self, piece: bytes) -> None:
        while piece:
            piece = self._in_text(self._text, piece) if self._text else self._beside(piece)

    def _beside(self, piece: bytes) -> bytes:
        """Takes the piece up to the first text of one of the keys, and returns what follows."""
        start = max(self._searched, len(self.rest) - _LONGEST_KEY)
        self.rest += piece
        found = _KEY.search(self.rest, start)
        while found and bytes(found[1]) not in self._keys:
            found = _KEY.search(self.rest, found.end() - 1)
        following = b""
        if found:
            name, self._searched = bytes(found[1]), found.end()
            following = bytes(self.rest[self._searched :])
            self.rest = self.rest[: self._searched]  # the match still holds the other one
            write, self._replacement = self._keys[name]()
            self._text = _Base64(name.decode(), write)
        if len(self.rest) > LARGEST_EVENT:
            raise TooLarge(f"The event is longer than {LARGEST_EVENT} bytes without the document in it.")
        return following

    def _in_text(self, text: "_Base64", piece: bytes) -> bytes:
        end = piece.find(b'"')
        if end < 0:
            text.write(piece)
            return b""
        text.write(piece[:end])
        text.close()
        self._text = None
        self.rest += self._replacement()
        self._searched = len(self.rest)
        return piece[end:]


class _Base64:
    """A JSON text in base64 that arrives in pieces and is written decoded."""

    def __init__(self, name: str, write: Write) -> None:
        self._name, self._write = name, write
        self._waiting = b""
        self._is_padded = False

    def write(self, piece: bytes) -> None:
        text = self._waiting + piece
        escape = text.rfind(b"\\", -_LONGEST_ESCAPE + 1)
        whole = len(text) if escape < 0 else escape
        plain = _ESCAPE.sub(_unescaped, text[:whole])
        end = len(plain) // 4 * 4
        self._waiting = plain[end:] + text[whole:]
        self._decode(plain[:end])

    def close(self) -> None:
        self._decode(_ESCAPE.sub(_unescaped, self._waiting))

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        try:
            decoded = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise self._malformed() from None
        if self._is_padded:
            raise self._malformed()
        self._is_padded = text.endswith(b"=")
        self._write(decoded)

    def _malformed(self) -> InvalidRequest:
        pointer = f"/{self._name}" if self._name == _DATA.decode() else f"/data/{self._name}"
        return InvalidRequest.at(pointer, f"`{self._name}` is not base64")


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escape[1].decode()) if escape[1] else b"/"
