"""Parses a document with pages slice by slice and stores each slice, so that no page is parsed twice.

A part's name has its pages and the processor time of reading them (`first-until-pages-milliseconds`): what is missing
is known without opening any.
"""

import math
import re
from collections.abc import Callable, Sequence

import msgspec

from events.document import DocumentParsed, DocumentStored
from shared.estimation.affording import check_pages
from shared.formats.table import PAGED
from shared.parsing.document import ParsedDocument, Slice
from shared.parsing.pages import PageRange, Parts
from shared.parsing.pool import ParserPool
from shared.parsing.slices import join_slices
from shared.pictures.describer import Describer
from shared.pictures.describing import Described, Describing, with_descriptions
from shared.processes.cpu_threads import run_long
from shared.stages.stages import StageWork
from shared.types.errors import Rejected

_REFUSED = "refused"
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)-(\d+)")


async def parts_of(work: StageWork) -> Parts:
    names = await work.part_names()
    found = [match for name in names if (match := _NAME.fullmatch(name))]
    return Parts(
        {PageRange(int(match[1]), int(match[2])): match[0] for match in found},
        int(found[0][3]) if found else None,
        sum(int(match[4]) for match in found) / 1000,
        _REFUSED in names,
    )


async def keep_slice(work: StageWork, first: int, read: Slice) -> None:
    name = f"{first}-{read.until}-{read.pages}-{math.ceil(read.seconds * 1000)}"
    await work.write_part(name, msgspec.msgpack.encode(read))


async def keep_refusal(work: StageWork, refused: Rejected) -> None:
    await work.write_part(_REFUSED, msgspec.msgpack.encode((refused.code, refused.detail)))


async def refusal(work: StageWork) -> Rejected:
    """Returns the refusal that a slice stored, and erases the document's parts, for the document may be tried again."""
    stored = await work.part(_REFUSED)
    code, detail = msgspec.msgpack.decode(stored, type=tuple[str, str]) if stored else ("corrupt", "it cannot be read")
    await work.erase_parts()
    return Rejected(code, detail)


async def read_slices(work: StageWork, parts: Parts) -> list[Slice]:
    """Reads the stored slices of a chain."""
    found = [await work.part(parts.stored[one]) for one in parts.chain()]
    return [msgspec.msgpack.decode(data, type=Slice) for data in found if data]


async def read_here(
    event: DocumentStored, work: StageWork, parsers: ParserPool, describer: Describer
) -> DocumentParsed | DocumentStored:
    """Parses the missing pages in this delivery; what it has no time for is left to the next delivery."""
    original = await work.read(event.original)
    await check_pages(event, work, parsers, original)
    slices = await read_slices(work, await parts_of(work))
    while not slices or slices[-1].until < slices[-1].pages:
        if slices and work.is_late:
            return _to_go_on(event)
        first = slices[-1].until + 1 if slices else 1
        spent = sum(one.seconds for one in slices)
        slices.append(await parsers.parse_slice(event.media_type, original, first, spent))
        if slices[-1].pages > slices[-1].until or len(slices) > 1:
            await keep_slice(work, first, slices[-1])
    return await parsed(event, work, slices, Describing(event, work, parsers, describer))


async def parsed(
    event: DocumentStored, work: StageWork, slices: Sequence[Slice], describing: Describing, pool_ms: int = 0
) -> DocumentParsed | DocumentStored:
    """Joins the slices, adds the descriptions of pictures and returns the event."""
    described = await describing.of([block for one in slices for block in one.blocks], slices[-1].pages)
    return await parsed_document(event, work, described, lambda: join_slices(slices), pool_ms)


async def parsed_document(
    event: DocumentStored,
    work: StageWork,
    described: Described,
    read: Callable[[], ParsedDocument],
    pool_ms: int = 0,
) -> DocumentParsed | DocumentStored:
    if not described.is_whole:
        return _to_go_on(event)
    document = await run_long(event.origin.tenant_id, with_descriptions, read, described)
    blob = await work.write("parsed", msgspec.json.encode(document))
    if event.parser == PAGED or work.allowance.is_bounded:
        await work.erase_parts()
    return DocumentParsed(
        origin=event.origin,
        key=work.key,
        parsed=blob,
        pages=document.pages,
        title=document.title[:500],
        pool_ms=pool_ms,
        models_microusd=described.cost_microusd,
        words_in=document.words_in + sum(reading.words_in for reading in document.page_readings),
        words_out=document.words_out + sum(reading.words_out for reading in document.page_readings),
        hidden_words=document.hidden_words,
        parser=document.parser,
    )


def _to_go_on(event: DocumentStored) -> DocumentStored:
    return msgspec.structs.replace(event, continuation=event.continuation + 1)
