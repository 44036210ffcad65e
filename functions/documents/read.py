"""Shows one document and how far it has come."""

from functions.documents.access import OneDocument
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import find
from shared.catalogue.view import DocumentView, view
from shared.table.table import Table
from shared.types.errors import NotFound

ERRORS = (NotFound,)


async def handle(request: OneDocument, catalogue: Catalogue, table: Table) -> DocumentView:
    entry = await find(request.document_id, catalogue)
    return view(entry, table.stages(entry.record.route))
