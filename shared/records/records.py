"""The records of a tenant's documents and of their stages, in blobs.

Everything else (catalogue, vectors, queues) can be rebuilt from them.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from events.document import DocumentEvent, Origin
from shared.blobs.names import is_name
from shared.blobs.port import BlobMissing, Blobs
from shared.graph.port import DocumentGraph
from shared.records import names
from shared.records.outcomes import outcome_event
from shared.records.structs import (
    DeadLetter,
    DocumentRecord,
    FeedbackText,
    MarkerKind,
    OpenMarker,
    StageRecord,
    TenantDeletion,
    TenantRecord,
    TenantSettings,
    Tombstone,
    UserRecord,
)
from shared.types.clock import now
from shared.types.document import Classification, higher
from shared.types.errors import AegisError, NotFound
from shared.types.tasks import to_its_end
from shared.types.text import normalized

_Record = TypeVar("_Record", bound=Struct | str)
_Event = TypeVar("_Event", bound=DocumentEvent)


class DocumentIsDeleted(AegisError):
    """A stage wrote for a document that was deleted meanwhile; what it wrote is erased again."""


async def read_record(blobs: Blobs, name: str, kind: type[_Record]) -> _Record | None:
    try:
        return msgspec.json.decode(await blobs.read(name), type=kind)
    except BlobMissing:
        return None


async def tenant_deletion(blobs: Blobs, tenant_id: str) -> TenantDeletion | None:
    """When the tenant was deleted; None where it was not."""
    return await read_record(blobs, names.deleted_tenant(tenant_id), TenantDeletion)


class TenantRecords:
    """The records of one tenant; there are none without a tenant."""

    def __init__(self, blobs: Blobs, tenant_id: str) -> None:
        if not tenant_id:
            raise ValueError("records belong to a tenant")
        self._blobs = blobs
        self.tenant_id = tenant_id

    async def settings(self) -> TenantSettings:
        return await read_record(self._blobs, names.settings(self.tenant_id), TenantSettings) or TenantSettings()

    async def feedback(self, request_id: str, key_id: str) -> FeedbackText | None:
        """What a caller says of a request now."""
        return await read_record(self._blobs, names.feedback(self.tenant_id, request_id, key_id), FeedbackText)

    async def write_feedback(self, request_id: str, key_id: str, feedback: FeedbackText) -> None:
        await self._blobs.write(names.feedback(self.tenant_id, request_id, key_id), msgspec.json.encode(feedback))

    async def deleted_generation(self, document_id: str) -> int:
        """The last generation of the document that was deleted; 0 where none was."""
        found = await read_record(self._blobs, names.tombstone(self.tenant_id, document_id), Tombstone)
        return found.generation if found else 0

    async def deleted_documents(self) -> AsyncIterator[tuple[str, int]]:
        """The id of every document that was deleted, with its last deleted generation."""
        prefix = names.tombstone(self.tenant_id, "")
        for name in await self._blobs.names(prefix):
            document_id = name.removeprefix(prefix)
            yield document_id, await self.deleted_generation(document_id)

    async def document(self, document_id: str) -> DocumentRecord | None:
        """The document as it is stored now; None where it was never stored, or is deleted."""
        return await self.generation(document_id, await self.deleted_generation(document_id) + 1)

    async def generation(self, document_id: str, generation: int) -> DocumentRecord | None:
        """One generation of the document, also where it is deleted and not erased yet."""
        return await read_record(self._blobs, self._folder(document_id, generation) + "document", DocumentRecord)

    async def is_deleted(self, document_id: str, generation: int) -> bool:
        return generation <= await self.deleted_generation(document_id)

    async def document_ids(self) -> list[str]:
        """All documents that have blobs, also those whose erasure is under way."""
        return await self._blobs.folders(f"t/{self.tenant_id}/d/")

    async def documents(self) -> AsyncIterator[DocumentRecord]:
        for document_id in await self.document_ids():
            if record := await self.document(document_id):
                yield record

    async def store(self, record: DocumentRecord, original: Path) -> DocumentRecord:
        """Writes the open marker (by which the sweep finds what a crash leaves), the original, then the record.

        Of concurrent calls for one document the first writes the record, and all return it. Raises `NotFound` where the
        tenant is deleted: looked at last, since a deletion that comes later finds the record.
        """
        name = self._folder(record.document_id, record.generation)
        await self.mark_open(record.document_id, record.generation, "ingesting")
        await self._blobs.adopt(name + "original", original)
        is_first = await self._blobs.create(name + "document", msgspec.json.encode(record))
        if await tenant_deletion(self._blobs, self.tenant_id):
            await self.mark_open(record.document_id, record.generation, "deleting")
            await self.write_tombstone(record.document_id, record.generation)
            raise NotFound("This tenant was deleted.")
        if is_first:
            return record
        return await self.generation(record.document_id, record.generation) or record

    async def change(self, record: DocumentRecord) -> None:
        """Replaces the record, with another title, class or bound; the caller holds the document's lease."""
        name = self._folder(record.document_id, record.generation) + "document"
        await self._blobs.write(name, msgspec.json.encode(record))

    async def raise_classification(self, record: DocumentRecord, to: Classification) -> DocumentRecord:
        raised = msgspec.structs.replace(record, classification=higher(record.classification, to))
        if raised != record:
            await self.change(raised)
        return raised

    def original(self, record: DocumentRecord) -> AsyncIterator[bytes]:
        return self._blobs.stream(self._folder(record.document_id, record.generation) + "original")

    def original_name(self, record: DocumentRecord) -> str:
        return self._folder(record.document_id, record.generation) + "original"

    async def stages(self, document_id: str, generation: int) -> list[StageRecord]:
        """The records of the stages that have ended, in the order they ended."""
        found = await self._blobs.names(self._folder(document_id, generation) + "stages/")
        records = [await read_record(self._blobs, name, StageRecord) for name in found]
        return sorted((record for record in records if record), key=lambda record: record.finished_at)

    async def stage(self, document_id: str, generation: int, stage: str) -> StageRecord | None:
        return await read_record(self._blobs, self._stage(document_id, generation, stage), StageRecord)

    async def outcome(self, document_id: str, generation: int, stage: str, kind: type[_Event]) -> _Event | None:
        """The event with which a stage has succeeded; None where it has not, or has emitted another."""
        record = await self.stage(document_id, generation, stage)
        if record is None or record.outcome != "done":
            return None
        event = outcome_event(Origin(self.tenant_id, document_id, generation), record)
        return event if isinstance(event, kind) else None

    async def write_stage(self, document_id: str, generation: int, record: StageRecord) -> None:
        """Raises `DocumentIsDeleted`."""
        await self.write(document_id, generation, f"stages/{record.stage}", msgspec.json.encode(record))

    async def erase_stage(self, document_id: str, generation: int, stage: str) -> None:
        await self._blobs.erase(self._stage(document_id, generation, stage))

    async def write(self, document_id: str, generation: int, name: str, data: bytes) -> str:
        """Writes a stage's result and returns the blob's name, for the event. Raises `DocumentIsDeleted`.

        A store may finish a write whose caller was cancelled. So a cancellation waits for the write, and for the check
        that erases it where the document was deleted meanwhile.
        """
        blob = f"{self._folder(document_id, generation)}{name}"
        await to_its_end(self._write(blob, document_id, generation, data))
        return blob

    async def _write(self, blob: str, document_id: str, generation: int, data: bytes) -> None:
        await self._blobs.write(blob, data)
        if await self.is_deleted(document_id, generation):  # a later deletion erases it itself
            await self._blobs.erase(blob)
            raise DocumentIsDeleted(f"{document_id} was deleted while a stage was at work on it")

    async def part(self, document_id: str, generation: int, name: str) -> bytes | None:
        """A part of a result that is not complete yet."""
        try:
            return await self._blobs.read(f"{self._folder(document_id, generation)}parts/{name}")
        except BlobMissing:
            return None

    async def part_names(self, document_id: str, generation: int, key: str) -> list[str]:
        prefix = f"{self._folder(document_id, generation)}parts/{key}/"
        return [name.removeprefix(prefix) for name in await self._blobs.names(prefix)]

    async def erase_parts(self, document_id: str, generation: int, key: str) -> None:
        await self._blobs.erase_all(f"{self._folder(document_id, generation)}parts/{key}/")

    async def read(self, blob: str) -> bytes:
        """Reads a blob that an event names. Raises `BlobMissing`, also for a blob of another tenant."""
        if not blob.startswith(f"t/{self.tenant_id}/"):
            raise BlobMissing(blob)
        return await self._blobs.read(blob)

    async def inbox(self, blob: str) -> AsyncIterator[bytes]:
        """The pieces of a blob that an outside producer put in the tenant's inbox. Raises `BlobMissing`, also for blobs
        elsewhere."""
        if not blob.startswith(names.inbox(self.tenant_id)) or not is_name(blob):
            raise BlobMissing(blob)
        async for piece in self._blobs.stream(blob):
            yield piece

    async def clear_inbox(self, blob: str) -> None:
        if blob.startswith(names.inbox(self.tenant_id)):
            await self._blobs.erase(blob)

    async def mark_open(self, document_id: str, generation: int, kind: MarkerKind) -> None:
        """Marks the document as not final, for the sweep.

        Each kind has a marker of its own: a stage that ends must not close a deletion.
        """
        name = names.open_marker(self.tenant_id, document_id, generation, kind)
        await self._blobs.write(name, msgspec.json.encode(OpenMarker(kind, now())))

    async def mark_closed(self, document_id: str, generation: int, kind: MarkerKind = "ingesting") -> None:
        await self._blobs.erase(names.open_marker(self.tenant_id, document_id, generation, kind))

    async def open_marker(self, document_id: str, generation: int, kind: MarkerKind) -> OpenMarker | None:
        return await read_record(
            self._blobs, names.open_marker(self.tenant_id, document_id, generation, kind), OpenMarker
        )

    async def write_tombstone(self, document_id: str, generation: int) -> None:
        """Deletes the document for every reader; its blobs are erased later."""
        if await self.deleted_generation(document_id) < generation:
            tombstone = Tombstone(generation, now())
            await self._blobs.write(names.tombstone(self.tenant_id, document_id), msgspec.json.encode(tombstone))

    async def erase(self, document_id: str, up_to_generation: int) -> None:
        """Erases the blobs of every generation up to this one."""
        for name in (names.document_folder, names.graph_folder):
            folder = name(self.tenant_id, document_id)
            for generation in await self._blobs.folders(folder):
                if int(generation) <= up_to_generation:
                    await self._blobs.erase_all(f"{folder}{generation}/")

    async def write_graph(self, document_id: str, generation: int, part: DocumentGraph) -> None:
        """Records what was imported into the graph of a document; without a document, merges of the tenant's own."""
        data = msgspec.msgpack.encode(part)
        name = names.graph_part(self.tenant_id, document_id, generation, sha256(data).hexdigest()[:32])
        await self._blobs.write(name, data)

    async def graphs(self) -> AsyncIterator[DocumentGraph]:
        """What was imported into the graph, in parts."""
        for name in await self._blobs.names(names.graph(self.tenant_id)):
            with suppress(BlobMissing):  # erased with its document meanwhile
                yield msgspec.msgpack.decode(await self._blobs.read(name), type=DocumentGraph)

    async def has_blobs(self, document_id: str, up_to_generation: int) -> bool:
        """Whether there are blobs of the generations up to this one."""
        generations = await self._blobs.folders(names.document_folder(self.tenant_id, document_id))
        return any(int(generation) <= up_to_generation for generation in generations)

    def _folder(self, document_id: str, generation: int) -> str:
        return names.generation(self.tenant_id, document_id, generation)

    def _stage(self, document_id: str, generation: int, stage: str) -> str:
        return f"{self._folder(document_id, generation)}stages/{stage}"


