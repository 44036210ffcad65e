"""Declares a document ready: it runs when every branch that the table declares has ended."""

from events.document import DocumentEmbedded, DocumentLinked, DocumentReady
from shared.records.records import TenantRecords
from shared.stages.stages import StageWork

STAGE_VERSION = 1


async def handle(event: DocumentEmbedded | DocumentLinked, work: StageWork, records: TenantRecords) -> DocumentReady:
    """Runs when the document is both embedded and linked; `event` is the later of the two."""
    origin = event.origin
    embedded = await records.outcome(origin.document_id, origin.generation, "embed", DocumentEmbedded)
    linked = await records.outcome(origin.document_id, origin.generation, "link", DocumentLinked)
    assert embedded and linked  # a join runs after all of its branches
    return DocumentReady(origin=origin, key=work.key, passages=embedded.count, entities=linked.count)
