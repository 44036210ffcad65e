"""The first stage: the original's text in capitals."""

from events.document import DocumentParsed, DocumentStored
from shared.stages.stages import StageWork
from tests.pipeline.workshop import work_on

STAGE_VERSION = 1


async def handle(event: DocumentStored, work: StageWork) -> DocumentParsed:
    text = (await work.read(event.original)).decode().upper()
    blob = await work_on("parse", work, "parsed", text.encode())
    return DocumentParsed(origin=event.origin, key=work.key, parsed=blob, pages=1, title="A title that was found")
