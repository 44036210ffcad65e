"""Ollama: on this machine or in this cluster, never a model that it would send elsewhere."""

import time
from collections.abc import AsyncGenerator
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct, field

from shared.types.model import Location, TokenCounts
from shared.upstreams.calling import LONGEST_VECTORS, Caller, Timeouts
from shared.upstreams.chat import Thought, chat_body, events_of
from shared.upstreams.decoding import UNREADABLE, count_of, decoded
from shared.upstreams.port import Capabilities, ModelCall, ModelInfo, StreamEnd, TextDelta, UpstreamError
from shared.upstreams.tool_calls import ToolCallPart, ToolCallParts

_EMBED_S = 120.0


class _Details(Struct):
    context_length: int | None = None


class _Listed(Struct):
    name: str
    size: int = 0
    remote_host: str | None = None
    remote_model: str | None = None
    capabilities: list[str] | None = None
    details: _Details | None = None


class _Tags(Struct):
    models: list[_Listed] | None = None


class _ModelPage(Struct):
    capabilities: list[str] | None = None
    model_info: dict[str, Any] | None = None
    remote_host: str | None = None
    remote_model: str | None = None


class _Embedded(Struct):
    embeddings: list[list[float]] = field(default_factory=list)
    prompt_eval_count: msgspec.Raw = msgspec.Raw()


class OllamaServer:
    """What this machine's Ollama and the cloud have in common."""

    _page_ttl_s = 60.0
    """How long a model's page is used before it is read again."""

    def __init__(self, caller: Caller, location: Location, capabilities: Capabilities) -> None:
        self._caller = caller
        self._location = location
        self._capabilities = capabilities
        self._pages: dict[str, tuple[float, _ModelPage]] = {}

    @property
    def location(self) -> Location:
        return self._location

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | StreamEnd]:
        """Close it (`contextlib.aclosing`) when leaving early, so that the server stops at once."""
        body = chat_body(call, self._named(call.model), think=await self._thinks(call))
        called = ToolCallParts()
        async with self._caller.call("POST", "/api/chat", body, call.timeout_s) as answer:
            while (line := await answer.line()) is not None:
                for event in events_of(line):
                    answer.progressed()
                    if isinstance(event, StreamEnd):
                        await answer.drain()
                        finish = "tool_calls" if called.calls and event.finish == "stop" else event.finish
                        yield StreamEnd(finish, event.counts, called.calls)
                        return
                    if isinstance(event, ToolCallPart):
                        called.add(event)
                    elif not isinstance(event, Thought):
                        yield event
        raise UpstreamError("broken", "the answer ended before it was done", may_have_run=True)

    async def models(self) -> list[ModelInfo]:
        tags: _Tags = decoded(await self._caller.whole("GET", "/api/tags"), _Tags)
        infos = [await self._info(listed) for listed in tags.models or [] if self._may_run(listed)]
        return [info for info in infos if info is not None]

    async def close(self) -> None:
        await self._caller.close()

    def _named(self, model: str) -> str:
        """A model's name as the server knows it. Raises `UpstreamError` where this upstream must not run it."""
        return model

    def _may_run(self, model: _Listed | _ModelPage) -> bool:
        return True

    async def _info(self, listed: _Listed) -> ModelInfo | None:
        """From the list where it says it all, as newer servers' does, else from the model's own page. None for one
        that is not ours to run, or not there any more."""
        context = (listed.details and listed.details.context_length) or 0
        capabilities = listed.capabilities
        if capabilities is None or not context:
            try:
                page = await self._model_page(listed.name)
            except UpstreamError as error:
                if error.fault == "model_not_found":
                    return None
                raise
            capabilities = capabilities or page.capabilities
            sizes = [value for name, value in (page.model_info or {}).items() if name.endswith(".context_length")]
            context = context or next((size for size in sizes if isinstance(size, int)), 0)
        return ModelInfo(listed.name, listed.size, context, tuple(capabilities or ()))

    async def _thinks(self, call: ModelCall) -> bool | None:
        """A model that can think does so unless `think` is false; one that cannot refuses the setting. One that
        cannot see would silently leave pictures out, one that cannot call tools the tools."""
        page = await self._model_page(self._named(call.model))
        if any(message.pictures for message in call.messages) and "vision" not in (page.capabilities or ("vision",)):
            raise UpstreamError("bad_request", f"{call.model} does not see pictures", may_have_run=False)
        if call.tools and call.tools.choice != "none" and "tools" not in (page.capabilities or ("tools",)):
            raise UpstreamError("bad_request", f"{call.model} does not call tools", may_have_run=False)
        return call.thinking if "thinking" in (page.capabilities or ()) else None

    async def _model_page(self, model: str) -> _ModelPage:
        """Cached. A server without this page knows nothing of its models' capabilities. Whatever fails here, no model
        has run."""
        at, page = self._pages.get(model, (float("-inf"), _ModelPage()))
        if time.monotonic() - at < self._page_ttl_s:
            return page
        try:
            answer = await self._caller.whole("POST", "/api/show", {"model": model})
        except UpstreamError as error:
            if error.fault not in ("model_not_found", "bad_request") or "model" in error.detail:
                error.may_have_run = False
                raise
            answer = b""
        page = _decoded_page(answer)
        if not self._may_run(page):
            raise _elsewhere(model)
        self._pages[model] = time.monotonic(), page
        return page


