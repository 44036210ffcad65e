"""Gives a document's bytes as they were uploaded."""

from functions.documents.access import OneDocument, find
from shared.catalogue.catalogue import Catalogue
from shared.ledger.ledger import Ledger
from shared.types.http import Content


async def handle(request: OneDocument, catalogue: Catalogue, ledger: Ledger) -> Content:
    record = (await find(request.document_id, catalogue)).record
    return Content(ledger.original(record), record.media_type, record.filename, record.size)
