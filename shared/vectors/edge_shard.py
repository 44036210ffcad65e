"""Our collection in one shard of Qdrant's embedded engine: made, opened, written and searched.

Every call blocks and holds Python's global lock, so this runs in a process of its own (`edge_child`).
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from uuid import UUID

import msgspec
import qdrant_edge as engine
from msgspec import Struct

from shared.types.passage import Found
from shared.types.sparse import Sparse
from shared.vectors import points as stored
from shared.vectors.errors import WrongModel
from shared.vectors.fusion import Hit, by_place
from shared.vectors.messages import Add, Find, Forget, PackedPoint, Read, unpack
from shared.vectors.ranking import RankedListQuery, Ranking, ranked, weights

_LOCK_SECONDS = 5.0
"""How long a predecessor that was killed may take to let go of the folder."""

_NEVER_KB = 1_000_000_000
"""Above this size the engine would build an approximate index; tenants are searched exactly."""


_COPY, _COMPACTED = ".copy", ".compacted"
_COPIED_AT_A_TIME = 64


class _Record(Struct, frozen=True):
    model: str
    dimensions: int


class Shard:
    """The open collection. One process owns its folder."""

    def __init__(self, folder: Path, dimensions: int, model: str) -> None:
        _check_record(folder, _Record(model, dimensions))
        self._dimensions = dimensions
        self._path = folder / "shard"
        _adopt_compacted(self._path)
        shutil.rmtree(self._path.with_suffix(_COPY), ignore_errors=True)  # one that a kill left incomplete
        if not self._path.exists():
            _create(self._path, dimensions)
        self._log = self._path / "wal"
        self._shard = _load(self._path)
        self._copy: ShardCopy | None = None
        # Gives back the room of what was deleted; nothing happens below a fifth of a segment.
        self._shard.optimize()

    def add(self, call: Add) -> None:
        """Adds points, durably when it returns. A passage is not replaced by one of an earlier generation."""
        for generation, group in groupby(call.points, key=lambda point: point.passage.generation):
            points = [_point(call.tenant_id, point) for point in group]
            older = engine.Filter(must=[_up_to(generation)])
            self._update(engine.UpdateOperation.upsert_points(points, condition=older))
        self._sync()

    def forget(self, call: Forget) -> None:
        document = [_equals(stored.TENANT, call.tenant_id), _equals(stored.DOCUMENT, call.document_id)]
        which = engine.Filter(must=[*document, _up_to(call.up_to_generation)])
        self._update(engine.UpdateOperation.delete_points_by_filter(which))
        self._sync()

    def begin_compaction(self) -> None:
        """Begins to copy what is left to a new shard: the engine's own optimizer leaves the text of erased points in a
        segment's payload and in the log."""
        self._copy = ShardCopy(self._shard, self._path, self._dimensions)

    def compact_step(self) -> bool:
        """Copies a few points more; True where the copy is complete and has taken the shard's place."""
        if self._copy is None or not self._copy.step():
            return self._copy is None
        self._copy.close()
        self._copy = None
        self._shard.close()
        _adopt_compacted(self._path)
        self._shard = _load(self._path)
        return True

    def count(self, tenant_id: str, document_id: str | None) -> int:
        documents = None if document_id is None else (document_id,)
        return self._shard.count(engine.CountRequest(filter=_filter(tenant_id, documents)))

    def find(self, call: Find) -> tuple[Found, ...]:
        searches = list(_searches(call))
        best = self._best(ranked([search.weight for search in searches], call.limit), searches)
        records = self._shard.retrieve([UUID(int=hit.point) for hit in best], with_payload=True, with_vector=False)
        payloads = {stored.bits(record.id): record.payload for record in records}
        found = [Found(stored.passage(payloads[hit.point] or {}), hit.score) for hit in best]
        return tuple(by_place(found)[: call.limit])

    def read(self, call: Read) -> tuple[Found, ...]:
        """The passages of those ids, in their order, with no score."""
        ids = [stored.point_id(call.tenant_id, passage_id) for passage_id in dict.fromkeys(call.passage_ids)]
        records = self._shard.retrieve([*ids], with_payload=True, with_vector=False)
        payloads = {stored.bits(record.id): record.payload for record in records}
        return tuple(Found(stored.passage(payloads[one.int] or {}), 0.0) for one in ids if one.int in payloads)

    def flush(self) -> None:
        """Moves what the log holds into the segments, so that the log stays short."""
        self._shard.flush()

    def close(self) -> None:
        self._shard.flush()
        self._shard.close()

    def _update(self, operation: engine.UpdateOperation) -> None:
        self._shard.update(operation)
        if self._copy is not None:
            self._copy.update(operation)

    def _best(self, ranking: Ranking, searches: Sequence["_Search"]) -> Sequence[Hit]:
        """Fetches what the ranking asks for until it has decided."""
        try:
            asks = next(ranking)
            while True:
                asks = ranking.send(self._lists(searches, asks))
        except StopIteration as decided:
            best: Sequence[Hit] = decided.value
            return best

    def _lists(self, searches: Sequence["_Search"], asks: Sequence[RankedListQuery]) -> list[list[Hit]]:
        """Runs the searches in one batch, which takes a quarter less than one after the other."""
        requests = [
            engine.QueryRequest(limit=ask.size, query=search.query, filter=search.filter, params=search.params)
            for ask, search in ((ask, searches[ask.place]) for ask in asks)
        ]
        found = self._shard.query_batch(engine.QueryBatchRequest(requests))
        return [[Hit(stored.bits(point.id), point.score) for point in points] for points in found]

    def _sync(self) -> None:
        """Syncs the log, which the engine leaves to the page cache: what was added survives a loss of power."""
        for name in (*self._log.iterdir(), self._log):
            handle = os.open(name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


class ShardCopy:
    """A copy of a shard that is being made, while the shard is written and searched."""

    def __init__(self, shard: engine.EdgeShard, path: Path, dimensions: int) -> None:
        self._source = shard
        self._fresh = path.with_suffix(_COPY)
        self._complete = path.with_suffix(_COMPACTED)
        shutil.rmtree(self._fresh, ignore_errors=True)
        _create(self._fresh, dimensions)
        self._shard = _load(self._fresh)
        self._offset: engine.PointId | None = None

    def step(self) -> bool:
        """Copies the next points (about 30 ms); True where none are left."""
        found, self._offset = self._source.scroll(
            engine.ScrollRequest(offset=self._offset, limit=_COPIED_AT_A_TIME, with_payload=True, with_vector=True)
        )
        points = [engine.Point(one.id, one.vector or {}, one.payload) for one in found]
        if points:
            self._shard.update(engine.UpdateOperation.upsert_points(points))
        return self._offset is None

    def update(self, operation: engine.UpdateOperation) -> None:
        """Does what the shard does: its points may have been copied already."""
        self._shard.update(operation)

    def close(self) -> None:
        """Gives the complete copy the name under which it takes the shard's place, also after a crash."""
        self._shard.flush()
        self._shard.close()
        self._fresh.replace(self._complete)


class _Search(Struct, frozen=True):
    weight: float
    query: engine.Query
    filter: engine.Filter
    params: engine.SearchParams


def _searches(call: Find) -> Iterator[_Search]:
    """Yields the weighted searches of a question, each filtered by its tenant."""
    wanted = weights(call)
    where = _filter(call.tenant_id, call.document_ids)
    if call.dense is not None and stored.DENSE in wanted:
        query = engine.Query.Nearest(unpack(call.dense), stored.DENSE)
        yield _Search(wanted[stored.DENSE], query, where, engine.SearchParams(exact=True))
    if call.sparse is not None and stored.WORDS in wanted:
        query = engine.Query.Nearest(_sparse(call.sparse), stored.WORDS)
        corpus = engine.IdfParams(corpus=_filter(call.tenant_id, None))
        yield _Search(wanted[stored.WORDS], query, where, engine.SearchParams(idf=corpus))


def _check_record(folder: Path, ours: _Record) -> None:
    path = folder / "collection.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(ours))
        fresh.replace(path)
    found = msgspec.json.decode(path.read_bytes(), type=_Record)
    if found != ours:
        raise WrongModel(
            f"the vectors in {folder} were made with {found.model} ({found.dimensions} dimensions), "
            f"not with {ours.model} ({ours.dimensions}): start with that model again, or move the folder away "
            "and make the vectors anew with `aegis rebuild --only vectors`"
        )


def _adopt_compacted(path: Path) -> None:
    """Puts a complete copy in the shard's place."""
    compacted = path.with_suffix(_COMPACTED)
    if compacted.exists():
        shutil.rmtree(path, ignore_errors=True)
        compacted.replace(path)


def _create(path: Path, dimensions: int) -> None:
    """Creates the shard in another folder and renames it, so that a killed start leaves nothing incomplete."""
    fresh = path.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    config = engine.EdgeConfig(
        vectors={stored.DENSE: engine.EdgeVectorParams(dimensions, engine.Distance.Cosine)},
        sparse_vectors={stored.WORDS: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=_NEVER_KB),
    )
    shard = engine.EdgeShard.create(str(fresh), config)
    for name in stored.KEYWORDS:
        index = engine.KeywordIndexParams(is_tenant=name == stored.TENANT)
        shard.update(engine.UpdateOperation.create_field_index(name, index))
    shard.flush()
    shard.close()
    fresh.replace(path)


def _load(path: Path) -> engine.EdgeShard:
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return engine.EdgeShard.load(str(path))
        except Exception as error:  # the engine raises plain Exceptions; only the text tells a held lock
            if "WouldBlock" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _point(tenant_id: str, point: PackedPoint) -> engine.Point:
    vectors: dict[str, engine.NamedVector] = {
        stored.DENSE: unpack(point.dense),
        stored.WORDS: _sparse(point.sparse),
    }
    identity = stored.point_id(tenant_id, point.passage.passage_id)
    return engine.Point(identity, vectors, stored.payload(tenant_id, point.passage))


def _sparse(sparse: Sparse) -> engine.SparseVector:
    return engine.SparseVector(list(sparse.indices), list(sparse.values))


def _filter(tenant_id: str, document_ids: Iterable[str] | None) -> engine.Filter:
    must: list[engine.ConditionType] = [_equals(stored.TENANT, tenant_id)]
    if document_ids is not None:
        must.append(engine.FieldCondition(stored.DOCUMENT, match=engine.MatchAny(list(document_ids))))
    return engine.Filter(must=must)


def _equals(key: str, value: str) -> engine.FieldCondition:
    return engine.FieldCondition(key, match=engine.MatchValue(value))


def _up_to(generation: int) -> engine.FieldCondition:
    return engine.FieldCondition(stored.GENERATION, range=engine.RangeFloat(lte=generation))
