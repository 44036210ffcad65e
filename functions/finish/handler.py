"""Declares a document ready: it runs when every branch that the table declares has spoken."""

from events.document import DocumentEmbedded, DocumentReady
from shared.stages.stages import StageWork

STAGE_VERSION = 1


async def handle(event: DocumentEmbedded, work: StageWork) -> DocumentReady:
    return DocumentReady(origin=event.origin, key=work.key, passages=event.count)
