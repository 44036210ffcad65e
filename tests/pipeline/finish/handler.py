"""The join: it runs when both branches have spoken."""

from events.document import DocumentChunked, DocumentEmbedded, DocumentReady
from shared.stages.stages import StageWork
from tests.pipeline.workshop import work_on

STAGE_VERSION = 1


async def handle(event: DocumentChunked | DocumentEmbedded, work: StageWork) -> DocumentReady:
    await work_on("finish", work, "finished", b"both")
    return DocumentReady(origin=event.origin, key=work.key, passages=event.count)
