"""Streams the progress of a document until it is final.

An event's id holds the status of every stage when it was sent, so that a client that reconnects misses nothing.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from functions.documents.access import OneDocument
from shared.catalogue.catalogue import Catalogue, CatalogueEntry
from shared.catalogue.finding import find
from shared.catalogue.view import FINAL, DocumentView, WaitingStage, view
from shared.catalogue.watches import Watch, Watches
from shared.table.table import Table
from shared.types.call import Call
from shared.types.errors import NotFound
from shared.types.http import EventStream, ServerSentEvent

_LOOK_S = 1.0
"""How often a watch looks whether the process ends."""
_LONGEST_S = 540
"""A watch ends before any platform's limit; its client reconnects with the last id."""


ERRORS = (NotFound,)


async def handle(request: OneDocument, catalogue: Catalogue, watches: Watches, table: Table, call: Call) -> EventStream:
    entry = await find(request.document_id, catalogue)
    watch = watches.open(call.tenant_id, request.document_id)
    return EventStream(_events(watch, entry, watches, catalogue, table, call))


async def _events(
    watch: Watch, entry: CatalogueEntry, watches: Watches, catalogue: Catalogue, table: Table, call: Call
) -> AsyncIterator[ServerSentEvent]:
    pairs = (part.partition(":") for part in call.last_event_id[:2000].split(","))  # as `_write_id` formats them
    seen = {stage: status for stage, _, status in pairs if status}
    until = asyncio.get_running_loop().time() + _LONGEST_S
    pipeline = table.stages(entry.record.route)
    try:
        while True:
            document = view(entry, pipeline)
            for event in _changes(document, seen):
                yield event
            if document.status in FINAL:
                yield ServerSentEvent("done", document, _write_id(seen))
                return
            has_changed = await watches.wait(watch, _LOOK_S)
            if call.is_ending() or asyncio.get_running_loop().time() > until:
                return
            if not has_changed:
                continue
            found = await catalogue.entry(watch.document_id)
            if found is None:
                raise NotFound("The document was deleted.")
            entry = found
    finally:
        watches.close(watch)


def _changes(document: DocumentView, seen: dict[str, str]) -> list[ServerSentEvent]:
    """A stage's every change since `seen`, which is brought up to date."""
    events = []
    for stage in document.stages:
        if stage.status != seen.get(stage.stage, "pending"):
            seen[stage.stage] = stage.status
            if stage.status == "waiting":
                waits = WaitingStage(**msgspec.structs.asdict(stage), waiting_for=document.waiting_for)
                events.append(ServerSentEvent("waiting", waits, _write_id(seen)))
            else:
                events.append(ServerSentEvent("stage", stage, _write_id(seen)))
    return events


def _write_id(seen: dict[str, str]) -> str:
    return ",".join(f"{stage}:{status}" for stage, status in seen.items())
