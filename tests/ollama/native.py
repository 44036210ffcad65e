"""The fake's own routes that run a model, as Ollama 0.24 answers them."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.ollama.exchange import Exchange
from tests.ollama.generating import Run, joined
from tests.ollama.models import Asked, Model
from tests.ollama.tokens import count, count_chat, pieces, truncated

if TYPE_CHECKING:
    from tests.ollama.server import FakeOllama

JSON = "application/json; charset=utf-8"


class Refused(Exception):
    """An answer of one line. `late` is one that a real server finds only when it has begun to stream, `early` one that
    it finds before it knows which model is meant."""

    def __init__(self, status: int, text: str, *, late: bool = False, early: bool = False) -> None:
        super().__init__(text)
        self.early = early
        self.status = status
        self.text = text
        self.late = late


def malformed(text: str) -> Refused:
    return Refused(400, text, early=True)


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "789Z")


class Body(dict[str, Any]):
    """A request's JSON object."""

    @classmethod
    def read(cls, raw: bytes) -> "Body":
        if not raw:
            raise malformed("missing request body")
        try:
            found = json.loads(raw)
        except ValueError as error:
            raise malformed("unexpected EOF" if raw.strip()[:1] == b"{" else f"invalid character: {error}") from error
        if not isinstance(found.get("model", ""), str):
            raise malformed("json: cannot unmarshal number into Go struct field GenerateRequest.model of type string")
        return cls(found)

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.get("options") or {})

    @property
    def streams(self) -> bool:
        return self.get("stream", True) is not False


async def embed(fake: "FakeOllama", exchange: Exchange) -> None:
    body = Body.read(exchange.request.body)
    texts = body.get("input")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(400, "invalid input type")
    model = fake.model(body.get("model", ""), 'model "{}" not found, try pulling it first')
    window = min(int(body.options.get("num_ctx", 4096)), model.context_tokens)
    if body.get("truncate", True) is False and any(count(text) > window for text in texts):
        raise Refused(400, "the input length exceeds the context length")
    read = ["".join(pieces(text)[:window]) for text in texts]
    vectors = [model.vector(text, body.get("dimensions")) for text in read]
    answer: dict[str, Any] = {"model": body["model"], "embeddings": vectors}
    if texts:
        answer |= {"total_duration": 48172427, "load_duration": 28358595}
        answer |= _present({"prompt_eval_count": sum(count(text) for text in read)})
    await exchange.whole(200, JSON, encoded(answer))


async def chat(fake: "FakeOllama", exchange: Exchange) -> None:
    body = Body.read(exchange.request.body)
    if not body.get("model"):
        raise Refused(400, "model is required")
    model = fake.model(body["model"])
    messages = [(one["role"], one.get("content") or "") for one in body.get("messages") or []]
    if not messages:
        await _load(fake, exchange, body, model, {"message": {"role": "assistant", "content": ""}})
        return
    pictures = tuple(picture for one in body["messages"] for picture in one.get("images") or [])
    limit = fake.window(model, body)
    if body.get("truncate", True) is not False:
        messages = truncated(messages, limit)
    tools = tuple(body.get("tools") or ())
    asked = Asked(messages[-1][1], tuple(messages), body.get("format"), pictures, body.options, tools)
    await fake.generate(exchange, body, model, asked, count_chat(messages), _ChatShape(body))


async def generate(fake: "FakeOllama", exchange: Exchange) -> None:
    body = Body.read(exchange.request.body)
    if str(body.get("model", "")).startswith("!"):
        raise Refused(400, "invalid model name")
    model = fake.model(body.get("model", ""))
    prompt = body.get("prompt", "")
    if not prompt:
        await _load(fake, exchange, body, model, {"response": ""})
        return
    if body.get("suffix"):
        raise Refused(400, f"registry.ollama.ai/library/{model.full_name} does not support insert")
    messages = [(role, body[key]) for role, key in (("system", "system"), ("user", "prompt")) if body.get(key)]
    tokens = count(prompt) if body.get("raw") else count_chat(messages)
    limit = fake.window(model, body)
    if body.get("truncate", True) is not False:
        tokens = min(tokens, limit)
    asked = Asked(prompt, tuple(messages), body.get("format"), tuple(body.get("images") or ()), body.options)
    await fake.generate(exchange, body, model, asked, tokens, _GenerateShape(body))


