"""Returns a document's text as Markdown."""

import msgspec

from events.document import DocumentParsed
from functions.documents.access import OneDocument, find
from shared.catalogue.catalogue import Catalogue
from shared.parsing.document import ParsedDocument
from shared.parsing.markdown import to_markdown
from shared.records.records import TenantRecords
from shared.table.table import Table
from shared.types.errors import Conflict, NotFound
from shared.types.http import Content

ERRORS = (Conflict, NotFound)


async def handle(request: OneDocument, catalogue: Catalogue, records: TenantRecords, table: Table) -> Content:
    record = (await find(request.document_id, catalogue)).record
    reading = table.stages(record.route)[0]
    parsed = await records.outcome(record.document_id, record.generation, reading, DocumentParsed)
    if parsed is None:
        raise Conflict("The document has no text yet; its status says whether it will have.")
    document = msgspec.json.decode(await records.read(parsed.parsed), type=ParsedDocument)
    return Content(to_markdown(document).encode(), "text/markdown; charset=utf-8")
