"""Returns a document's bytes as they were uploaded."""

from collections.abc import AsyncIterator

from functions.documents.access import OneDocument
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import find
from shared.records.records import TenantRecords
from shared.types.errors import NotFound
from shared.types.http import Content

ERRORS = (NotFound,)


async def handle(request: OneDocument, catalogue: Catalogue, records: TenantRecords) -> Content:
    record = (await find(request.document_id, catalogue)).record
    body = records.original(record)
    first = await anext(body, b"")  # before the status is sent: it shows a store that is away
    return Content(_whole(first, body), record.media_type, record.filename, record.size)


async def _whole(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
