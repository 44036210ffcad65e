"""The other branch: the text backwards."""

from events.document import DocumentEmbedded, DocumentParsed
from shared.stages.stages import StageWork
from tests.pipeline.workshop import work_on

STAGE_VERSION = 1


async def handle(event: DocumentParsed, work: StageWork) -> DocumentEmbedded:
    text = await work.read(event.parsed)
    blob = await work_on("embed", work, "points", text[::-1])
    return DocumentEmbedded(origin=event.origin, key=work.key, points=blob, count=2, tokens=4)
