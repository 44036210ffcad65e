"""Every place that may hold a document's text or a quotation of it, and what erases it: deletion goes through this
list, as do its tests and the reference."""

import contextlib
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from shared.catalogue.catalogue import Catalogues
from shared.conversations import conversations
from shared.graph.port import GraphIndex
from shared.idempotency.calls import forget_answers_of_document, forget_answers_of_tenant
from shared.pool.queue import SliceQueue
from shared.records.records import PlatformRecords
from shared.redis.client import RedisClient
from shared.types.errors import StoreUnavailable
from shared.vectors.port import VectorIndex

StoreName = Literal["blobs", "redis", "vectors", "graph", "disk"]


class Stores(Struct, frozen=True):
    """Where documents are erased."""

    platform: PlatformRecords
    catalogues: Catalogues
    vectors: VectorIndex
    graph: GraphIndex
    redis: RedisClient
    slices: SliceQueue


class DeletedDocument(Struct, frozen=True):
    """Only generations up to the given one are erased: bytes uploaded again meanwhile stay."""

    tenant_id: str
    document_id: str
    generation: int


class Place(Struct, frozen=True):
    """`names` are patterns of blobs or of keys; `erased` says what erases them, and when. `of_document` and `of_tenant`
    are called in the order of the list; None where the text leaves by other means."""

    store: StoreName
    names: tuple[str, ...]
    holds: str
    erased: str
    of_document: Callable[[Stores, DeletedDocument], Awaitable[None]] | None = None
    of_tenant: Callable[[PlatformRecords, RedisClient, str], Awaitable[None]] | None = None


async def _catalogue(stores: Stores, gone: DeletedDocument) -> None:
    await stores.catalogues.of(gone.tenant_id).drop(gone.document_id, gone.generation)


async def _pool(stores: Stores, gone: DeletedDocument) -> None:
    with contextlib.suppress(StoreUnavailable):  # the pool finds out by itself, a little later
        await stores.slices.cancel(gone.tenant_id, gone.document_id, gone.generation)


async def _points(stores: Stores, gone: DeletedDocument) -> None:
    await stores.vectors.of(gone.tenant_id).forget(gone.document_id, gone.generation)


async def _entities(stores: Stores, gone: DeletedDocument) -> None:
    await stores.graph.of(gone.tenant_id).forget(gone.document_id, gone.generation)


async def _turns(stores: Stores, gone: DeletedDocument) -> None:
    await conversations.forget_document(stores.redis, gone.tenant_id, gone.document_id)


async def _turns_of_tenant(platform: PlatformRecords, redis: RedisClient, tenant_id: str) -> None:
    await conversations.forget_tenant(redis, tenant_id)


async def _answers(stores: Stores, gone: DeletedDocument) -> None:
    await forget_answers_of_document(stores.redis, gone.tenant_id, gone.document_id)


async def _answers_of_tenant(platform: PlatformRecords, redis: RedisClient, tenant_id: str) -> None:
    await forget_answers_of_tenant(redis, tenant_id)


async def _dead_letters(stores: Stores, gone: DeletedDocument) -> None:
    for letter in await stores.platform.dead_letters(gone.tenant_id):
        if letter.document_id == gone.document_id and int(letter.event.get("epoch", 0)) <= gone.generation:
            await stores.platform.erase_dead_letter(letter)


async def _blobs(stores: Stores, gone: DeletedDocument) -> None:
    await stores.platform.of(gone.tenant_id).erase(gone.document_id, gone.generation)


async def _blobs_of_tenant(platform: PlatformRecords, redis: RedisClient, tenant_id: str) -> None:
    await platform.erase_tenant(tenant_id)


_WITH_DOCUMENT = "with the document"
_WITH_DOCUMENT_OR_DAY = "with the document; after a day"

PLACES = (
    Place("redis", ("catalogue:*",), "title and metadata of the document", _WITH_DOCUMENT, _catalogue),
    Place("redis", ("pool:*",), "the event of a document that waits for the pool", _WITH_DOCUMENT, _pool),
    Place("redis", ("queue:*",), "events with keys of blobs and titles", "once delivered"),
    Place(
        "vectors", ("points",), "passages", f"{_WITH_DOCUMENT}; from the files by compaction, within the hour", _points
    ),
    Place(
        "graph",
        ("entities",),
        "names of entities and relations between them",
        f"{_WITH_DOCUMENT}; from the files by compaction, within the hour",
        _entities,
    ),
    Place(
        "redis",
        ("conversation:*",),
        "questions, answers, quotations; titles",
        _WITH_DOCUMENT_OR_DAY,
        _turns,
        _turns_of_tenant,
    ),
    Place(
        "redis",
        ("idempotency:*",),
        "stored answers, unreadable without the caller's key",
        _WITH_DOCUMENT_OR_DAY,
        _answers,
        _answers_of_tenant,
    ),
    Place("blobs", ("failed/*",), "dead letters, which may name the document's title", _WITH_DOCUMENT, _dead_letters),
    Place(
        "blobs",
        ("t/*/d/*", "t/*/graph/*"),
        "original, results of the stages, their parts, printed pages, vectors; imported parts of the graph",
        _WITH_DOCUMENT,
        _blobs,
    ),
    Place(
        "blobs",
        ("t/*/inbox/*",),
        "documents of outside producers",
        "once taken in; with the tenant",
        of_tenant=_blobs_of_tenant,
    ),
    Place("blobs", ("t/*/feedback/*",), "comments of users on answers", "with the tenant", of_tenant=_blobs_of_tenant),
    Place("disk", ("counters/appendonlydir",), "commands with all of the above", "by compaction, within the hour"),
    Place("disk", ("spool",), "uploads while they arrive", "at the end of the upload; at the next start"),
)
"""In the order of an erasure: the indexes and what was answered first, blobs last, so that it can be done again from
the start wherever it was interrupted."""


def place_of(store: StoreName, name: str) -> Place | None:
    """The place that a blob or a key belongs to."""
    return next(
        (place for place in PLACES if place.store == store and any(fnmatchcase(name, one) for one in place.names)), None
    )
