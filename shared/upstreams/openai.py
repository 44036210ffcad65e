"""Any server that speaks OpenAI's chat completions."""

from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from shared.types.model import FinishReason, Location, TokenCounts, Tools
from shared.upstreams.calling import LONGEST_VECTORS, Caller, Timeouts
from shared.upstreams.chat import sampling_options
from shared.upstreams.decoding import EMPTY_VALUES, UNREADABLE, count_of, decoded
from shared.upstreams.faults import failure
from shared.upstreams.ollama import checked_vectors
from shared.upstreams.port import Capabilities, ModelCall, ModelInfo, StreamEnd, TextDelta, UpstreamError, WireMessage
from shared.upstreams.tool_calls import ToolCallPart, ToolCallParts

_EMBED_S = 120.0
_PNG = b"\x89PNG"


class _Text(Struct):
    content: str | None = None
    tool_calls: list[ToolCallPart] | None = None
    reasoning_content: msgspec.Raw = msgspec.Raw()
    reasoning: msgspec.Raw = msgspec.Raw()

    @property
    def is_progress(self) -> bool:
        """What a model thinks is left out, but the model is at work."""
        thought = (bytes(self.reasoning_content), bytes(self.reasoning))
        return bool(self.content or self.tool_calls) or any(one not in EMPTY_VALUES for one in thought)


class _Choice(Struct):
    """`delta` in a stream, `message` where a server answered in one piece."""

    delta: _Text | None = None
    message: _Text | None = None
    finish_reason: str | None = None


class _Cached(Struct):
    cached_tokens: msgspec.Raw = msgspec.Raw()


class _Usage(Struct):
    prompt_tokens: msgspec.Raw = msgspec.Raw()
    completion_tokens: msgspec.Raw = msgspec.Raw()
    prompt_tokens_details: msgspec.Raw = msgspec.Raw()


class _Problem(Struct):
    message: str | None = None


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: _Problem | str | None = None


class _Model(Struct):
    id: str


class _Models(Struct):
    data: list[_Model] = field(default_factory=list)


class _Vector(Struct):
    embedding: list[float]
    index: int = 0


class _Vectors(Struct):
    data: list[_Vector] = field(default_factory=list)
    usage: msgspec.Raw = msgspec.Raw()


_decoder = msgspec.json.Decoder(_Chunk)
_Part = TypeVar("_Part", _Usage, _Cached)


class OpenAICompatible:
    """`base_url` ends before `/v1`. `location` is where its owner says that it is: a server in our own rooms is local,
    whatever it speaks."""

    def __init__(
        self,
        base_url: str,
        location: Location,
        *,
        api_key: str = "",
        capabilities: Capabilities = Capabilities(),  # noqa: B008 (frozen)
        timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
    ) -> None:
        connections = capabilities.concurrency + 2
        self._caller = Caller(base_url, timeouts, connections=connections, secret=api_key.strip())
        self._location = location
        self._capabilities = capabilities

    @property
    def location(self) -> Location:
        return self._location

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | StreamEnd]:
        """Close it (`contextlib.aclosing`) when leaving early, so that the server stops at once."""
        body = _body(call, enforces_schema=self._capabilities.enforces_schema)
        finish, counts, called = None, None, ToolCallParts()
        async with self._caller.call("POST", "/v1/chat/completions", body, call.timeout_s) as answer:
            while (line := await answer.line()) is not None:
                if (event := _event(line)) is None:
                    continue
                if event == b"[DONE]":
                    await answer.drain()
                    break
                chunk = _read(event)
                counts = _counts(chunk.usage) or counts
                for choice in (chunk.choices or [])[:1]:
                    finish = choice.finish_reason or finish
                    message = choice.delta or choice.message or _Text()
                    if message.is_progress:
                        answer.progressed()
                    for part in message.tool_calls or ():
                        called.add(part)
                    if message.content:
                        yield TextDelta(message.content)
        if finish is None:
            raise UpstreamError("broken", "the answer ended before it was done", may_have_run=True, counts=counts)
        yield StreamEnd(_finish(finish, called), counts, called.calls)

    async def models(self) -> list[ModelInfo]:
        answer: _Models = decoded(await self._caller.whole("GET", "/v1/models"), _Models)
        return [ModelInfo(model.id) for model in answer.data]

    async def embed(self, model: str, texts: list[str]) -> tuple[list[list[float]], TokenCounts]:
        if not texts:
            return [], TokenCounts()
        body = {"model": model, "input": texts, "encoding_format": "float"}
        answer: _Vectors = decoded(
            await self._caller.whole("POST", "/v1/embeddings", body, _EMBED_S, LONGEST_VECTORS), _Vectors
        )
        vectors = [one.embedding for one in sorted(answer.data, key=lambda one: one.index)]
        return checked_vectors(vectors, len(texts)), _counts(answer.usage) or TokenCounts()

    async def close(self) -> None:
        await self._caller.close()


