"""The servers of models that this installation may use, each behind its circuit and its slots."""

import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import cached_property
from statistics import median

from msgspec import Struct

from shared.proxy.config.owners import declared_servers
from shared.proxy.config.proxy_config import OllamaCloudConfig, OpenAIServer, ProxyConfig
from shared.proxy.routing.shared_slots import SharedSlots
from shared.redis.client import RedisClient
from shared.telemetry.logs import log
from shared.telemetry.metrics import count_model_call
from shared.types.model import OLLAMA, OLLAMA_CLOUD, Location, TaskKind
from shared.upstreams.circuit import ServerCircuits
from shared.upstreams.permit import CloudPermit, NotPermitted, check_permit
from shared.upstreams.port import (
    Capabilities,
    Fault,
    ModelCall,
    ModelInfo,
    StreamEnd,
    TextDelta,
    Upstream,
    UpstreamError,
)
from shared.upstreams.slots import Slots

_LOOKED_FOR_S = 60.0
_AWAY_FOR_S = 10.0
_AWAY: frozenset[Fault] = frozenset({"refused", "timeout"})
_REMEMBERED_CALLS = 50
_FEW = 5
"""Calls from which on their median says something."""
_REPETITION = 30
"""After so many equal pieces in a row a server breaks an answer off, and does not say so."""


class ModelServer:
    """One upstream. Its models are looked up at most once a minute, every ten seconds while it is away. `known` are
    models that are not looked up; `waits` says whether a call waits where it is asked too often. `shared_slots` bound
    the calls of all processes together."""

    def __init__(
        self,
        name: str,
        upstream: Upstream,
        *,
        timeout_s: float,
        queue_s: float,
        known: tuple[str, ...] = (),
        waits: bool = True,
        shared_slots: SharedSlots | None = None,
    ) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self.queue_s = queue_s
        self.waits = waits
        self._upstream = upstream
        self.known = known
        self._slots = Slots(upstream.capabilities.concurrency)
        self._shared_slots = shared_slots
        self.circuits = ServerCircuits()
        self._looked = _Look(float("-inf"), {}, is_there=False)
        self._last_listed: frozenset[str] = frozenset()
        self._took: deque[float] = deque(maxlen=_REMEMBERED_CALLS)

    @property
    def location(self) -> Location:
        return self._upstream.location

    @property
    def enforces_schema(self) -> bool:
        return self._upstream.capabilities.enforces_schema

    @property
    def latency_ms(self) -> int | None:
        """The median of late, until the first piece."""
        return round(median(self._took) * 1000) if len(self._took) >= _FEW else None

    @asynccontextmanager
    async def slot(self, tenant_id: str) -> AsyncIterator[None]:
        """One of this process, in which tenants take turns, and one of the account where its calls are counted over all
        processes. Raises `UpstreamError` where none came free in `queue_s`."""
        until = time.monotonic() + self.queue_s
        async with self._slots.hold(tenant_id, self.queue_s):
            if self._shared_slots is None:
                yield
                return
            async with self._shared_slots.hold(max(0.0, until - time.monotonic())):
                yield

    async def models(self) -> dict[str, ModelInfo]:
        """By name; none while the server is away."""
        if time.monotonic() >= self._looked.until:
            self._looked = await self._look()
        return self._looked.models

    async def _look(self) -> "_Look":
        try:
            listed = await self._upstream.models()
        except UpstreamError as error:
            return _Look(time.monotonic() + _AWAY_FOR_S, {}, is_there=error.fault not in _AWAY)
        self._last_listed = frozenset(info.name for info in listed)
        return _Look(time.monotonic() + _LOOKED_FOR_S, {info.name: info for info in listed}, is_there=True)

    async def names(self) -> list[str]:
        """Names the models that answer, not those that only make vectors. A server that states no capabilities has
        only such models."""
        listed = {} if self.known else await self.models()
        answering = [
            name for name, info in listed.items() if not info.capabilities or "completion" in info.capabilities
        ]
        return [*self.known, *answering]

    async def find(self, model: str) -> ModelInfo | None:
        """A name without a tag means `latest`, as Ollama has it."""
        if model in self.known:
            return ModelInfo(model)
        found = await self.models() if not self.known else {}
        return found.get(model) or found.get(f"{model}:latest")

    async def may_have(self, model: str) -> ModelInfo | None:
        """Also what it does not list, where it is there at all, until it has said that it does not have it."""
        if found := await self.find(model):
            return found
        return ModelInfo(model) if self._looked.is_there and not self.is_missing(model) else None

    async def has(self, model: str) -> bool:
        """Whether it lists the model, or listed it when it last answered: while it is away, its models are still its
        own."""
        return await self.find(model) is not None or bool({model, f"{model}:latest"} & self._last_listed)

    def is_missing(self, model: str) -> bool:
        """Whether the server said lately that it does not have the model."""
        circuit = self.circuits.model(model)
        return not circuit.closed and circuit.state.reason == "model_not_found"

    async def stream(self, call: ModelCall, permit: CloudPermit | None = None) -> AsyncGenerator[TextDelta | StreamEnd]:
        """The one place from where a prompt leaves. Raises `NotPermitted` where a call to the cloud lacks what it
        needs, and `UpstreamError`, at once while a circuit is open."""
        try:
            check_permit(call, self.location, permit)
        except NotPermitted as error:
            log().error(f"a call of {call.model} at {self.name} was stopped before it left: {error}")
            raise
        if not self.circuits.admit(call.model):
            wait = round(self.circuits.retry_after(call.model))
            raise UpstreamError("overloaded", "left alone for a while", may_have_run=False, retry_after=wait)
        started_at, outcome, received = time.monotonic(), "abandoned", _Received()
        try:
            async with aclosing(self._upstream.stream(call)) as pieces:
                async for piece in pieces:
                    if not received.pieces:
                        self._took.append(time.monotonic() - started_at)
                    if isinstance(piece, StreamEnd):
                        self.circuits.succeeded(call.model)
                        outcome = "done"
                    else:
                        received.count(piece.text)
                    yield piece
        except UpstreamError as error:
            outcome = error.fault
            lasted_s = time.monotonic() - started_at
            if received.explains(error.fault, has_used_its_time=lasted_s >= call.timeout_s):
                self.circuits.abandoned(call.model)
            else:
                self.circuits.failed(call.model, error.fault, error.retry_after)
            raise
        finally:
            if outcome == "abandoned":
                self.circuits.abandoned(call.model)
            count_model_call(self.location, call.model, outcome, time.monotonic() - started_at)

    async def close(self) -> None:
        if self._shared_slots:
            await self._shared_slots.close()
        await self._upstream.close()


