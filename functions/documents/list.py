"""Lists the tenant's documents, newest first."""

from shared.catalogue.catalogue import Catalogue
from shared.catalogue.view import DocumentView, view
from shared.table.table import Table
from shared.types.http import Paged
from shared.types.paging import PageRequest


class ListDocuments(PageRequest, frozen=True):
    pass


class Documents(Paged, frozen=True, kw_only=True):
    items: list[DocumentView]


async def handle(request: ListDocuments, catalogue: Catalogue, table: Table) -> Documents:
    page = await catalogue.page(request.limit, request.cursor)
    entries = await catalogue.entries(page.document_ids)
    items = [view(entry, table.stages(entry.record.route)) for entry in entries if entry]
    return Documents(items=items, next_cursor=page.next_cursor)
