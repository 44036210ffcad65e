"""Prints the pages of office documents with LibreOffice, where it is installed, and keeps them beside the document.

Pages are optional: a document is parsed without them too.
"""

import asyncio
import math
import time

from msgspec import Struct
from msgspec.structs import replace

from events.document import DocumentStored
from shared.parsing.document import ParsedDocument
from shared.parsing.office.targets import has_sheets, has_slides
from shared.parsing.page_places import place_blocks
from shared.parsing.pool import ParserPool
from shared.processes.cpu_threads import run_long
from shared.stages.allowance import BeyondAllowance
from shared.stages.stages import StageWork
from shared.telemetry.logs import log
from shared.types.errors import AegisError

LARGEST = 64 * 1024 * 1024
"""Bytes of a PDF that is stored; pages of a larger one are not shown."""

_USUAL_MS = 10_000
"""What printing may take at the price of a function's time, where the document has a limit of cost."""


class Printed(Struct, frozen=True):
    """A parsed document with the blob of its pages; empty where there are none."""

    document: ParsedDocument
    blob: str = ""
    pages: int = 0


async def print_document(
    event: DocumentStored, work: StageWork, parsers: ParserPool, document: ParsedDocument
) -> Printed:
    """Prints the document and returns it with each block on its page. Slides that are counted have their numbers."""
    try:
        work.allowance.check({"function_second": _USUAL_MS})
        async with asyncio.timeout(None if math.isinf(work.until) else work.until - time.monotonic()):
            printed = await parsers.print_pages(event.media_type, lambda: work.read(event.original))
    except BeyondAllowance:
        return Printed(document)
    except (AegisError, TimeoutError) as error:  # or the delivery would end before the document is read
        about = {"tenant": event.origin.tenant_id, "document": event.origin.document_id}
        log().warning(f"the pages of a document are not printed: {error or 'no time is left'}", extra=about)
        return Printed(document)
    if printed is None or len(printed.pdf) > LARGEST:
        return Printed(document)
    blob = await work.write("pages.pdf", printed.pdf)
    if not (has_slides(event.media_type) and document.pages):
        blocks = await run_long(
            event.origin.tenant_id, place_blocks, document.blocks, printed.texts, not has_sheets(event.media_type)
        )
        document = replace(document, blocks=blocks)
    return Printed(document, blob, len(printed.texts))