class _Received(Struct):
    """What came of an answer: how many pieces, and how often the last one repeated."""

    pieces: int = 0
    repeated: int = 0
    last: str = ""

    def count(self, text: str) -> None:
        text = text.strip()
        self.repeated = self.repeated + 1 if text == self.last else 0
        self.last = text
        self.pieces += 1

    def explains(self, fault: Fault, *, has_used_its_time: bool) -> bool:
        """Whether the prompt, not the server, is why the answer has no end: a model that repeats itself is broken off,
        and one that goes on and on runs out of the call's time."""
        if fault == "broken":
            return self.repeated + 1 >= _REPETITION
        return fault == "timeout" and self.pieces > 0 and has_used_its_time


class _Look(Struct, frozen=True):
    """What a server listed; `is_there` says whether it answered anything."""

    until: float
    models: dict[str, ModelInfo]
    is_there: bool


class ModelServers:
    """The local Ollama, the cloud where it is switched on, and any others by name."""

    def __init__(self, config: ProxyConfig, redis: Callable[[], RedisClient]) -> None:
        """In `redis` the calls of the cloud are counted over all processes."""
        self.config = config
        self._redis = redis

    @cached_property
    def local(self) -> ModelServer:
        from shared.upstreams.ollama import OllamaClient as Client

        config = self.config.ollama
        upstream = Client(config.base_url, concurrency=config.concurrency)
        return ModelServer(OLLAMA, upstream, timeout_s=config.timeout_s, queue_s=config.queue_s)

    @cached_property
    def cloud(self) -> ModelServer | None:
        cloud = self.config.ollama_cloud
        if not cloud.is_usable:
            return None
        slots = SharedSlots(self._redis, OLLAMA_CLOUD, cloud.concurrency)
        return _cloud(cloud, tuple(self.config.prices), slots)

    @cached_property
    def others(self) -> dict[str, ModelServer]:
        usable = {name: server for name, server in self.config.openai.items() if server.is_usable}
        return {name: _other(name, server) for name, server in usable.items()}

    def model_of(self, location: Location, kind: TaskKind) -> str:
        """The one that runs tasks of that kind there."""
        return (self.config.ollama if location == "local" else self.config.ollama_cloud).model_for(kind)

    def server(self, name: str) -> ModelServer:
        """The server of that name, as a decision gives it."""
        return next(server for server in self if server.name == name)

    async def owner(self, model: str) -> ModelServer | None:
        """The server that runs a model that a caller named, whether it answers or not; None where nobody has it. What
        the file names at a server is that server's, whatever others list."""
        declared = self._declared.get(model)
        if declared is not None:
            server = self.server(declared)
            return None if server.is_missing(model) else server
        for server in self:
            if await server.has(model):
                return None if server.is_missing(model) else server
        return None

    async def named(self, *, with_cloud: bool) -> dict[str, str]:
        """Every model that a caller may name, with the server that runs it."""
        found: dict[str, str] = {}
        for server in [one for one in self if with_cloud or one.location == "local"]:
            for model in await server.names():
                if self._declared.get(model, server.name) == server.name:
                    found.setdefault(model, server.name)
        return found

    @cached_property
    def _declared(self) -> dict[str, str]:
        return declared_servers(self.config)

    def __iter__(self) -> Iterator[ModelServer]:
        yield from self.others.values()
        yield self.local
        if self.cloud:
            yield self.cloud

    async def close(self) -> None:
        made = [self.__dict__.get("local"), self.__dict__.get("cloud"), *self.__dict__.get("others", {}).values()]
        for server in made:
            if server:
                await server.close()


def _cloud(config: OllamaCloudConfig, priced: tuple[str, ...], slots: SharedSlots) -> ModelServer:
    """It has what there is a price for: whether the account may use it, the call itself shows."""
    from shared.upstreams.ollama_cloud import OllamaCloudClient as Client

    upstream = Client(str(config.api_key), base_url=config.base_url, concurrency=config.concurrency)
    known = (*priced, *(config.model_for(kind) for kind in ("extraction", "generation", "vision")))
    return ModelServer(
        OLLAMA_CLOUD,
        upstream,
        timeout_s=config.timeout_s,
        queue_s=config.queue_s,
        known=known,
        waits=config.fallback.on_rate_limit == "queue",
        shared_slots=slots,
    )


def _other(name: str, config: OpenAIServer) -> ModelServer:
    from shared.upstreams.openai import OpenAICompatible

    upstream = OpenAICompatible(
        config.base_url.rstrip("/").removesuffix("/v1"),
        config.location,
        api_key=str(config.api_key),
        capabilities=Capabilities(enforces_schema=config.enforces_schema, concurrency=config.concurrency),
    )
    return ModelServer(name, upstream, timeout_s=config.timeout_s, queue_s=20, known=config.models)
