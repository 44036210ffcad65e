"""Publishes again what documents wait for that are not final and about which no event is under way.

What is in a queue of the embedded bus is not published into it again, however long it waits there."""

from msgspec import Struct

from shared.access.accounts import Accounts
from shared.bus.publisher import BoundPublisher
from shared.bus.recent import RECENT_S, quiet_mark, recent_mark
from shared.catalogue.catalogue import Catalogues
from shared.erasure.erasure import Erasure, hide_document
from shared.pool.queue import SliceQueue
from shared.records.records import OpenDocument, PlatformRecords
from shared.redis.client import RedisClient
from shared.redis.leases import Leases, stage_lease
from shared.redis.marks import is_marked
from shared.stages.resume import origin_of, pending_events
from shared.table.table import Table
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import StoreUnavailable

_FIRST_PAUSE_S = 60
_LONGEST_PAUSE_S = 30 * 60
_UPLOADING_S = 15 * 60
"""How long an upload may stand between its marker and its record."""


class OpenDocuments(Struct, frozen=True):
    """The documents that are marked open, of all tenants."""

    platform: PlatformRecords
    catalogues: Catalogues
    erasure: Erasure
    redis: RedisClient
    leases: Leases
    slices: SliceQueue
    publisher: BoundPublisher
    table: Table
    accounts: Accounts

    async def resume(self, waiting: set[tuple[str, str]]) -> None:
        """Erases those that are deleted and re-drives the others, but for `waiting`: documents (tenant, id) whose dead
        letter has a time of its own. Those of a suspended tenant wait."""
        async for document in self.platform.open_documents():
            extra = {"function": "sweep", "tenant": document.tenant_id, "document": document.document_id}
            try:
                records = self.platform.of(document.tenant_id)
                is_deleted = await records.is_deleted(document.document_id, document.generation)
                if is_deleted or document.marker.kind == "deleting":
                    await self._erase(document)
                elif (document.tenant_id, document.document_id) in waiting:
                    continue
                elif not await self.accounts.suspended([document.tenant_id]):
                    await self._redrive(document)
            except StoreUnavailable as error:  # one document's store must not keep the others waiting
                log().warning(f"cannot resume: {error}", extra=extra)
            except Exception:  # noqa: BLE001 - nor may any other failure of one
                log().exception("cannot resume", extra=extra)

    async def _erase(self, document: OpenDocument) -> None:
        tenant_id, document_id, generation = document.tenant_id, document.document_id, document.generation
        records = self.platform.of(tenant_id)
        if not await records.is_deleted(document_id, generation):  # interrupted before the tombstone was written
            await hide_document(document_id, generation, records, self.catalogues.of(tenant_id))
        await self.erasure.erase(tenant_id, document_id, generation)

    async def _redrive(self, document: OpenDocument) -> None:
        tenant_id, document_id, generation = document.tenant_id, document.document_id, document.generation
        records = self.platform.of(tenant_id)
        record = await records.generation(document_id, generation)
        if record is None:
            await self._give_up_upload(document)
            return
        quiet = quiet_mark(tenant_id, document_id, generation)
        if await self._is_moving(document) or await is_marked(self.redis, quiet, _LONGEST_PAUSE_S):
            return
        await self.catalogues.of(tenant_id).mend(document_id)
        events = await pending_events(self.table, records, record, origin_of(record, tenant_id))
        for event in events:
            await self.publisher.publish_missing(event)
        await self._pause(quiet)  # only now: what a crash kept from being published is published at once
        if not events:  # it has ended, and only its marker was left
            await records.mark_closed(document_id, generation)

    async def _give_up_upload(self, document: OpenDocument) -> None:
        """A crash left its original without a record; the same bytes may be on their way in again."""
        document_id, generation = document.document_id, document.generation
        records = self.platform.of(document.tenant_id)
        # Seen by an earlier tick, too: a clock that is set forward makes no upload old.
        seen = f"sweep:upload:{document.tenant_id}:{document_id}:{generation}"
        was_seen = await self.redis.call("SET", seen, "1", "NX", "EX", 2 * _UPLOADING_S) is None
        is_old = was_seen and (now() - document.marker.since).total_seconds() > _UPLOADING_S
        if is_old and await records.open_marker(document_id, generation, "ingesting") == document.marker:
            await records.erase(document_id, generation)
            await records.mark_closed(document_id, generation)

    async def _is_moving(self, document: OpenDocument) -> bool:
        """Whether a stage is at work, slices wait for the pool, or an event is under way.

        A stage that is shown as running without a lease died with its process: its event was perhaps acknowledged by
        a second delivery that found the lease held.
        """
        names = (document.tenant_id, document.document_id, document.generation)
        for stage in self.table.stages():
            if await self.leases.is_held(stage_lease(*names, stage)):
                return True
        if await self.slices.holds(*names):
            return True
        entry = await self.catalogues.of(document.tenant_id).entry(document.document_id)
        if entry and any(stage.status == "running" for stage in entry.stages):
            return False
        return await is_marked(self.redis, recent_mark(*names), RECENT_S)

    async def _pause(self, quiet: str) -> None:
        """For 1, 2, 4 … 30 minutes, so that a backlog does not feed itself."""
        times = f"{quiet}:times"
        count = int(await self.redis.call("INCR", times))
        pause = min(_FIRST_PAUSE_S * 2 ** (count - 1), _LONGEST_PAUSE_S)
        await self.redis.batch([("SET", quiet, "1", "EX", pause), ("EXPIRE", times, 86400)])
