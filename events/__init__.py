"""What one function tells another."""

from events.clock import ClockTicked
from events.document import (
    DocumentChunked,
    DocumentDeleted,
    DocumentEmbedded,
    DocumentEvent,
    DocumentParsed,
    DocumentReady,
    DocumentRejected,
    DocumentStored,
    Origin,
)

DOCUMENT_EVENTS: dict[str, type[DocumentEvent]] = {
    event.type_name(): event
    for event in (
        DocumentStored,
        DocumentParsed,
        DocumentChunked,
        DocumentEmbedded,
        DocumentReady,
        DocumentRejected,
        DocumentDeleted,
    )
}

EVENTS: dict[str, type[DocumentEvent] | type[ClockTicked]] = {
    **DOCUMENT_EVENTS,
    ClockTicked.type_name(): ClockTicked,
}

__all__ = [
    "DOCUMENT_EVENTS",
    "EVENTS",
    "ClockTicked",
    "DocumentChunked",
    "DocumentDeleted",
    "DocumentEmbedded",
    "DocumentEvent",
    "DocumentParsed",
    "DocumentReady",
    "DocumentRejected",
    "DocumentStored",
    "Origin",
]
