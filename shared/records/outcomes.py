"""Stores the event that a finished stage emitted in its record, and reads it back."""

from typing import Any

import msgspec

from events import DOCUMENT_EVENTS
from events.document import DocumentEvent, Origin
from shared.records.structs import StageRecord


def stored_outcome(event: DocumentEvent) -> dict[str, Any]:
    """Without the origin: each delivery has a request and a trace of its own."""
    data = {name: value for name, value in msgspec.to_builtins(event).items() if name not in ("type", "origin")}
    return {"type": event.type_name(), "data": data}


def outcome_event(origin: Origin, record: StageRecord) -> DocumentEvent | None:
    """The event that the stage emitted, with the origin of the delivery that asks; None where it emitted none."""
    if record.event is None:
        return None
    kind = DOCUMENT_EVENTS[record.event["type"]]
    return msgspec.convert(
        {**record.event["data"], "type": record.event["type"], "origin": msgspec.to_builtins(origin)}, kind
    )
