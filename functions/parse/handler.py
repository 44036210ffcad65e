"""Reads a document's text and structure, in a child process with limits and no network."""

import asyncio
from collections.abc import Callable

import msgspec

from events.document import DocumentParsed, DocumentStored
from functions.parse.affording import affordable_document, check_pages
from functions.parse.describing import Described, Describing, with_descriptions
from shared.parsing.document import ParsedDocument, Slice
from shared.parsing.slices import joined
from shared.parsing.workers import ParserPool
from shared.pictures.describer import Describer
from shared.runtime.stages import StageWork

CRAFT = 3

PAGED = "paged"
"""The parser of what has pages: it is asked for slices of them."""


async def handle(
    event: DocumentStored, work: StageWork, parsers: ParserPool, describer: Describer
) -> DocumentParsed | DocumentStored:
    original = await work.read(event.original)
    describing = Describing(event, work, parsers, describer, original)
    if event.parser != PAGED:
        document = await affordable_document(event, work, parsers, original)
        described = await describing.of(document.blocks, document.pages)
        return await _parsed(event, work, described, lambda: document)
    await check_pages(event, work, parsers, original)
    slices = await _slices(event, work, parsers, original)
    if slices[-1].until < slices[-1].pages:
        return _to_go_on(event)
    described = await describing.of([block for one in slices for block in one.blocks], slices[-1].pages)
    return await _parsed(event, work, described, lambda: joined(slices))


def _to_go_on(event: DocumentStored) -> DocumentStored:
    return msgspec.structs.replace(event, continuation=event.continuation + 1)


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


async def _parsed(
    event: DocumentStored,
    work: StageWork,
    described: Described,
    read: Callable[[], ParsedDocument],
) -> DocumentParsed | DocumentStored:
    if not described.is_whole:
        return _to_go_on(event)
    document = await asyncio.to_thread(with_descriptions, read, described)
    blob = await work.keep("parsed", msgspec.json.encode(document))
    if event.parser == PAGED or work.allowance.is_bounded:
        await work.drop_parts()
    return DocumentParsed(
        origin=event.origin,
        key=work.key,
        parsed=blob,
        pages=document.pages,
        title=document.title[:500],
        models_microusd=described.cost_microusd,
    )