class OpenDocument(Struct, frozen=True):
    tenant_id: str
    document_id: str
    generation: int
    marker: OpenMarker


class PlatformRecords:
    """The records of all tenants: for the sweep, dead letters and rebuilding, never for a tenant's request."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def of(self, tenant_id: str) -> TenantRecords:
        return TenantRecords(self._blobs, tenant_id)

    async def make_room(self) -> bool:
        """Gives up what is held in reserve for deletions, where the disk is full; False where that changes nothing."""
        return await self._blobs.make_room()

    async def tenant_ids(self) -> list[str]:
        return await self._blobs.folders("t/")

    async def open_documents(self) -> AsyncIterator[OpenDocument]:
        for name in await self._blobs.names("open/"):
            _, tenant_id, document_id, generation, _ = name.split("/")
            if marker := await read_record(self._blobs, name, OpenMarker):
                yield OpenDocument(tenant_id, document_id, int(generation), marker)

    async def dead_letters(self, tenant_id: str | None = None) -> list[DeadLetter]:
        """The dead letters of one tenant, or of all, newest first."""
        prefix = f"failed/{tenant_id}/" if tenant_id else "failed/"
        records = [await read_record(self._blobs, name, DeadLetter) for name in await self._blobs.names(prefix)]
        found = [record for record in records if record]
        return sorted(found, key=lambda dead_letter: (dead_letter.failed_at, dead_letter.dead_letter_id), reverse=True)

    async def dead_letter(self, dead_letter_id: str, tenant_id: str | None = None) -> DeadLetter | None:
        for tenant in [tenant_id] if tenant_id else await self._blobs.folders("failed/"):
            if found := await read_record(self._blobs, names.dead_letter(tenant, dead_letter_id), DeadLetter):
                return found
        return None

    async def write_dead_letter(self, dead_letter: DeadLetter) -> None:
        name = names.dead_letter(dead_letter.tenant_id, dead_letter.dead_letter_id)
        await self._blobs.write(name, msgspec.json.encode(dead_letter))

    async def erase_dead_letter(self, dead_letter: DeadLetter) -> None:
        await self._blobs.erase(names.dead_letter(dead_letter.tenant_id, dead_letter.dead_letter_id))

    async def begin_tenant_deletion(self, tenant_id: str) -> None:
        """From here on nothing of the tenant enters, and the sweep erases what it had."""
        deletion = msgspec.json.encode(TenantDeletion(now()))
        await self._blobs.create(names.deleting_tenant(tenant_id), deletion)
        await self._blobs.create(names.deleted_tenant(tenant_id), deletion)

    async def tenant_deletions(self) -> list[tuple[str, TenantDeletion]]:
        """The tenants whose erasure has not ended."""
        found = []
        for name in await self._blobs.names(names.DELETING_TENANTS):
            if deletion := await read_record(self._blobs, name, TenantDeletion):
                found.append((name.removeprefix(names.DELETING_TENANTS), deletion))
        return found

    async def keep_tenant_deletion(self, tenant_id: str, deletion: TenantDeletion) -> None:
        await self._blobs.write(names.deleting_tenant(tenant_id), msgspec.json.encode(deletion))

    async def end_tenant_deletion(self, tenant_id: str) -> None:
        await self._blobs.erase(names.deleting_tenant(tenant_id))

    async def erase_tenant(self, tenant_id: str) -> None:
        """Erases the tenant's name, settings, caps, keys, users, inbox, feedback, imported graph and dead letters. Its
        usage and the tombstones of its documents stay: ids, hashes and counts."""
        if tenant := await read_record(self._blobs, names.tenant(tenant_id), TenantRecord):
            nameless = msgspec.structs.replace(tenant, name="", deleted=True)
            await self._blobs.write(names.tenant(tenant_id), msgspec.json.encode(nameless))
        for name in await self._blobs.names(names.user(tenant_id, "")):
            if user := await read_record(self._blobs, name, UserRecord):
                await self._blobs.erase(names.username(normalized(user.username)))
        for name in await self._blobs.names(names.accounts(tenant_id)):
            if name != names.tenant(tenant_id):
                await self._blobs.erase(name)
        await self._blobs.erase_all(names.inbox(tenant_id))
        await self._blobs.erase_all(names.feedback(tenant_id))
        await self._blobs.erase_all(names.graph(tenant_id))
        await self._blobs.erase_all(names.dead_letter(tenant_id, ""))
