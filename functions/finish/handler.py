"""Declares a document ready: it runs when every branch that the table declares has spoken."""

from events.document import DocumentEmbedded, DocumentReady
from shared.runtime.stages import StageWork

CRAFT = 1


async def handle(event: DocumentEmbedded, work: StageWork) -> DocumentReady:
    return DocumentReady(origin=event.origin, key=work.key, passages=event.count)
