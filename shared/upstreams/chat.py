"""Ollama's own protocol: a chat as a request body, and the lines of its answer."""

from base64 import b64encode
from typing import Any

import msgspec
from msgspec import Struct

from shared.types.model import Sampling, TokenCounts, Tools
from shared.upstreams.decoding import EMPTY_VALUES, count_of, decoded
from shared.upstreams.faults import failure
from shared.upstreams.port import ModelCall, StreamEnd, TextDelta, WireMessage
from shared.upstreams.tool_calls import ToolCallPart


class _Message(Struct):
    content: str | None = None
    tool_calls: list[ToolCallPart] | None = None
    thinking: msgspec.Raw = msgspec.Raw()


class Thought(Struct, frozen=True):
    """What a model thinks is counted and left out; that it thinks shows that it is at work."""


class _Line(Struct):
    """A counter of zero is absent."""

    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    error: str | None = None
    prompt_eval_count: msgspec.Raw = msgspec.Raw()
    prompt_eval_cached_count: msgspec.Raw = msgspec.Raw()
    eval_count: msgspec.Raw = msgspec.Raw()


_decoder = msgspec.json.Decoder(_Line)


def chat_body(call: ModelCall, model: str, *, think: bool | None) -> dict[str, Any]:
    """`think` None leaves the setting out. A prompt that does not fit is refused by the server, never cut."""
    if call.max_output_tokens < 1:
        raise ValueError(f"max_output_tokens is {call.max_output_tokens}; a call needs at least 1")
    body: dict[str, Any] = {"model": model, "stream": True, "truncate": False, "shift": False}
    body["messages"] = [_message(message) for message in call.messages]
    body["options"] = {"num_predict": call.max_output_tokens} | sampling_options(call.sampling)
    if call.context_tokens is not None:
        body["options"]["num_ctx"] = call.context_tokens
    if call.schema is not None:
        body["format"] = call.schema
    if tools := _tools(call.tools):
        body["tools"] = tools
    if think is not None:
        body["think"] = think
    return body


def sampling_options(sampling: Sampling) -> dict[str, Any]:
    """Only what the caller set."""
    options = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return given | ({"stop": list(sampling.stop)} if sampling.stop else {})


def _message(message: WireMessage) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.pictures:
        written["images"] = [b64encode(picture).decode() for picture in message.pictures]
    if message.tool_calls:
        written["tool_calls"] = [
            {"id": one.id, "function": {"name": one.name, "arguments": msgspec.json.decode(one.arguments)}}
            for one in message.tool_calls
        ]
    if message.role == "tool":
        written |= {"tool_name": message.tool_name, "tool_call_id": message.tool_call_id}
    return written


def _tools(tools: Tools | None) -> list[dict[str, Any]]:
    """The functions that the model may choose from. Ollama knows no choice: one that has to be called goes alone."""
    if tools is None or tools.choice == "none":
        return []
    return [one for one in tools.functions if tools.name in ("", one["function"]["name"])]


def events_of(raw: bytes) -> list[TextDelta | ToolCallPart | Thought | StreamEnd]:
    """Of one line: text, calls of tools, and the end where the server says that it is done. Raises `UpstreamError`."""
    line: _Line = decoded(raw, _decoder)
    if line.error:
        raise failure(line.error)
    events: list[TextDelta | ToolCallPart | Thought | StreamEnd] = []
    if line.message and bytes(line.message.thinking) not in EMPTY_VALUES:
        events.append(Thought())
    if text := line.message and line.message.content:
        events.append(TextDelta(text))
    # Every call is whole, so that an index says nothing.
    events += [ToolCallPart(None, one.id, one.function) for one in (line.message and line.message.tool_calls) or ()]
    if line.done:
        events.append(StreamEnd("length" if line.done_reason == "length" else "stop", _counts(line)))
    return events


def _counts(line: _Line) -> TokenCounts | None:
    """None where none came: no prompt has no tokens, so that without its count nothing is known. A counter that cannot
    be read makes the others worthless."""
    if line.done_reason in ("load", "unload"):
        return TokenCounts()
    prompt = count_of(line.prompt_eval_count)
    completion = count_of(line.eval_count) if bytes(line.eval_count) else 0
    if not prompt or completion is None:
        return None
    return TokenCounts(prompt, completion, min(count_of(line.prompt_eval_cached_count) or 0, prompt))
