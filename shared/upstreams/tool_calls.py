"""Puts together the tool calls of one answer, which come whole or as fragments."""

import secrets

import msgspec
from msgspec import Struct

from shared.types.model import ToolCall
from shared.upstreams.port import UpstreamError

_MOST_CALLS = 128
_LONGEST_ARGUMENTS = 1024 * 1024
"""Bytes of all arguments together."""


class FunctionPart(Struct):
    """`arguments` is a JSON text at OpenAI, an object at Ollama."""

    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()


class ToolCallPart(Struct):
    """A call, or a fragment of the one with that index."""

    index: int | None = None
    id: str | None = None
    function: FunctionPart | None = None


class ToolCallParts:
    """The calls so far."""

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []
        self._at: dict[int, int] = {}
        self._bytes = 0

    def add(self, part: ToolCallPart) -> None:
        """Raises `UpstreamError` for what cannot be read, and for calls without an end."""
        function = part.function or FunctionPart()
        arguments = _text(function.arguments)
        self._bytes += len(arguments.encode(errors="surrogatepass"))
        at = None if part.index is None else self._at.get(part.index)
        if at is None or (part.id and function.name and part.id != self._calls[at].id):
            if not function.name:
                raise UpstreamError("broken", "a tool call has no name", may_have_run=True)
            self._at[len(self._calls) if part.index is None else part.index] = len(self._calls)
            self._calls.append(ToolCall(part.id or f"call_{secrets.token_hex(12)}", function.name, arguments))
        else:
            before = self._calls[at]
            self._calls[at] = ToolCall(before.id, before.name, before.arguments + arguments)
        if len(self._calls) > _MOST_CALLS or self._bytes > _LONGEST_ARGUMENTS:
            raise UpstreamError("broken", "tool calls without an end", may_have_run=True)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(msgspec.structs.replace(call, arguments=call.arguments or "{}") for call in self._calls)


def _text(arguments: msgspec.Raw) -> str:
    """Arguments as JSON text, whether they came as a text or as an object."""
    raw = bytes(arguments).strip()
    if not raw or raw == b"null":
        return ""
    if not raw.startswith(b'"'):
        return raw.decode("utf-8", "replace")
    text: str = msgspec.json.decode(raw, type=str)
    return text
