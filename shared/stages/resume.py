"""What has to be said for a document to go on, read from the ledger."""

from hashlib import sha256

from msgspec import Struct

from events.document import DocumentEvent, DocumentStored, Origin
from shared.records.outcomes import outcome_event
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord, StageRecord
from shared.table.table import Table


class PendingEvent(Struct, frozen=True):
    """An event and the function whose outcome it is."""

    source: str
    event: DocumentEvent


def origin_of(record: DocumentRecord, tenant_id: str, request_id: str = "", traceparent: str = "") -> Origin:
    return Origin(
        tenant_id, record.document_id, record.generation, record.route, request_id or record.request_id, traceparent
    )


def stored_event(record: DocumentRecord, records: TenantRecords, about: Origin) -> DocumentStored:
    """The first event of a document's life; its key holds content and media type."""
    key = sha256(f"{record.content_hash}\n{record.media_type}\n{record.parser}".encode()).hexdigest()[:32]
    return DocumentStored(
        origin=about,
        key=key,
        original=records.original_name(record),
        filename=record.filename,
        media_type=record.media_type,
        parser=record.parser,
        size=record.size,
    )


async def pending(table: Table, records: TenantRecords, record: DocumentRecord, about: Origin) -> list[PendingEvent]:
    """Every outcome that a stage still has to hear, the original's arrival among them."""
    ended = {stage.stage: stage for stage in await records.stages(record.document_id, record.generation)}
    said = [PendingEvent("upload", stored_event(record, records, about))]
    for name, stage in ended.items():
        outcome = outcome_event(about, stage)
        if outcome and stage.outcome == "done":
            said.append(PendingEvent(name, outcome))
    return [saying for saying in said if _is_awaited(table, saying.event, ended)]


def _is_awaited(table: Table, event: DocumentEvent, ended: dict[str, StageRecord]) -> bool:
    listening = [
        function.name
        for function, operation in table.listeners(event.type_name())
        if operation.is_stage and operation.is_on(event.origin.route)
    ]
    return any(name not in ended or ended[name].outcome == "failed" for name in listening)


async def run_again(
    table: Table, records: TenantRecords, record: DocumentRecord, from_stage: str | None
) -> tuple[str, ...]:
    """Forgets how stages ended: all from one on, or those that did not succeed. Returns their names."""
    pipeline = table.stages(record.route)
    if from_stage:
        forgotten = pipeline[pipeline.index(from_stage) :]
    else:
        ended = await records.stages(record.document_id, record.generation)
        forgotten = tuple(stage.stage for stage in ended if stage.outcome != "done")
    for stage in forgotten:
        await records.erase_stage(record.document_id, record.generation, stage)
    return forgotten
