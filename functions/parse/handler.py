"""Reads a document's text and structure, in a child process with limits and no network."""

from events.document import DocumentParsed, DocumentStored
from shared.formats.table import PAGED
from shared.parsing.sliced import read_here, told
from shared.parsing.workers import ParserPool
from shared.runtime.stages import StageWork

CRAFT = 3


async def handle(event: DocumentStored, work: StageWork, parsers: ParserPool) -> DocumentParsed | DocumentStored:
    if event.parser == PAGED:
        return await read_here(event, work, parsers)
    original = await work.read(event.original)
    return await told(event, work, await parsers.parse(event.parser, event.media_type, event.filename, original))