async def _load(fake: "FakeOllama", exchange: Exchange, body: Body, model: Model, shape: dict[str, Any]) -> None:
    unloads = body.get("keep_alive") == 0
    if unloads:
        fake.loaded.pop(model.name, None)
    else:
        fake.load(model, fake.window(model, body))
    ending = {"done": True, "done_reason": "unload" if unloads else "load"}
    await exchange.whole(200, JSON, encoded({"model": body["model"], "created_at": now()} | shape | ending))


class NativeShape:
    """How a run is told on the native routes."""

    stream_type = "application/x-ndjson"

    def __init__(self, body: Body) -> None:
        self._body = body
        self._started = time.monotonic_ns()

    def inner(self, text: str, thinking: str) -> dict[str, Any]:
        raise NotImplementedError

    def piece(self, text: str, thinking: str) -> bytes:
        return encoded(self._line(text, thinking) | {"done": False}) + b"\n"

    def last(self, run: Run, *, counted: bool = True) -> bytes:
        called = encoded(self._called(run) | {"done": False}) + b"\n" if run.calls else b""
        return called + encoded(self._line("", "") | self._ending(run, counted)) + b"\n"

    def error(self, text: str) -> bytes:
        return encoded({"error": text}) + b"\n"

    def whole(self, run: Run, *, done: bool = True, counted: bool = True) -> tuple[str, bytes]:
        line = self._called(run) if run.calls else self._line(joined(run), joined(run, thinking=True))
        return JSON, encoded(line | (self._ending(run, counted) if done else {"done": False}))

    def _called(self, run: Run) -> dict[str, Any]:
        calls = [{"function": {"name": name, "arguments": given}} for name, given in run.calls]
        line = self._line("", "")
        line["message"]["tool_calls"] = calls
        return line

    def _line(self, text: str, thinking: str) -> dict[str, Any]:
        return {"model": self._body["model"], "created_at": now()} | self.inner(text, thinking)

    def _ending(self, run: Run, counted: bool) -> dict[str, Any]:
        took = max(3, time.monotonic_ns() - self._started)
        ending = {"done": True, "done_reason": run.finish} | self.context(run)
        ending |= {"total_duration": took, "load_duration": took // 3}
        counts = {
            "prompt_eval_count": run.prompt,
            "prompt_eval_cached_count": run.cached,
            "prompt_eval_duration": took // 3,
            "eval_count": run.made,
            "eval_duration": took // 3 if run.made > 1 else 0,
        }
        return ending | (_present(counts) if counted else {})

    def context(self, run: Run) -> dict[str, Any]:
        return {}


class _ChatShape(NativeShape):
    def inner(self, text: str, thinking: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text} | _present({"thinking": thinking})}


class _GenerateShape(NativeShape):
    def inner(self, text: str, thinking: str) -> dict[str, Any]:
        return {"response": text} | _present({"thinking": thinking})

    def context(self, run: Run) -> dict[str, Any]:
        return {} if self._body.get("raw") else {"context": list(range(run.prompt + len(run.tokens)))}


def _present(values: dict[str, Any]) -> dict[str, Any]:
    """A zero and an empty text are not sent."""
    return {name: value for name, value in values.items() if value}


Handle = Callable[["FakeOllama", Exchange], Awaitable[None]]

ROUTES: dict[str, tuple[str, Handle]] = {
    "/api/embed": ("POST", embed),
    "/api/chat": ("POST", chat),
    "/api/generate": ("POST", generate),
}
