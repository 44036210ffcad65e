"""Deletes a document: gone for everybody at once, erased from every store now or, where one is away, later."""

import contextlib
from typing import ClassVar, Literal

from msgspec import Struct

from events.document import DocumentDeleted
from functions.documents.access import OneDocument, find_own
from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogue
from shared.erasure.erase import bury, erase
from shared.pool.queue import SliceQueue
from shared.records.records import PlatformRecords, TenantRecords
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.stages.resume import origin_of
from shared.types.call import Call
from shared.types.errors import DiskFull, NotFound, StoreUnavailable
from shared.types.principal import Principal
from shared.vectors.port import Vectors


class Deleting(Struct, frozen=True):
    """A store is away; the document cannot be seen any more, and is erased there when the store is back."""

    http_status: ClassVar[int] = 202

    status: Literal["deleting"]


ERRORS = (DiskFull, NotFound)


async def handle(
    request: OneDocument,
    catalogue: Catalogue,
    records: TenantRecords,
    platform: PlatformRecords,
    leases: Leases,
    vectors: Vectors,
    slices: SliceQueue,
    redis: RedisClient,
    publisher: BoundPublisher,
    principal: Principal,
    call: Call,
) -> Deleting | None:
    record = (await find_own(request.document_id, catalogue, principal)).record
    async with leases.wait(f"document:{records.tenant_id}:{record.document_id}"):
        await bury(record.document_id, record.generation, records, catalogue)
    with contextlib.suppress(StoreUnavailable):  # the pool sees for itself, a little later
        await slices.cancel(records.tenant_id, record.document_id, record.generation)
    try:
        await erase(record.document_id, record.generation, records, platform, catalogue, vectors, redis)
    except StoreUnavailable:
        return Deleting("deleting")
    about = origin_of(record, records.tenant_id, call.request_id, call.traceparent)
    with contextlib.suppress(StoreUnavailable):  # nobody has to hear it for the deletion to hold
        await publisher.publish(DocumentDeleted(origin=about, key=record.content_hash[:32]))
    return None
