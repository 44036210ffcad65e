"""The events by which a document goes on, made from its records."""

from hashlib import sha256

from events.document import DocumentEvent, DocumentStored, Origin
from shared.records.outcomes import outcome_event
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord, StageRecord
from shared.table.table import Table


def origin_of(record: DocumentRecord, tenant_id: str, request_id: str = "", traceparent: str = "") -> Origin:
    return Origin(
        tenant_id, record.document_id, record.generation, record.route, request_id or record.request_id, traceparent
    )


def stored_event(record: DocumentRecord, records: TenantRecords, origin: Origin) -> DocumentStored:
    """The first event of a document's generation; its key is a hash of content and media type."""
    key = sha256(f"{record.content_hash}\n{record.media_type}\n{record.parser}".encode()).hexdigest()[:32]
    return DocumentStored(
        origin=origin,
        key=key,
        original=records.original_name(record),
        filename=record.filename,
        media_type=record.media_type,
        parser=record.parser,
        size=record.size,
    )


async def pending_events(
    table: Table, records: TenantRecords, record: DocumentRecord, origin: Origin
) -> list[DocumentEvent]:
    """The outcomes, and the original's arrival, for which a stage has not run yet."""
    ended = {stage.stage: stage for stage in await records.stages(record.document_id, record.generation)}
    outcomes = [outcome_event(origin, stage) for stage in ended.values() if stage.outcome == "done"]
    events = [stored_event(record, records, origin), *(event for event in outcomes if event)]
    return [event for event in events if _is_awaited(table, event, ended)]


def _is_awaited(table: Table, event: DocumentEvent, ended: dict[str, StageRecord]) -> bool:
    listening = [
        function.name
        for function, operation in table.listeners(event.type_name())
        if operation.is_stage and operation.is_on(event.origin.route)
    ]
    return any(name not in ended or ended[name].outcome == "failed" for name in listening)


async def reset_stages(
    table: Table, records: TenantRecords, record: DocumentRecord, from_stage: str | None = None
) -> tuple[str, ...]:
    """Erases the records of stages, so that they run again: all from one on, or those that did not succeed.

    Returns their names.
    """
    pipeline = table.stages(record.route)
    if from_stage:
        stages = pipeline[pipeline.index(from_stage) :]
    else:
        ended = await records.stages(record.document_id, record.generation)
        stages = tuple(stage.stage for stage in ended if stage.outcome != "done")
    for stage in stages:
        await records.erase_stage(record.document_id, record.generation, stage)
    return stages