class OllamaClient(OllamaServer):
    """The local server. It refuses the names, and the aliases, of models that run in the cloud: an Ollama that is
    signed in would pass the prompt on."""

    def __init__(
        self,
        base_url: str,
        *,
        concurrency: int = 1,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
    ) -> None:
        caller = Caller(base_url, timeouts, connections=concurrency + 2)
        super().__init__(caller, "local", Capabilities(enforces_schema=True, concurrency=concurrency))

    async def embed(self, model: str, texts: list[str]) -> tuple[list[list[float]], TokenCounts]:
        """A text longer than the model reads is read up to there, as by any model of meaning."""
        if not texts:
            return [], TokenCounts()
        body = {"model": self._named(model), "input": texts}
        await self._model_page(model)
        answer: _Embedded = decoded(
            await self._caller.whole("POST", "/api/embed", body, _EMBED_S, LONGEST_VECTORS), _Embedded
        )
        return checked_vectors(answer.embeddings, len(texts)), TokenCounts(
            prompt=count_of(answer.prompt_eval_count) or 0
        )

    def _named(self, model: str) -> str:
        if is_cloud_name(model):
            raise _elsewhere(model)
        return model

    def _may_run(self, model: _Listed | _ModelPage) -> bool:
        name = model.name if isinstance(model, _Listed) else ""
        return not (model.remote_host or model.remote_model or is_cloud_name(name))


def is_cloud_name(model: str) -> bool:
    """Whether an Ollama sends what it is given for this name to the cloud."""
    tag = model.strip().lower().rpartition("/")[2].partition(":")[2]
    return tag == "cloud" or tag.endswith(("-cloud", ":cloud"))


def checked_vectors(vectors: list[list[float]], wanted: int) -> list[list[float]]:
    """Raises `UpstreamError` unless there is a vector a text, all of one width, all of numbers."""
    widths = {len(vector) for vector in vectors}
    if len(vectors) != wanted or len(widths) != 1 or widths == {0}:
        detail = f"{len(vectors)} vectors of widths {sorted(widths)[:4]} came for {wanted} texts"
        raise UpstreamError("broken", detail, may_have_run=True)
    if not all(isfinite(value) for vector in vectors for value in vector):
        raise UpstreamError("broken", "a vector holds what is no number", may_have_run=True)
    return vectors


def _decoded_page(answer: bytes) -> _ModelPage:
    """Empty where a server that is no Ollama answered something else."""
    try:
        return msgspec.json.decode(answer, type=_ModelPage)
    except UNREADABLE:
        return _ModelPage()


def _elsewhere(model: str) -> UpstreamError:
    detail = f"{model} runs in the cloud and is never asked for here: name a model of this machine"
    return UpstreamError("model_not_found", detail, may_have_run=False)
