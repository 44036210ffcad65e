"""Takes a document in: recognises its format, writes it to the ledger, sends it on its way."""

import contextlib
from hashlib import sha256
from typing import ClassVar

from msgspec import Struct, field

from shared.bus.port import Bus
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.view import FINAL, status_of, title_of
from shared.formats.filename import safe_filename
from shared.formats.router import FormatRouter
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.redis.leases import Leases
from shared.stages.resume import origin_of, run_again, stored_event
from shared.table.table import Table
from shared.types.call import Call
from shared.types.clock import now
from shared.types.document import Classification, Status
from shared.types.errors import Conflict, StoreUnavailable
from shared.types.http import SpooledFile
from shared.types.money import microusd


class Submission(Struct, frozen=True):
    """A file and what its uploader says of it. `max_cost_usd` bounds what its stages may cost."""

    file: SpooledFile
    uploader: str
    title: str | None = None
    classification: Classification | None = None
    max_cost_usd: float | None = None


class Accepted(Struct, frozen=True):
    """Taken in, and on its way; `status_url` tells how far it is."""

    http_status: ClassVar[int] = 202

    document_id: str
    status: Status
    route: str
    status_url: str
    title: str


class KnownDocument(Accepted, frozen=True):
    """These bytes are here already, and final."""

    http_status: ClassVar[int] = 200


class Intake(Struct, frozen=True):
    """The entrance of one tenant."""

    records: TenantRecords
    catalogue: Catalogue
    leases: Leases
    bus: Bus
    table: Table
    call: Call
    router: FormatRouter = field(default_factory=FormatRouter)

    async def take(self, submission: Submission) -> Accepted | KnownDocument:
        """Raises `UnsupportedFormat`, `EmptyFile`, `Conflict`, `StoreUnavailable` and `DiskFull`; nothing is kept
        then."""
        record = await self._record(submission)
        if known := await self.records.document(record.document_id):
            if answer := await self._again(known, submission):
                return answer
            record = await self._record(submission)  # deleted meanwhile: a new life
        stored = await self.records.store(record, submission.file.path)
        if stored != record and (answer := await self._again(stored, submission)):
            return answer  # another upload of the same bytes was first
        if await self.records.tombstone(record.document_id) >= record.generation:
            await self.records.mark_open(record.document_id, record.generation, "deleting")
            raise Conflict("The document was deleted while its bytes were uploaded again. Upload them once more.")
        await self.catalogue.put(record)
        await self._send_on(record)
        return await self._answer(record)

    async def _record(self, submission: Submission) -> DocumentRecord:
        file = submission.file
        filename = safe_filename(file.filename)
        routed = self.router.route(filename, file.media_type, file.head, file.size, file.path)
        document_id = document_id_of(self.records.tenant_id, file.content_hash)
        most = submission.max_cost_usd
        return DocumentRecord(
            document_id=document_id,
            generation=await self.records.tombstone(document_id) + 1,
            title=(submission.title or "").strip(),
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
            max_cost_microusd=None if most is None else microusd(most),
        )

    async def _again(self, known: DocumentRecord, submission: Submission) -> Accepted | KnownDocument | None:
        """Known bytes change nothing but the class, which they may raise; if they were refused, they try again. None
        where the document was deleted meanwhile."""
        async with self.leases.wait(f"document:{self.records.tenant_id}:{known.document_id}"):
            record = await self.records.document(known.document_id)
            if record is None:
                return None
            if submission.classification:
                record = await self.records.raise_class(record, submission.classification)
                await self.catalogue.put(record)
            entry = await self.catalogue.entry(record.document_id)
            if entry and status_of(entry, self.table.stages(record.route)) in ("rejected", "failed"):
                await self.records.mark_open(record.document_id, record.generation, "ingesting")
                forgotten = await run_again(self.table, self.records, record, None)
                await self.catalogue.hide_stages(record.document_id, forgotten)
                await self._send_on(record)
        return await self._answer(record)

    async def _send_on(self, record: DocumentRecord) -> None:
        """Without the bus the document still stands in the ledger, marked open: the sweep will send it on."""
        about = origin_of(record, self.records.tenant_id, self.call.request_id, self.call.traceparent)
        with contextlib.suppress(StoreUnavailable):
            await self.bus.publish(stored_event(record, self.records, about))

    async def _answer(self, record: DocumentRecord) -> Accepted | KnownDocument:
        entry = await self.catalogue.entry(record.document_id)
        status = status_of(entry, self.table.stages(record.route)) if entry else "stored"
        title = title_of(entry) if entry else record.title or record.filename
        kind = KnownDocument if status in FINAL else Accepted
        return kind(record.document_id, status, record.route, f"/documents/{record.document_id}", title)


def document_id_of(tenant_id: str, content_hash: str) -> str:
    """Of tenant and bytes, so that a race or a repeat ends in one document."""
    return "doc_" + sha256(f"{tenant_id}\n{content_hash}".encode()).hexdigest()[:32]
