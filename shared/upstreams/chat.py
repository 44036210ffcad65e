"""Ollama's own protocol: a chat or a plain prompt as a body, and the lines that come back."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Struct

from shared.types.model import Sampling, TokenCounts
from shared.upstreams.calling import drained
from shared.upstreams.faults import failure
from shared.upstreams.port import ModelCall, StreamEnd, TextDelta, UpstreamError, WireMessage


class _Message(Struct):
    content: str | None = None


class _Line(Struct):
    """A counter of zero is absent."""

    message: _Message | None = None
    response: str | None = None
    done: bool = False
    done_reason: str = ""
    error: str | None = None
    prompt_eval_count: int = 0
    prompt_eval_cached_count: int = 0
    eval_count: int = 0


_decoder = msgspec.json.Decoder(_Line)


def chat_body(call: ModelCall, model: str, *, think: bool | None) -> dict[str, Any]:
    """`think` None says nothing of it. A prompt that does not fit is refused by the server, never cut."""
    return _body(call, model, think) | {"messages": [_message(said) for said in call.messages]}


def prompt_body(call: ModelCall, model: str, *, think: bool | None) -> dict[str, Any]:
    """The last message as a plain prompt, with the system messages before it."""
    system = "\n\n".join(said.text for said in call.messages[:-1] if said.role == "system")
    last = call.messages[-1]
    given = {"system": system, "images": _pictures(last)}
    return _body(call, model, think) | {"prompt": last.text} | {name: value for name, value in given.items() if value}


def _body(call: ModelCall, model: str, think: bool | None) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "stream": True, "truncate": False, "shift": False}
    body["options"] = {"num_predict": _least_one(call.max_output_tokens)} | _sampling(call.sampling)
    if call.context_tokens is not None:
        body["options"]["num_ctx"] = call.context_tokens
    if call.schema is not None:
        body["format"] = call.schema
    if think is not None:
        body["think"] = think
    return body


def _least_one(tokens: int) -> int:
    """Zero, and anything below, is without limit to a server."""
    if tokens < 1:
        raise ValueError(f"max_output_tokens is {tokens}; a call needs at least 1")
    return tokens


def _sampling(sampling: Sampling) -> dict[str, Any]:
    asked = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    return given | ({"stop": list(sampling.stop)} if sampling.stop else {})


def _message(said: WireMessage) -> dict[str, Any]:
    message: dict[str, Any] = {"role": said.role, "content": said.text}
    return message | ({"images": _pictures(said)} if said.pictures else {})


def _pictures(said: WireMessage) -> list[str]:
    return [b64encode(picture).decode() for picture in said.pictures]


async def told(lines: AsyncIterator[bytes]) -> AsyncIterator[TextDelta | StreamEnd]:
    """Pieces, then `StreamEnd` where the server said that it was done. What a model thinks is counted and not told."""
    async for raw in lines:
        line = _read(raw)
        if line.error:
            raise failure(line.error)
        text = (line.message.content if line.message else line.response) or ""
        if text:
            yield TextDelta(text)
        if line.done:
            await drained(lines)
            yield StreamEnd("length" if line.done_reason == "length" else "stop", _counts(line))
            return
    raise UpstreamError("broken", "the answer ended before it was done", may_have_run=True)


def _read(raw: bytes) -> _Line:
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamError("broken", "a line of the answer is no JSON", may_have_run=True) from error


def _counts(line: _Line) -> TokenCounts | None:
    """None where none came: no prompt has no tokens, so that without its count nothing is known."""
    if line.done_reason in ("load", "unload"):
        return TokenCounts()
    if line.prompt_eval_count < 1 or line.eval_count < 0 or line.prompt_eval_cached_count < 0:
        return None
    cached = min(line.prompt_eval_cached_count, line.prompt_eval_count)
    return TokenCounts(prompt=line.prompt_eval_count, completion=line.eval_count, cached=cached)
