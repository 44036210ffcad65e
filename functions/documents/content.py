"""Returns a document's text as Markdown."""

from collections.abc import AsyncIterator
from functools import partial

from events.document import DocumentParsed
from functions.documents.access import OneDocument, find
from shared.catalogue.catalogue import Catalogue
from shared.parsing.markdown import markdown_of
from shared.parsing.pool import ParserPool
from shared.processes.cpu_threads import run_short
from shared.records.records import TenantRecords
from shared.table.table import Table
from shared.types.errors import Conflict, NotFound
from shared.types.http import Content

ERRORS = (Conflict, NotFound)

_SHORT = 128 * 1024
"""Bytes of a document that become Markdown within a few milliseconds."""
_PIECE = 64 * 1024


async def handle(
    request: OneDocument, catalogue: Catalogue, records: TenantRecords, table: Table, parsers: ParserPool
) -> Content:
    record = (await find(request.document_id, catalogue)).record
    reading = table.stages(record.route)[0]
    parsed = await records.outcome(record.document_id, record.generation, reading, DocumentParsed)
    if parsed is None:
        raise Conflict("The document has no text yet; its status says whether it will have.")
    read = partial(records.read, parsed.parsed)
    if record.size <= _SHORT and len(stored := await read()) <= _SHORT:
        text = await run_short(markdown_of, stored)
    else:  # in a process of its own: a pattern that goes over a long text stops all threads of this one
        text = await parsers.markdown(read)
    return Content(_pieces(text), "text/markdown; charset=utf-8", length=len(text))


async def _pieces(text: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(text), _PIECE):
        yield text[first : first + _PIECE]
