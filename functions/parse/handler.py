"""Reads a document's text and structure, in a child process with limits and no network."""

import asyncio

import msgspec

from events.document import DocumentParsed, DocumentStored
from shared.parsing.document import ParsedDocument, Slice
from shared.parsing.slices import joined
from shared.parsing.workers import ParserPool
from shared.runtime.stages import StageWork

CRAFT = 3

PAGED = "paged"
"""The parser of what has pages: it is asked for slices of them."""


async def handle(event: DocumentStored, work: StageWork, parsers: ParserPool) -> DocumentParsed | DocumentStored:
    original = await work.read(event.original)
    if event.parser != PAGED:
        document = await parsers.parse(event.parser, event.media_type, event.filename, original)
        return await _parsed(event, work, document)
    slices = await _slices(event, work, parsers, original)
    if slices[-1].until < slices[-1].pages:
        return msgspec.structs.replace(event, continuation=event.continuation + 1)
    return await _parsed(event, work, await asyncio.to_thread(joined, slices))


async def _slices(event: DocumentStored, work: StageWork, parsers: ParserPool, original: bytes) -> list[Slice]:
    """The pages from the first on: those that an earlier delivery kept, then as many as there is time for."""
    slices: list[Slice] = []
    while not slices or slices[-1].until < slices[-1].pages:
        first = slices[-1].until + 1 if slices else 1
        if kept := await work.part(str(first)):
            slices.append(msgspec.msgpack.decode(kept, type=Slice))
            continue
        if slices and work.is_late:
            break
        spent = sum(one.seconds for one in slices)
        slices.append(await parsers.parse_slice(event.media_type, original, first, spent))
        if slices[-1].pages > slices[-1].until or len(slices) > 1:
            await work.keep_part(str(first), msgspec.msgpack.encode(slices[-1]))
    return slices


async def _parsed(event: DocumentStored, work: StageWork, document: ParsedDocument) -> DocumentParsed:
    blob = await work.keep("parsed", msgspec.json.encode(document))
    if event.parser == PAGED:
        await work.drop_parts()
    return DocumentParsed(
        origin=event.origin, key=work.key, parsed=blob, pages=document.pages, title=document.title[:500]
    )
