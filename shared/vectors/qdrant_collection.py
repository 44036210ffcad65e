"""Our collection on a Qdrant server, over REST: made, checked, written and searched.

Imports qdrant_client, about 0.8 s and 80 MB: only `shared.vectors.qdrant` imports this, at the first call.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any
from uuid import UUID

import httpx
from msgspec import Struct
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from shared.types.errors import StoreUnavailable
from shared.types.passage import Found, Passage
from shared.types.sparse import Sparse
from shared.vectors import points as stored
from shared.vectors.errors import UnsuitableServer, WrongModel
from shared.vectors.fusion import Hit, by_place
from shared.vectors.port import Point, Query
from shared.vectors.ranking import RankedListQuery, Ranking, ranked, weights

_OLDEST = (1, 19)
"""Older servers take a query with `idf` and silently count words over all tenants."""

_SECONDS = 30
"""The client's own limit, whole seconds; what a call may take is bounded more tightly by who makes it."""

_KEEPALIVE_SECONDS = 3.0
"""The server closes an idle connection after five: one that it closes while we write to it would be an error."""

_BATCH_POINTS = 32
"""Encoding them takes a few milliseconds, the longest that a search in this process waits for it."""

_BATCH_BYTES = 8 * 1024 * 1024
"""The server refuses a body above 32 MiB; ours is estimated from above."""

_EXACT_BELOW = 10_000
"""Passages of a tenant up to which a search looks at each of them: exact, and no slower than an index."""

_MOST_RESULTS = 20_000

_INDEXES: dict[str, models.KeywordIndexParams | models.IntegerIndexParams] = {
    stored.TENANT: models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
    stored.DOCUMENT: models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD),
    stored.GENERATION: models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=False, range=True),
}