def _body(call: ModelCall, *, enforces_schema: bool) -> dict[str, Any]:
    if call.max_output_tokens < 1:
        raise ValueError(f"max_output_tokens is {call.max_output_tokens}; a call needs at least 1")
    body: dict[str, Any] = {
        "model": call.model,
        "messages": [_message(message) for message in call.messages],
        "max_tokens": call.max_output_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= sampling_options(call.sampling)
    if call.schema is not None and enforces_schema:
        wanted = {"name": "answer", "schema": call.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    if call.tools:
        body |= _tools(call.tools)
    return body


def _tools(tools: Tools) -> dict[str, Any]:
    choice = {"type": "function", "function": {"name": tools.name}} if tools.name else tools.choice
    parallel = {} if tools.parallel is None else {"parallel_tool_calls": tools.parallel}
    return {"tools": tools.functions, "tool_choice": choice, **parallel}


def _finish(finish: str, called: ToolCallParts) -> FinishReason:
    if finish == "length":
        return "length"
    return "tool_calls" if called.calls else "stop"


def _message(message: WireMessage) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "content": message.text, "tool_call_id": message.tool_call_id}
    if message.tool_calls:
        calls = [
            {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
            for one in message.tool_calls
        ]
        return {"role": message.role, "content": message.text or None, "tool_calls": calls}
    if not message.pictures:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.text}]
    for picture in message.pictures:
        kind = "png" if picture.startswith(_PNG) else "jpeg"
        url = f"data:image/{kind};base64,{b64encode(picture).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": message.role, "content": parts}


def _event(line: bytes) -> bytes | None:
    """The data of a line; None for a comment, another field, or an event's name. A line of bare JSON is the answer of
    a server that does not stream."""
    line = line.strip()
    if line.startswith(b"data:"):
        return line[5:].strip() or None
    return line if line.startswith(b"{") else None


def _read(event: bytes) -> _Chunk:
    chunk: _Chunk = decoded(event, _decoder)
    if chunk.error is not None:
        detail = chunk.error if isinstance(chunk.error, str) else chunk.error.message
        raise failure(detail or "an error without a message")
    return chunk


def _counts(raw: msgspec.Raw) -> TokenCounts | None:
    """None where none came, or what came cannot be read; no prompt has no tokens, so that zeros are none as well."""
    usage = _part(raw, _Usage)
    prompt = count_of(usage.prompt_tokens)
    completion = count_of(usage.completion_tokens) if bytes(usage.completion_tokens) not in (b"", b"null") else 0
    if not prompt or completion is None:
        return None
    cached = count_of(_part(usage.prompt_tokens_details, _Cached).cached_tokens) or 0
    return TokenCounts(prompt, completion, min(cached, prompt))


def _part(raw: msgspec.Raw, kind: type[_Part]) -> _Part:
    """Empty where a server sends something else in its place."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE:
        return kind()
