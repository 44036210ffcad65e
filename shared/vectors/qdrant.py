"""The cluster backend: a collection on a Qdrant server, 1.19 or newer, over REST.

The client library is imported at the first call, in a thread: the loop goes on meanwhile.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.types.deadlines import answered_within
from shared.types.errors import StoreUnavailable
from shared.types.passage import Found, Passage
from shared.vectors.errors import WrongModel
from shared.vectors.port import Point, Query, VectorIndex, Vectors

if TYPE_CHECKING:  # heavy: see there
    from shared.vectors.qdrant_collection import Collection

_READ_SECONDS = 0.8
_WRITE_SECONDS = 30.0
_OPEN_SECONDS = 15.0
"""For the import of the client, once."""

_CALLS = 32
"""At a time, each on its own connection: waiting in the HTTP client's pool costs more the more wait."""

_SIZE_SECONDS = 60.0
"""How long a tenant counts as small once it was seen to be."""

_MOST_SIZES = 10_000


class QdrantIndex(VectorIndex):
    """One collection for each embedding model, for all tenants. `name` is the alias of the one in use.

    The collection is named for model and dimensions and records both; another model than the alias names is refused.
    """

    def __init__(self, url: str, api_key: str | None, dimensions: int, model: str, *, name: str = "aegis") -> None:
        slug = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") or "model"
        self.collection = f"{name}-{slug}-{dimensions}"
        self._url = url
        self._api_key = api_key
        self._name = name
        self._dimensions = dimensions
        self._model = model
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(_CALLS)
        self._opened: Collection | None = None
        self._prepared = False
        self._filling = False
        self._closed = False
        self._few: dict[str, tuple[float, bool]] = {}

    def of(self, tenant_id: str) -> Vectors:
        if not tenant_id:
            raise ValueError("passages belong to a tenant; an empty one is none")
        return _TenantVectors(self, tenant_id)

    async def prepare(self) -> None:
        """Makes what is missing on the server; safe to repeat, and in several processes at once.

        Raises `WrongModel` when another model's collection is in use, `UnsuitableServer` below 1.19.
        """
        collection = await self._open()
        async with answered_within(_WRITE_SECONDS, "vectors"):
            await self._prepare(collection)

    async def renew(self) -> None:
        """Makes this model's collection empty, whichever is in use: the first step to another model."""
        collection = await self._open()
        async with answered_within(_WRITE_SECONDS, "vectors"):
            await collection.drop()
            await collection.make()
        self._prepared = self._filling = True

    async def adopt(self) -> None:
        """Puts this model's collection to use: the last step. Processes that run go on with theirs until they end."""
        collection = await self._open()
        async with answered_within(_WRITE_SECONDS, "vectors"):
            await collection.adopt()
        self._filling = False

    async def compact(self, token: str) -> bool:
        """The server compacts by itself: its optimizer rewrites a segment in which enough points were deleted. Its API
        has no call for it (`docs/reference/deletion.md`)."""
        return True

    async def ping(self) -> None:
        collection = await self._open()
        async with answered_within(_READ_SECONDS, "vectors"):
            await collection.ping()

    async def close(self) -> None:
        async with self._opening:
            self._closed = True
            if self._opened is not None:
                await self._opened.close()

    def check(self, dense: Sequence[float]) -> None:
        if len(dense) != self._dimensions:
            raise WrongModel(f"a vector of {len(dense)} dimensions for an index of {self._dimensions} ({self._model})")

    @asynccontextmanager
    async def use(self, seconds: float) -> "AsyncIterator[Collection]":
        """Yields the prepared collection for at most this long. After an error the next call prepares it again."""
        collection = await self._open()
        async with answered_within(seconds, "vectors"), self._slots:
            if not self._prepared:
                await self._prepare(collection)
            try:
                yield collection
            except StoreUnavailable:
                # It may come back emptied or older: three small questions more, after an outage only.
                self._prepared = False
                raise

    async def few(self, collection: "Collection", tenant_id: str) -> bool:
        """Whether the tenant's passages are so few that a search is exact; asked once a minute and tenant."""
        known = self._few.get(tenant_id)
        if known is None or known[0] < time.monotonic():
            if len(self._few) >= _MOST_SIZES:
                self._few.clear()
            known = (time.monotonic() + _SIZE_SECONDS, await collection.few(tenant_id))
            self._few[tenant_id] = known
        return known[1]

    async def _prepare(self, collection: "Collection") -> None:
        await collection.make()
        if not self._filling:
            await collection.check_in_use()
        self._prepared = True

    async def _open(self) -> "Collection":
        if self._opened is not None and not self._closed:
            return self._opened
        async with answered_within(_OPEN_SECONDS, "vectors", "the client is not imported"), self._opening:
            if self._closed:
                raise StoreUnavailable("vectors", "the index is closed")
            if self._opened is None:
                self._opened = await asyncio.to_thread(self._make)
            return self._opened

    def _make(self) -> "Collection":
        from shared.vectors.qdrant_collection import Collection

        names = (self._name, self.collection)
        return Collection(self._url, self._api_key, *names, self._dimensions, self._model, connections=_CALLS)


class _TenantVectors(Vectors):
    def __init__(self, index: QdrantIndex, tenant_id: str) -> None:
        self._index = index
        self._tenant_id = tenant_id

    async def add(self, points: Sequence[Point]) -> None:
        for point in points:
            self._index.check(point.dense)
        async with self._index.use(_WRITE_SECONDS) as collection:
            await collection.add(self._tenant_id, points)

    async def find(self, query: Query) -> list[Found]:
        if query.dense is not None:
            self._index.check(query.dense)
        async with self._index.use(_READ_SECONDS) as collection:
            exact = query.dense is None or await self._index.few(collection, self._tenant_id)
            return await collection.find(self._tenant_id, query, exact)

    async def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        async with self._index.use(_READ_SECONDS) as collection:
            return await collection.read(self._tenant_id, passage_ids)

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        async with self._index.use(_WRITE_SECONDS) as collection:
            await collection.forget(self._tenant_id, document_id, up_to_generation)

    async def count(self, document_id: str | None = None) -> int:
        async with self._index.use(_READ_SECONDS) as collection:
            return await collection.count(self._tenant_id, document_id)
