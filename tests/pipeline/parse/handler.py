"""The first stage: reads the original as Markdown."""

import msgspec

from events.document import DocumentParsed, DocumentStored
from shared.parsing.light import markdown
from shared.parsing.limits import ParsingLimits
from shared.stages.stages import StageWork
from tests.pipeline.workshop import work_on

STAGE_VERSION = 1


async def handle(event: DocumentStored, work: StageWork) -> DocumentParsed:
    document = markdown.parse(await work.read(event.original), ParsingLimits())
    blob = await work_on("parse", work, "parsed", msgspec.json.encode(document))
    return DocumentParsed(origin=event.origin, key=work.key, parsed=blob, pages=1, title="A title that was found")
