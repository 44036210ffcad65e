"""Takes a document in: detects its format, stores it, publishes its first event."""

import contextlib
from hashlib import sha256

from msgspec import Struct, field

from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.view import FINAL, status_of, title_of
from shared.formats.filename import safe_filename
from shared.formats.router import FormatRouter
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.redis.leases import Leases, document_lease
from shared.stages.resume import origin_of, reset_stages, stored_event
from shared.table.table import Table
from shared.types.call import Call
from shared.types.clock import now
from shared.types.document import Classification, Status
from shared.types.errors import Conflict, StoreUnavailable
from shared.types.http import SpooledFile
from shared.types.money import microusd
from shared.types.text import safe_title


class Submission(Struct, frozen=True):
    """A file and what its uploader states. `max_cost_usd` limits what its stages may cost."""

    file: SpooledFile
    uploader: str
    title: str | None = None
    classification: Classification | None = None
    max_cost_usd: float | None = None


class IntakeResult(Struct, frozen=True):
    """The document that was stored, or found with the same bytes, and how far it is."""

    document_id: str
    status: Status
    route: str
    title: str

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class Intake(Struct, frozen=True):
    """Takes in the documents of one tenant."""

    records: TenantRecords
    catalogue: Catalogue
    leases: Leases
    publisher: BoundPublisher
    table: Table
    call: Call
    router: FormatRouter = field(default_factory=FormatRouter)

    async def take(self, submission: Submission) -> IntakeResult:
        """Raises `UnsupportedFormat`, `EmptyFile`, `Conflict`, `StoreUnavailable` and `DiskFull`; nothing is stored
        then."""
        record = await self._record(submission)
        if known := await self.records.generation(record.document_id, record.generation):
            if result := await self._again(known, submission):
                return result
            record = await self._record(submission)  # deleted meanwhile: the next generation
        stored = await self.records.store(record, submission.file.path)
        if stored != record and (result := await self._again(stored, submission)):
            return result  # another upload of the same bytes was first
        if await self.records.is_deleted(record.document_id, record.generation):
            await self.records.mark_open(record.document_id, record.generation, "deleting")
            raise Conflict("The document was deleted while its bytes were uploaded again. Upload them once more.")
        await self.catalogue.put(record)
        await self._publish(record)
        return await self._result(record)

    async def _record(self, submission: Submission) -> DocumentRecord:
        file = submission.file
        filename = safe_filename(file.filename)
        routed = self.router.route(filename, file.media_type, file.head, file.size, file.path)
        document_id = document_id_of(self.records.tenant_id, file.content_hash)
        most = submission.max_cost_usd
        return DocumentRecord(
            document_id=document_id,
            generation=await self.records.deleted_generation(document_id) + 1,
            title=safe_title(submission.title or ""),
            filename=filename,
            media_type=routed.media_type,
            parser=routed.parser,
            route=routed.route,
            size=file.size,
            content_hash=file.content_hash,
            classification=submission.classification or (await self.records.settings()).default_classification,
            created_at=now(),
            uploader=submission.uploader,
            request_id=self.call.request_id,
            max_cost_microusd=None if most is None else microusd(most, "/max_cost_usd"),
        )

    async def _again(self, known: DocumentRecord, submission: Submission) -> IntakeResult | None:
        """Known bytes change nothing but the class, which they may raise; a document that was rejected or has failed
        runs again. None where it was deleted meanwhile."""
        async with self.leases.wait(document_lease(self.records.tenant_id, known.document_id)):
            record = await self.records.document(known.document_id)
            if record is None:
                return None
            if submission.classification:
                record = await self.records.raise_classification(record, submission.classification)
                await self.catalogue.put(record)
            entry = await self.catalogue.entry(record.document_id)
            if entry and status_of(entry, self.table.stages(record.route)) in ("rejected", "failed"):
                await self.records.mark_open(record.document_id, record.generation, "ingesting")
                reset = await reset_stages(self.table, self.records, record)
                await self.catalogue.hide_stages(record.document_id, reset)
                await self._publish(record)
        return await self._result(record)

    async def _publish(self, record: DocumentRecord) -> None:
        """Without the bus the document is still stored and marked open: the sweep publishes its event later."""
        origin = origin_of(record, self.records.tenant_id, self.call.request_id, self.call.traceparent)
        with contextlib.suppress(StoreUnavailable):
            await self.publisher.publish(stored_event(record, self.records, origin))

    async def _result(self, record: DocumentRecord) -> IntakeResult:
        entry = await self.catalogue.entry(record.document_id)
        status = status_of(entry, self.table.stages(record.route)) if entry else "stored"
        title = title_of(entry) if entry else record.title or record.filename
        return IntakeResult(record.document_id, status, record.route, title)


def document_id_of(tenant_id: str, content_hash: str) -> str:
    """Derived from tenant and bytes, so that concurrent and repeated uploads end in one document."""
    return "doc_" + sha256(f"{tenant_id}\n{content_hash}".encode()).hexdigest()[:32]
