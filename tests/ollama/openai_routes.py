"""The fake's OpenAI routes, as Ollama 0.24 answers them."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.ollama.exchange import Exchange
from tests.ollama.generating import Run, joined
from tests.ollama.models import Asked
from tests.ollama.native import Body, Handle, encoded, malformed
from tests.ollama.tokens import count, count_chat, truncated

if TYPE_CHECKING:
    from tests.ollama.server import FakeOllama

JSON = "application/json"

_TYPES = {400: "invalid_request_error", 404: "not_found_error"}


def error_body(status: int, text: str) -> bytes:
    inner = {"message": text, "type": _TYPES.get(status, "api_error"), "param": None, "code": None}
    return encoded({"error": inner})


async def models(fake: "FakeOllama", exchange: Exchange) -> None:
    items = [
        {"id": model.full_name, "object": "model", "created": 1795342806, "owned_by": "library"}
        for model in fake.models.values()
    ]
    await exchange.whole(200, JSON, encoded({"object": "list", "data": items}) + b"\n")


async def embeddings(fake: "FakeOllama", exchange: Exchange) -> None:
    body = Body.read(exchange.request.body)
    texts = [body["input"]] if isinstance(body.get("input"), str) else list(body.get("input") or [])
    model = fake.model(body.get("model", ""))
    data = [
        {"object": "embedding", "embedding": model.vector(text, body.get("dimensions")), "index": place}
        for place, text in enumerate(texts)
    ]
    read = sum(count(text) for text in texts)
    usage = {"prompt_tokens": read, "total_tokens": read}
    answer = {"object": "list", "data": data, "model": body["model"], "usage": usage}
    await exchange.whole(200, JSON, encoded(answer) + b"\n")


async def chat_completions(fake: "FakeOllama", exchange: Exchange) -> None:
    body = Body.read(exchange.request.body)
    if not body.get("messages"):
        raise malformed("[] is too short - 'messages'")
    model = fake.model(body.get("model", ""))
    native = Body(_native(body))
    messages = [(one["role"], one["content"]) for one in native["messages"]]
    pictures = tuple(picture for one in native["messages"] for picture in one["images"])
    messages = truncated(messages, fake.window(model, native))
    tools = tuple(native.get("tools") or ())
    asked = Asked(messages[-1][1], tuple(messages), native["format"], pictures, native.options, tools)
    await fake.generate(exchange, native, model, asked, count_chat(messages), ChunkShape(body))


def _native(body: Body) -> dict[str, Any]:
    options = {name: body[name] for name in ("temperature", "top_p", "seed", "stop") if name in body}
    options["num_predict"] = int(body.get("max_tokens") or body.get("max_completion_tokens") or 0)
    native = {"model": body["model"], "stream": bool(body.get("stream")), "options": options}
    native["messages"] = [_message(one) for one in body["messages"]]
    wanted = body.get("response_format") or {}
    schema = (wanted.get("json_schema") or {}).get("schema")
    native["format"] = schema or ("json" if wanted.get("type") == "json_object" else None)
    if body.get("reasoning_effort"):
        native["think"] = body["reasoning_effort"]
    if body.get("tools"):
        native["tools"] = body["tools"]
    return native


def _message(one: dict[str, Any]) -> dict[str, Any]:
    content = one.get("content") or ""
    if isinstance(content, str):
        return {"role": one["role"], "content": content, "images": []}
    urls = [part["image_url"]["url"] for part in content if part.get("type") == "image_url"]
    if any(not url.startswith("data:") for url in urls):
        raise malformed("image URLs are not currently supported, please use base64 encoded data instead")
    text = "".join(part.get("text", "") for part in content)
    return {"role": one["role"], "content": text, "images": [url.partition(",")[2] for url in urls]}


class ChunkShape:
    """How a run is told as chat completions."""

    stream_type = "text/event-stream"

    def __init__(self, body: Body) -> None:
        self._model = body["model"]
        self._usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._id = f"chatcmpl-{time.monotonic_ns() % 1000}"

    def piece(self, text: str, thinking: str) -> bytes:
        return self._event(self._chunk([self._delta(text, None)]))

    def last(self, run: Run, *, counted: bool = True) -> bytes:
        events = b"".join(self._event(self._chunk([one])) for one in self._fragments(run))
        events += self._event(self._chunk([self._delta("", "tool_calls" if run.calls else run.finish)]))
        if self._usage and counted:
            events += self._event(self._chunk([]) | {"usage": _usage(run)})
        return events + b"data: [DONE]\n\n"

    def _fragments(self, run: Run) -> Iterator[dict[str, Any]]:
        """A call's name comes first, its arguments in two pieces behind."""
        for index, (name, arguments) in enumerate(run.calls):
            text = json.dumps(arguments)
            first = {"index": index, "id": f"call_{index}", "type": "function"}
            yield self._calling([first | {"function": {"name": name, "arguments": ""}}])
            for piece in (text[:3], text[3:]):
                yield self._calling([{"index": index, "function": {"arguments": piece}}])

    def _calling(self, calls: list[dict[str, Any]]) -> dict[str, Any]:
        return {"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}

    def error(self, text: str) -> bytes:
        """A runner that died: an empty chunk of no model, and a clean end."""
        return self._event(self._chunk([self._delta("", None)]) | {"model": ""})

    def whole(self, run: Run, *, done: bool = True, counted: bool = True) -> tuple[str, bytes]:
        message = {"role": "assistant", "content": joined(run)}
        choice = {"index": 0, "message": message, "finish_reason": run.finish if done else None}
        known = run if done and counted else Run((), "stop", 0, 0)
        answer = self._chunk([choice]) | {"object": "chat.completion", "usage": _usage(known)}
        return JSON, encoded(answer) + b"\n"

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": self._model,
            "system_fingerprint": "fp_ollama",
            "choices": choices,
        }

    def _delta(self, text: str, finish: str | None) -> dict[str, Any]:
        return {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}

    def _event(self, value: dict[str, Any]) -> bytes:
        return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _usage(run: Run) -> dict[str, int]:
    return {"prompt_tokens": run.prompt, "completion_tokens": run.made, "total_tokens": run.prompt + run.made}


ROUTES: dict[str, tuple[str, Handle]] = {
    "/v1/models": ("GET", models),
    "/v1/embeddings": ("POST", embeddings),
    "/v1/chat/completions": ("POST", chat_completions),
}
