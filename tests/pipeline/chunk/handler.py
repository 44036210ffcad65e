"""One branch: the text with an ending from the settings."""

from msgspec import Struct

from events.document import DocumentChunked, DocumentParsed
from shared.stages.stages import StageWork
from tests.pipeline.workshop import work_on

STAGE_VERSION = 1


class Ending(Struct, frozen=True):
    ending: str


async def handle(event: DocumentParsed, work: StageWork, settings: Ending) -> DocumentChunked:
    text = await work.read(event.parsed)
    blob = await work_on("chunk", work, "passages", text + settings.ending.encode())
    return DocumentChunked(origin=event.origin, key=work.key, passages=blob, count=2)
