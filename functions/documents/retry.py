"""Runs a document's stages again: those that did not succeed, or all from one on."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from functions.documents.access import OneDocument, find_own
from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.view import status_of
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.redis.leases import Leases, document_lease, stage_lease
from shared.stages.resume import origin_of, pending, run_again
from shared.table.table import Table
from shared.types.call import Call
from shared.types.document import Status
from shared.types.errors import Conflict, DiskFull, InvalidRequest, NotFound
from shared.types.money import Dollars, microusd
from shared.types.principal import Principal
from shared.vectors.port import Vectors


class Retry(OneDocument, frozen=True, rename={"from_stage": "from"}):
    """`from` names a stage of the document; without it only what did not succeed runs again. `max_cost_usd` is from
    now on what the document may cost in all."""

    from_stage: str | None = None
    max_cost_usd: Dollars | None = None


class Retrying(Struct, frozen=True):
    http_status: ClassVar[int] = 202

    document_id: str
    status: Status
    status_url: str


ERRORS = (Conflict, DiskFull, NotFound)


async def handle(
    request: Retry,
    catalogue: Catalogue,
    records: TenantRecords,
    leases: Leases,
    vectors: Vectors,
    publisher: BoundPublisher,
    table: Table,
    principal: Principal,
    call: Call,
) -> Retrying:
    found = await find_own(request.document_id, catalogue, principal)
    record = found.record
    pipeline = table.stages(record.route)
    if request.from_stage is not None and request.from_stage not in pipeline:
        raise InvalidRequest.at("/from", f"`from` takes one of {', '.join(pipeline)}")
    async with leases.wait(document_lease(records.tenant_id, record.document_id)):
        if await records.is_deleted(record.document_id, record.generation):
            raise NotFound("There is no such document.")
        record = await _bounded(record, request, records, catalogue)
        await records.mark_open(record.document_id, record.generation, "ingesting")
        async with AsyncExitStack() as held:
            if request.from_stage:
                redone = pipeline[pipeline.index(request.from_stage) :]
                await _stop(redone, record, records.tenant_id, leases, held)
            forgotten = await run_again(table, records, record, request.from_stage)
            waiting = [stage.stage for stage in found.stages if stage.status == "waiting"]
            await catalogue.hide_stages(record.document_id, [*forgotten, *waiting])
            if request.from_stage and "embed" in forgotten:
                # another cut of the text has other passages; the old ones must not be found beside them
                await vectors.forget(record.document_id, record.generation)
        about = origin_of(record, records.tenant_id, call.request_id, call.traceparent)
        sayings = await pending(table, records, record, about)
        for saying in sayings:
            await publisher.publish(saying.event)
        if not sayings:
            await records.mark_closed(record.document_id, record.generation)
    entry = await catalogue.entry(record.document_id)
    status = status_of(entry, pipeline) if entry else "stored"
    return Retrying(record.document_id, status, f"/documents/{record.document_id}")


async def _bounded(
    record: DocumentRecord, request: Retry, records: TenantRecords, catalogue: Catalogue
) -> DocumentRecord:
    if request.max_cost_usd is None:
        return record
    bounded = replace(
        await records.document(record.document_id) or record, max_cost_microusd=microusd(request.max_cost_usd)
    )
    await records.change(bounded)
    await catalogue.put(bounded)
    return bounded


async def _stop(
    stages: Sequence[str], record: DocumentRecord, tenant_id: str, leases: Leases, held: AsyncExitStack
) -> None:
    """Keeps stages from running while how they ended is forgotten: one at work would end, and count as done, without
    what is being forgotten. Raises `Conflict`."""
    for stage in stages:
        lease = stage_lease(tenant_id, record.document_id, record.generation, stage)
        if not await held.enter_async_context(leases.hold(lease)):
            raise Conflict(f"The document's stage `{stage}` is at work; wait until it has ended, then try again.")
