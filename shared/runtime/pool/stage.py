"""The pool's stage in the pipeline: its work, its status, its outcome and its dead letters."""

from datetime import datetime

import msgspec

from events.document import DocumentStored
from events.envelope import CloudEvent, Secrets, wrap
from shared.catalogue.catalogue import Catalogue, StageStatus, StageView
from shared.pool.port import OutcomeNotDelivered
from shared.records.records import TenantRecords
from shared.records.structs import Reason
from shared.runtime.events.delivery import EventDelivery
from shared.runtime.wiring.services import Services
from shared.stages.stages import StageWork, stage_key
from shared.table.table import DEAD_LETTER, Function
from shared.types.undelivered import UndeliveredEvent


class PooledStage:
    """Every method raises `StoreUnavailable`."""

    def __init__(self, function: Function, services: Services, secrets: Secrets) -> None:
        self.name = function.name
        self._function = function
        self._operation = next(operation for operation in function.operations if operation.is_stage)
        self._services = services
        self._secrets = secrets
        self._delivery = EventDelivery(function, services, secrets)
        self._sinks = [EventDelivery(row, services, secrets) for row, _ in services.table.listeners(DEAD_LETTER)]

    def work(self, event: DocumentStored) -> StageWork:
        """As a delivery of the event has it: the same key, the same parts."""
        return StageWork(stage_key(self._function, self._operation, event.key, ""), self._records(event), event.origin)

    async def is_over(self, event: DocumentStored) -> bool:
        """Whether nothing is left to read: the stage has ended, or its document is deleted."""
        ended = await self._records(event).stage(event.origin.document_id, event.origin.generation, self.name)
        return bool(ended and ended.outcome != "failed") or await self.is_deleted(event)

    async def is_deleted(self, event: DocumentStored) -> bool:
        return await self._records(event).is_deleted(event.origin.document_id, event.origin.generation)

    async def mark_for_erasure(self, event: DocumentStored) -> None:
        """Lets the sweep erase what was written after the document was erased, if it was."""
        if await self.is_deleted(event):
            await self._records(event).mark_open(event.origin.document_id, event.origin.generation, "deleting")

    async def show_running(self, event: DocumentStored, started: datetime) -> None:
        await self._show(event, "running", 1, started)

    async def show_trouble(self, event: DocumentStored, started: datetime, attempts: int, reason: Reason) -> None:
        await self._show(event, "waiting", attempts, started, reason)

    async def conclude(self, event: DocumentStored, started: datetime) -> bool:
        """Delivers the event once more: with all its parts stored the stage ends, and its outcome is published.

        False where the stage has not ended: another delivery holds it, or parts are missing. Raises
        `OutcomeNotDelivered`.
        """
        delivered = await self._delivery.deliver(self._envelope(event), started)
        if delivered.reply:
            await self._services.publisher(self.name).publish(delivered.reply)
            return True
        if delivered.status != 204:
            raise OutcomeNotDelivered(delivered.status, delivered.detail)
        return await self.is_over(event)

    async def dead_letter(self, event: DocumentStored, status: int, detail: str, attempts: int) -> None:
        """Writes the dead letter of an event that no attempt could handle."""
        for sink in self._sinks:
            await sink.dead_letter(UndeliveredEvent(self._envelope(event), self.name, status, detail, attempts))

    async def _show(
        self, event: DocumentStored, status: StageStatus, attempts: int, started: datetime, reason: Reason | None = None
    ) -> None:
        catalogue = Catalogue(self._services.redis, self._records(event))
        view = StageView(self.name, status, attempts, started, reason=reason)
        await catalogue.show_stage(event.origin.document_id, event.origin.generation, view)

    def _envelope(self, event: DocumentStored) -> CloudEvent:
        return wrap(msgspec.structs.replace(event, continuation=0), "upload", self._secrets)

    def _records(self, event: DocumentStored) -> TenantRecords:
        return TenantRecords(self._services.blobs, event.origin.tenant_id)
