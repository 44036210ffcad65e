"""Runs a document's stages again: those that did not succeed, or all from one on."""

from contextlib import AsyncExitStack
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from functions.documents.access import OneDocument, find_own
from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogue, CatalogueEntry
from shared.catalogue.view import status_of
from shared.graph.port import Graph
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.redis.leases import Leases, document_lease, stage_lease
from shared.stages.resume import origin_of, pending_events, reset_stages
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


class Reruns(Struct, frozen=True):
    """Lets the stages of a document run again."""

    records: TenantRecords
    catalogue: Catalogue
    leases: Leases
    vectors: Vectors
    graph: Graph
    table: Table
    publisher: BoundPublisher

    async def start(self, entry: CatalogueEntry, request: Retry, call: Call) -> None:
        """Raises `NotFound` where the document was deleted meanwhile, `Conflict` where one of the stages is at work."""
        records, record = self.records, entry.record
        async with self.leases.wait(document_lease(records.tenant_id, record.document_id)):
            if await records.is_deleted(record.document_id, record.generation):
                raise NotFound("There is no such document.")
            if request.max_cost_usd is not None:
                record = await self._set_bound(record, request.max_cost_usd)
            await records.mark_open(record.document_id, record.generation, "ingesting")
            await self._reset(entry, request.from_stage)
            origin = origin_of(record, records.tenant_id, call.request_id, call.traceparent)
            events = await pending_events(self.table, records, record, origin)
            for event in events:
                await self.publisher.publish(event)
            if not events:
                await records.mark_closed(record.document_id, record.generation)

    async def _set_bound(self, record: DocumentRecord, max_cost_usd: float) -> DocumentRecord:
        current = await self.records.document(record.document_id) or record
        bounded = replace(current, max_cost_microusd=microusd(max_cost_usd, "/max_cost_usd"))
        await self.records.change(bounded)
        await self.catalogue.put(bounded)
        return bounded

    async def _reset(self, entry: CatalogueEntry, from_stage: str | None) -> None:
        record = entry.record
        async with AsyncExitStack() as held:
            if from_stage:
                await self._stop(record, from_stage, held)
            reset = await reset_stages(self.table, self.records, record, from_stage)
            waiting = [stage.stage for stage in entry.stages if stage.status == "waiting"]
            await self.catalogue.hide_stages(record.document_id, [*reset, *waiting])
            if from_stage and "embed" in reset:
                # another cut of the text has other passages; the old ones must not be found beside them
                await self.vectors.forget(record.document_id, record.generation)
            if from_stage and "link" in reset:
                await self.graph.forget(record.document_id, record.generation)

    async def _stop(self, record: DocumentRecord, from_stage: str, held: AsyncExitStack) -> None:
        """Keeps stages from running while their records are erased: one at work would end, and count as done, on
        results that are being erased. Raises `Conflict`."""
        pipeline = self.table.stages(record.route)
        for stage in pipeline[pipeline.index(from_stage) :]:
            lease = stage_lease(self.records.tenant_id, record.document_id, record.generation, stage)
            if not await held.enter_async_context(self.leases.hold(lease)):
                raise Conflict(f"The document's stage `{stage}` is at work; wait until it has ended, then try again.")


async def handle(
    request: Retry, catalogue: Catalogue, table: Table, reruns: Reruns, principal: Principal, call: Call
) -> Retrying:
    entry = await find_own(request.document_id, catalogue, principal)
    document_id, pipeline = entry.record.document_id, table.stages(entry.record.route)
    if request.from_stage is not None and request.from_stage not in pipeline:
        raise InvalidRequest.at("/from", f"`from` takes one of {', '.join(pipeline)}")
    await reruns.start(entry, request, call)
    current = await catalogue.entry(document_id)
    status = status_of(current, pipeline) if current else "stored"
    return Retrying(document_id, status, f"/documents/{document_id}")
