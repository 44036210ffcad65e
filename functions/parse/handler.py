"""Reads a document's text and structure, in a child process with limits and no network."""

from msgspec.structs import replace

from events.document import DocumentParsed, DocumentStored
from shared.estimation.affording import affordable_document
from shared.formats.table import PAGED
from shared.parsing.pool import ParserPool
from shared.pictures.describer import Describer
from shared.pictures.describing import Describing
from shared.pictures.printed import Printed, print_document
from shared.pictures.sliced import parsed_document, read_here
from shared.stages.stages import StageWork

STAGE_VERSION = 7


async def handle(
    event: DocumentStored, work: StageWork, parsers: ParserPool, describer: Describer
) -> DocumentParsed | DocumentStored:
    if event.parser == PAGED:
        return await read_here(event, work, parsers, describer)
    document = await affordable_document(event, work, parsers, await work.read(event.original))
    described = await Describing(event, work, parsers, describer).of(document.blocks, document.pages)
    printed = await print_document(event, work, parsers, document) if described.is_whole else Printed(document)
    parsed = await parsed_document(event, work, described, lambda: printed.document)
    if isinstance(parsed, DocumentStored):
        return parsed
    return replace(parsed, printed=printed.blob, printed_pages=printed.pages)
