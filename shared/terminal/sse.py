"""A decoder of server-sent events, by the rules of the HTML standard."""

import codecs

from msgspec import Struct


class ServerEvent(Struct, frozen=True):
    """One event; `last_id` is the `Last-Event-ID` that continues after it."""

    name: str
    data: str
    last_id: str


class Decoder:
    """Decodes chunks of bytes, cut anywhere, and returns the complete events.

    Lines end at CR, LF or CRLF only: a text may contain other line separators, which must not split it.
    """

    def __init__(self, last_id: str = "") -> None:
        self._text = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._name = ""
        self._data: list[str] = []
        self._last_id = last_id

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        lines = self._lines(self._text.decode(chunk))
        return [event for line in lines if (event := self._take(line)) is not None]

    def _lines(self, text: str) -> list[str]:
        buffer = self._rest + text
        # A CR at the very end may be the first half of CRLF: it waits for what follows.
        pending = "\r" if buffer.endswith("\r") else ""
        buffer = buffer.removesuffix(pending) if pending else buffer
        *whole, rest = buffer.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = rest + pending
        return whole

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            name, data = self._name or "message", self._data
            self._name, self._data = "", []
            return ServerEvent(name, "\n".join(data), self._last_id) if data else None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._last_id = value
        return None
