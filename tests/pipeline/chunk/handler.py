"""One branch: the whole text as one passage, with an ending from the settings."""

import msgspec
from msgspec import Struct

from events.document import DocumentChunked, DocumentParsed
from shared.parsing.document import ParsedDocument
from shared.parsing.markdown import to_markdown
from shared.stages.stages import StageWork
from shared.types.passage import Passage
from tests.pipeline.workshop import work_on

STAGE_VERSION = 1


class Ending(Struct, frozen=True):
    ending: str


async def handle(event: DocumentParsed, work: StageWork, settings: Ending) -> DocumentChunked:
    text = to_markdown(msgspec.json.decode(await work.read(event.parsed), type=ParsedDocument)).strip()
    origin = event.origin
    passage = Passage(f"psg_{origin.document_id}", origin.document_id, origin.generation, 0, text + settings.ending)
    blob = await work_on("chunk", work, "passages", msgspec.json.encode([passage]))
    return DocumentChunked(origin=event.origin, key=work.key, passages=blob, count=2)
