"""Checks a document against the cost limit of its uploader: before it is read or, where the extent is known only then,
before its reading is billed."""

from collections.abc import Sequence

import msgspec

from events.document import DocumentStored
from shared.estimation.extent import Extent, extent_of_document, extent_of_pages
from shared.estimation.forecast import forecasts, reading_ms, reading_pages_ms
from shared.parsing.document import Block, ParsedDocument
from shared.parsing.pool import ParserPool
from shared.stages.stages import StageWork

_LATER = ("chunk", "embed", "extract", "link", "finish")
_PART = "document"


async def check_pages(event: DocumentStored, work: StageWork, parsers: ParserPool, original: bytes) -> None:
    """Checks a document with pages. Raises `BeyondAllowance`."""
    if work.allowance.is_bounded and not event.continuation:
        statistics = await parsers.page_statistics(event.media_type, original)
        _check(work, extent_of_pages(statistics, ""), reading_pages_ms(statistics))


async def affordable_document(
    event: DocumentStored, work: StageWork, parsers: ParserPool, original: bytes
) -> ParsedDocument:
    """Returns a document whose extent is known only once it is read; its result waits until the limit is raised. Raises
    `BeyondAllowance`."""
    if not work.allowance.is_bounded:
        return await parsers.parse(event.parser, event.media_type, event.filename, original)
    work.allowance.check({"page_parsed": 1})
    if stored := await work.part(_PART):
        document = msgspec.msgpack.decode(stored, type=ParsedDocument)
    else:
        document = await parsers.parse(event.parser, event.media_type, event.filename, original)
        await work.write_part(_PART, msgspec.msgpack.encode(document))
    letters = sum(len(block.text) for block in document.blocks)
    _check(work, extent_of_document(document, document.title), reading_ms(event.parser, letters))
    return document


def units_microusd(event: DocumentStored, work: StageWork, blocks: Sequence[Block], pages: int) -> int:
    """Returns the most that all units of a limited document may cost; its calls of models may cost the rest."""
    if not work.allowance.is_bounded:
        return 0
    letters = sum(len(block.text) for block in blocks)
    extent = extent_of_document(ParsedDocument(tuple(blocks), pages=pages), "")
    stages = forecasts((_reading(work), *_LATER), extent, reading_ms(event.parser, letters))
    return sum(work.allowance.cost(one.most) for one in stages)


def _check(work: StageWork, extent: Extent, milliseconds: float) -> None:
    this, *later = forecasts((_reading(work), *_LATER), extent, milliseconds)
    work.allowance.check(this.most, later=[one.least for one in later])


def _reading(work: StageWork) -> str:
    return "parse_gpu" if work.origin.route == "gpu" else "parse"