class Collection:
    """`name` is the collection's, `alias` names the one in use. Every method raises `StoreUnavailable`."""

    def __init__(
        self, url: str, api_key: str | None, alias: str, name: str, dimensions: int, model: str, *, connections: int
    ) -> None:
        self._client = AsyncQdrantClient(
            url=url,
            # As a header: the client's own parameter warns on stderr whenever the URL is http, as in a cluster it is.
            headers={"api-key": api_key} if api_key else {},
            timeout=_SECONDS,
            check_compatibility=False,  # asks in the background and only warns; `prepare` asks and refuses
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=_KEEPALIVE_SECONDS,
            ),
        )
        self._url = url
        self._alias = alias
        self._name = name
        self._record: dict[str, Any] = {"model": model, "dimensions": dimensions}
        self._dimensions = dimensions

    async def make(self) -> None:
        """Makes what is missing of the collection. Raises `UnsuitableServer`, and `WrongModel` for one not ours."""
        async with _translated():
            found, _ = await asyncio.gather(self._look(), self._check_version())
            if found is None:
                await self._create()
                found = await self._client.get_collection(self._name)
            self._check_record(found)
            for key in _INDEXES.keys() - found.payload_schema.keys():
                await self._client.create_payload_index(self._name, key, _INDEXES[key], wait=True)

    async def check_in_use(self) -> None:
        """Takes the alias when nobody has it. Raises `WrongModel` when it names the collection of another model."""
        async with _translated():
            in_use = await self._in_use()
            if in_use is None:
                await self._point_alias(replacing=False)
                in_use = await self._in_use()
        if in_use != self._name:
            raise WrongModel(
                f"the vectors on {self._url} were made with another model ({in_use}, wanted {self._name}): start "
                "with that model again, or make the vectors anew with `aegis rebuild --only vectors`"
            )

    async def adopt(self) -> None:
        """Points the alias to this collection."""
        async with _translated():
            await self._point_alias(replacing=await self._in_use() is not None)

    async def drop(self) -> None:
        async with _translated():
            await self._client.delete_collection(self._name)

    async def ping(self) -> None:
        """Sends a request that needs the key."""
        async with _translated():
            await self._client.collection_exists(self._name)

    async def close(self) -> None:
        await self._client.close()

    async def add(self, tenant_id: str, points: Sequence[Point]) -> None:
        """Adds points, durably when it returns. A passage is not replaced by one of an earlier generation."""
        async with _translated():
            for batch in _batches(points):
                for generation, group in groupby(batch, key=lambda point: point.passage.generation):
                    await self._client.upsert(
                        self._name,
                        [_point(tenant_id, point) for point in group],
                        wait=True,
                        update_filter=models.Filter(must=[_up_to(generation)]),
                    )

    async def forget(self, tenant_id: str, document_id: str, up_to_generation: int) -> None:
        must = [_equals(stored.TENANT, tenant_id), _equals(stored.DOCUMENT, document_id), _up_to(up_to_generation)]
        which = models.FilterSelector(filter=models.Filter(must=[*must]))
        async with _translated():
            await self._client.delete(self._name, which, wait=True)

    async def count(self, tenant_id: str, document_id: str | None) -> int:
        documents = None if document_id is None else (document_id,)
        async with _translated():
            counted = await self._client.count(self._name, _filter(tenant_id, documents), exact=True)
        return counted.count

    async def few(self, tenant_id: str) -> bool:
        """Whether the tenant has so few passages that each can be compared, by the index's estimate."""
        async with _translated():
            counted = await self._client.count(self._name, _filter(tenant_id, None), exact=False)
        return counted.count < _EXACT_BELOW

    async def find(self, tenant_id: str, query: Query, exact: bool) -> list[Found]:
        searches = list(_searches(tenant_id, query, exact))
        async with _translated():
            best = await self._best(ranked([search.weight for search in searches], query.limit), searches)
            return by_place(await self._found(best))[: query.limit]

    async def _check_version(self) -> None:
        version = (await self._client.info()).version
        major, minor, *_ = (int(part) if part.isdigit() else 0 for part in f"{version}.0".split("."))
        if (major, minor) < _OLDEST:
            raise UnsuitableServer(
                f"{self._url} is Qdrant {version}, which counts how rare a word is over all tenants: "
                f"it has to be {'.'.join(map(str, _OLDEST))} or newer"
            )

    async def _look(self) -> models.CollectionInfo | None:
        try:
            return await self._client.get_collection(self._name)
        except UnexpectedResponse as error:
            if error.status_code != 404:
                raise
            return None

    async def _create(self) -> None:
        try:
            await self._client.create_collection(
                self._name,
                vectors_config={
                    stored.DENSE: models.VectorParams(size=self._dimensions, distance=models.Distance.COSINE)
                },
                sparse_vectors_config={stored.WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                shard_number=1,  # how rare a word is, is counted within a shard
                on_disk_payload=True,
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),  # a graph for each tenant, none over all
                strict_mode_config=models.StrictModeConfig(
                    enabled=True,
                    unindexed_filtering_retrieve=False,
                    unindexed_filtering_update=False,
                    max_query_limit=_MOST_RESULTS,
                ),
                metadata=self._record,
            )
        except UnexpectedResponse as error:
            if error.status_code != 409:  # another process was faster
                raise

    def _check_record(self, found: models.CollectionInfo) -> None:
        recorded = found.config.metadata or {}
        sizes = found.config.params.vectors
        dense = sizes.get(stored.DENSE) if isinstance(sizes, dict) else None
        if recorded != self._record or dense is None or dense.size != self._dimensions:
            raise WrongModel(
                f"the collection {self._name} on {self._url} was not made for {self._record['model']} "
                f"({self._dimensions} dimensions) but for {recorded or 'something of another program'}: "
                "remove it, or name another one"
            )

    async def _in_use(self) -> str | None:
        aliases = (await self._client.get_aliases()).aliases
        return next((it.collection_name for it in aliases if it.alias_name == self._alias), None)

    async def _point_alias(self, *, replacing: bool) -> None:
        """Moves the alias in one step, so that there is always one."""
        create = models.CreateAlias(collection_name=self._name, alias_name=self._alias)
        changes: list[models.AliasOperations] = [models.CreateAliasOperation(create_alias=create)]
        if replacing:
            changes.insert(0, models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self._alias)))
        await self._client.update_collection_aliases(changes)

    async def _best(self, ranking: Ranking, searches: Sequence["_Search"]) -> Sequence[Hit]:
        """Fetches what the ranking asks for until it has decided."""
        try:
            asks = next(ranking)
            while True:
                asks = ranking.send(await self._lists(searches, asks))
        except StopIteration as decided:
            best: Sequence[Hit] = decided.value
            return best

    async def _lists(self, searches: Sequence["_Search"], asks: Sequence[RankedListQuery]) -> list[list[Hit]]:
        requests = [searches[ask.place].request.model_copy(update={"limit": ask.size}) for ask in asks]
        batch = models.QueryRequestBatch(searches=requests)
        # The generated client beneath: the one above copies every number of a question, a quarter of the whole search.
        answer = await self._client.http.search_api.query_batch_points(self._name, query_request_batch=batch)
        if len(answer.result or ()) != len(requests):
            raise StoreUnavailable("vectors", "the server answered another number of searches than were asked")
        lists: list[list[Hit]] = []
        for found in answer.result or ():
            # The engine's scores are 32-bit floats, of which JSON carries the shortest spelling.
            scores = array("f", (point.score for point in found.points))
            lists.append([Hit(stored.bits(at.id), score) for at, score in zip(found.points, scores, strict=True)])
        return lists

    async def read(self, tenant_id: str, passage_ids: Sequence[str]) -> list[Passage]:
        """The passages of those ids that are there, in their order."""
        async with _translated():
            ids = [stored.point_id(tenant_id, passage_id) for passage_id in dict.fromkeys(passage_ids)]
            return [found.passage for found in await self._found([Hit(one.int, 0.0) for one in ids])]

    async def _found(self, hits: Sequence[Hit]) -> list[Found]:
        """Reads the hits' passages, without those that another process erased since the search."""
        if not hits:
            return []
        ids = [str(UUID(int=hit.point)) for hit in hits]
        records = await self._client.retrieve(self._name, ids, with_payload=True, with_vectors=False)
        payloads = {stored.bits(record.id): record.payload or {} for record in records}
        return [Found(stored.passage(payloads[hit.point]), hit.score) for hit in hits if hit.point in payloads]


