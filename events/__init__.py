"""The messages that functions publish."""

from events.budget import BudgetThresholdReached
from events.clock import ClockTicked
from events.document import (
    DocumentChunked,
    DocumentDeleted,
    DocumentEmbedded,
    DocumentEvent,
    DocumentExtracted,
    DocumentLinked,
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
        DocumentExtracted,
        DocumentLinked,
        DocumentReady,
        DocumentRejected,
        DocumentDeleted,
    )
}

Message = DocumentEvent | BudgetThresholdReached
"""The events that a function may publish."""

EVENTS: dict[str, type[Message] | type[ClockTicked]] = {
    **DOCUMENT_EVENTS,
    BudgetThresholdReached.type_name(): BudgetThresholdReached,
    ClockTicked.type_name(): ClockTicked,
}

__all__ = [
    "DOCUMENT_EVENTS",
    "EVENTS",
    "BudgetThresholdReached",
    "ClockTicked",
    "DocumentChunked",
    "DocumentDeleted",
    "DocumentEmbedded",
    "DocumentEvent",
    "DocumentExtracted",
    "DocumentLinked",
    "DocumentParsed",
    "DocumentReady",
    "DocumentRejected",
    "DocumentStored",
    "Message",
    "Origin",
]
