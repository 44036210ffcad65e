"""Gives a document's text as Markdown."""

import msgspec

from functions.documents.access import OneDocument, find
from shared.catalogue.catalogue import Catalogue
from shared.ledger.ledger import Ledger
from shared.parsing.document import ParsedDocument
from shared.parsing.markdown import to_markdown
from shared.runtime.errors import Conflict
from shared.runtime.table import Table
from shared.types.http import Content


async def handle(request: OneDocument, catalogue: Catalogue, ledger: Ledger, table: Table) -> Content:
    record = (await find(request.document_id, catalogue)).record
    reading = table.stages(record.route)[0]
    parsed = await ledger.stage(record.document_id, record.epoch, reading)
    if parsed is None or parsed.outcome != "done" or parsed.event is None:
        raise Conflict("The document has no text yet; its status says whether it will have.")
    document = msgspec.json.decode(await ledger.read(parsed.event["data"]["parsed"]), type=ParsedDocument)
    return Content(to_markdown(document).encode(), "text/markdown; charset=utf-8")
