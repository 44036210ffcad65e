"""Returns a document's text as Markdown."""

from collections.abc import AsyncIterator

from functions.documents.access import OneDocument
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import find
from shared.parsing.document_text import document_text
from shared.parsing.pool import ParserPool
from shared.records.records import TenantRecords
from shared.table.table import Table
from shared.types.errors import Conflict, NotFound
from shared.types.http import Content

ERRORS = (Conflict, NotFound)

_PIECE = 64 * 1024


async def handle(
    request: OneDocument, catalogue: Catalogue, records: TenantRecords, table: Table, parsers: ParserPool
) -> Content:
    record = (await find(request.document_id, catalogue)).record
    text = await document_text(record, records, table, parsers)
    return Content(_pieces(text), "text/markdown; charset=utf-8", length=len(text))


async def _pieces(text: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(text), _PIECE):
        yield text[first : first + _PIECE]