class _Search(Struct, frozen=True):
    weight: float
    request: models.QueryRequest


def _searches(tenant_id: str, query: Query, exact: bool) -> Iterator[_Search]:
    """Yields the weighted searches of a question, each filtered by its tenant."""
    wanted = weights(query)
    where = _filter(tenant_id, query.document_ids)
    if query.dense is not None and stored.DENSE in wanted:
        params = models.SearchParams(exact=exact)
        nearest = models.NearestQuery(nearest=list(query.dense))
        yield _Search(wanted[stored.DENSE], _request(nearest, stored.DENSE, where, params))
    if query.sparse is not None and stored.WORDS in wanted:
        params = models.SearchParams(idf=models.IdfCorpusParams(corpus=_filter(tenant_id, None)))
        nearest = models.NearestQuery(nearest=_sparse(query.sparse))
        yield _Search(wanted[stored.WORDS], _request(nearest, stored.WORDS, where, params))


def _request(
    query: models.NearestQuery, using: str, where: models.Filter, params: models.SearchParams
) -> models.QueryRequest:
    return models.QueryRequest(
        query=query, using=using, filter=where, params=params, with_payload=False, with_vector=False
    )


def _batches(points: Sequence[Point]) -> Iterator[list[Point]]:
    batch: list[Point] = []
    size = 0
    for point in points:
        most = _most_bytes(point)
        if batch and (len(batch) == _BATCH_POINTS or size + most > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(point)
        size += most
    if batch:
        yield batch


def _most_bytes(point: Point) -> int:
    """An upper bound of its JSON: a number takes 25 bytes, a character that is escaped 6."""
    texts = len(point.passage.text.encode()) + len(point.passage.context.encode())
    return 25 * (len(point.dense) + 2 * len(point.sparse.indices)) + 6 * texts + 1000


def _point(tenant_id: str, point: Point) -> models.PointStruct:
    return models.PointStruct(
        id=str(stored.point_id(tenant_id, point.passage.passage_id)),
        vector={stored.DENSE: list(point.dense), stored.WORDS: _sparse(point.sparse)},
        payload=stored.payload(tenant_id, point.passage),
    )


def _sparse(sparse: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))


def _filter(tenant_id: str, document_ids: Iterable[str] | None) -> models.Filter:
    must: list[models.Condition] = [_equals(stored.TENANT, tenant_id)]
    if document_ids is not None:
        must.append(models.FieldCondition(key=stored.DOCUMENT, match=models.MatchAny(any=list(document_ids))))
    return models.Filter(must=must)


def _equals(key: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _up_to(generation: int) -> models.FieldCondition:
    return models.FieldCondition(key=stored.GENERATION, range=models.Range(lte=generation))


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Maps the client's errors to those of the port."""
    try:
        yield
    except UnexpectedResponse as error:
        excerpt = error.content.decode(errors="replace")[:300]
        raise StoreUnavailable("vectors", f"the server answered {error.status_code}: {excerpt}") from error
    except ResponseHandlingException as error:
        raise StoreUnavailable("vectors", f"{type(error.source).__name__}: {error.source}"[:500]) from error
    except (ApiException, QdrantException, httpx.HTTPError, AssertionError, ValueError) as error:
        # The client asserts that an answer has a result, and lets through what its decoder says of a page of HTML.
        raise StoreUnavailable("vectors", f"{type(error).__name__}: {error}"[:500]) from error
