"""Deletes a document: hidden from every reader at once, erased from every store now or, where one is away, later."""

import contextlib
from typing import ClassVar, Literal

from msgspec import Struct

from events.document import DocumentDeleted
from functions.documents.access import OneDocument, find_own
from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogue
from shared.erasure.erasure import Erasure
from shared.stages.resume import origin_of
from shared.types.call import Call
from shared.types.errors import DiskFull, NotFound, StoreUnavailable
from shared.types.principal import Principal


class Deleting(Struct, frozen=True):
    """A store is away: the document is hidden already, and is erased when the store is back."""

    http_status: ClassVar[int] = 202

    status: Literal["deleting"]


ERRORS = (DiskFull, NotFound)


async def handle(
    request: OneDocument,
    catalogue: Catalogue,
    erasure: Erasure,
    publisher: BoundPublisher,
    principal: Principal,
    call: Call,
) -> Deleting | None:
    record = (await find_own(request.document_id, catalogue, principal)).record
    if not await erasure.delete(call.tenant_id, record.document_id, record.generation):
        return Deleting("deleting")
    origin = origin_of(record, call.tenant_id, call.request_id, call.traceparent)
    with contextlib.suppress(StoreUnavailable):  # the deletion holds whether or not its event is published
        await publisher.publish(DocumentDeleted(origin=origin, key=record.content_hash[:32]))
    return None
