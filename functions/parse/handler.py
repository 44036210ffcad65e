"""Reads a document's text and structure, in a child process with limits and no network."""

import msgspec

from events.document import DocumentParsed, DocumentStored
from shared.parsing.workers import ParserPool
from shared.runtime.stages import StageWork

CRAFT = 1


async def handle(event: DocumentStored, work: StageWork, parsers: ParserPool) -> DocumentParsed:
    original = await work.read(event.original)
    document = await parsers.parse(event.parser, event.media_type, event.filename, original)
    blob = await work.keep("parsed", msgspec.json.encode(document))
    return DocumentParsed(
        origin=event.origin, key=work.key, parsed=blob, pages=document.pages, title=document.title[:500]
    )
