"""The stores of one process, each made when it is first needed, so that a function pays for nothing it does not use."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from shared.runtime.errors import StoreUnavailable
from shared.runtime.settings import Settings
from shared.runtime.table import Need, Table

if TYPE_CHECKING:  # these names are for the type checker; the modules come in at first use
    from events.document import DocumentEvent
    from events.envelope import CloudEvent
    from shared.access.accounts import Accounts
    from shared.access.gate import Gate, Limits
    from shared.answers.extractive import ExtractiveAnswerer
    from shared.blobs.port import Blobs
    from shared.counters.port import Counters
    from shared.embedding.minilm import MiniLM
    from shared.embedding.sparse import SparseEncoder
    from shared.parsing.workers import ParserPool
    from shared.pool.queue import SliceQueue
    from shared.vectors.port import VectorIndex


class SpeakingBus(Protocol):
    """What a function may say, to all that listen or, for a dead letter, to the one that failed."""

    async def publish(self, event: "DocumentEvent") -> None: ...

    async def send_to(self, function: str, event: "CloudEvent") -> None: ...


class Buses(Protocol):
    def of(self, source: str) -> SpeakingBus: ...

    async def close(self) -> None: ...


class Worlds:
    """What functions need from outside. The stores are handed in as makers; the crafts over them are made here."""

    def __init__(
        self,
        table: Table,
        settings: Settings,
        *,
        blobs: "Callable[[], Blobs]",
        counters: "Callable[[], Counters] | None",
        buses: Callable[[], Buses],
        vectors: "Callable[[Worlds], VectorIndex]",
    ) -> None:
        self.table = table
        self.settings = settings
        self.stopping = False
        self.warming = False
        self._make_blobs = blobs
        self._make_counters = counters
        self._make_buses = buses
        self._make_vectors = vectors

    @cached_property
    def blobs(self) -> "Blobs":
        return self._make_blobs()

    @cached_property
    def counters(self) -> "Counters":
        if self._make_counters is None:
            raise StoreUnavailable("counters", "this function has no Redis")
        return self._make_counters()

    @cached_property
    def buses(self) -> Buses:
        return self._make_buses()

    @cached_property
    def vectors(self) -> "VectorIndex":
        return self._make_vectors(self)

    @cached_property
    def embedding(self) -> "MiniLM":
        from shared.embedding.minilm import MiniLM

        return MiniLM()

    @cached_property
    def encoder(self) -> "SparseEncoder":
        from shared.embedding.sparse import SparseEncoder

        return SparseEncoder()

    @cached_property
    def answerer(self) -> "ExtractiveAnswerer":
        from shared.answers.extractive import ExtractiveAnswerer

        return ExtractiveAnswerer(self.embedding)

    @cached_property
    def parsers(self) -> "ParserPool":
        from shared.parsing.workers import ParserPool

        return ParserPool(self.settings.parsing, workers=2)

    @cached_property
    def slices(self) -> "SliceQueue":
        from shared.pool.queue import SliceQueue

        return SliceQueue(self.counters)

    @cached_property
    def accounts(self) -> "Accounts":
        from shared.access.accounts import Accounts

        return Accounts(self.blobs, self.counters)

    @cached_property
    def gate(self) -> "Gate":
        from shared.access.gate import Gate

        return Gate(self.accounts, self.counters)

    async def admit_address(self, address: str) -> "Limits | None":
        """Counts a call of a public route; a function that has no Redis counts none, and does not import its client."""
        if self._make_counters is None:
            return None
        from shared.access.gate import admit_address

        return await admit_address(self.counters, address)

    async def probe(self, need: Need) -> None:
        """Asks a store whether it answers and can be used as it is set. Raises `StoreUnavailable`, `UnfitServer`."""
        if need == "blobs":
            await self.blobs.ping()
        elif need in ("counters", "bus"):
            from shared.counters.redis import check_server

            await check_server(self.counters)
        elif need == "vectors":
            await self.vectors.ping()

    async def close(self) -> None:
        """Ends what was made and has an end, stores last."""
        made = vars(self)
        if "parsers" in made:
            await self.parsers.close()
        if "vectors" in made:
            await self.vectors.close()
        if "buses" in made:
            await self.buses.close()
        if "counters" in made:
            await self.counters.close()
        if "blobs" in made:
            await self.blobs.close()
