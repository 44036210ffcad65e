"""Puts a document's slices where the warm pool takes them, and puts together what it has read."""

from events.document import DocumentParsed, DocumentStored
from shared.estimation.affording import check_pages
from shared.parsing.pool import ParserPool
from shared.pictures.describer import Describer
from shared.pictures.describing import Describing
from shared.pictures.sliced import parsed, parts_of, read_here, read_slices, refusal
from shared.pool.queue import SliceQueue
from shared.runtime.wiring.settings import Settings
from shared.stages.stages import StageWork
from shared.types.waiting import Waiting

STAGE_VERSION = 7
"""That of `parse`: both make the same of the same document, and change together."""


async def handle(
    event: DocumentStored,
    work: StageWork,
    slices: SliceQueue,
    parsers: ParserPool,
    describer: Describer,
    settings: Settings,
) -> DocumentParsed | DocumentStored | Waiting:
    if not settings.pool_workers:  # the pool was taken away; its documents are not left behind
        return await read_here(event, work, parsers, describer)
    parts = await parts_of(work)
    if parts.is_refused:
        raise await refusal(work)
    if missing := parts.missing():
        if work.allowance.is_bounded:
            await check_pages(event, work, parsers, await work.read(event.original))
        await slices.put(event, missing)
        return Waiting("gpu_slot")
    describing = Describing(event, work, parsers, describer)
    return await parsed(event, work, await read_slices(work, parts), describing, round(parts.seconds * 1000))
