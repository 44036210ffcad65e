"""Lists the tenant's documents, newest first."""

from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import list_views
from shared.catalogue.view import DocumentView
from shared.table.table import Table
from shared.types.http import Paged
from shared.types.paging import PageRequest


class ListDocuments(PageRequest, frozen=True):
    pass


class Documents(Paged, frozen=True, kw_only=True):
    items: list[DocumentView]


async def handle(request: ListDocuments, catalogue: Catalogue, table: Table) -> Documents:
    items, next_cursor = await list_views(catalogue, table, request.limit, request.cursor)
    return Documents(items=items, next_cursor=next_cursor)
