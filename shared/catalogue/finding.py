"""Finds documents of the tenant for a request."""

import re

from shared.catalogue.catalogue import Catalogue, CatalogueEntry
from shared.catalogue.view import DocumentView, view
from shared.table.table import Table
from shared.types.errors import NotFound

_DOCUMENT_ID = re.compile(r"doc_[0-9a-z]{1,64}")


async def find(document_id: str, catalogue: Catalogue) -> CatalogueEntry:
    """Raises `NotFound`, the same for a missing document and another tenant's."""
    entry = await catalogue.entry(document_id) if _DOCUMENT_ID.fullmatch(document_id) else None
    if entry is None:
        raise NotFound("There is no such document.")
    return entry


async def list_views(
    catalogue: Catalogue, table: Table, limit: int, cursor: str | None
) -> tuple[list[DocumentView], str | None]:
    """Up to `limit` documents, newest first, and the cursor of the next page. Raises `InvalidRequest`."""
    page = await catalogue.page(limit, cursor)
    entries = await catalogue.entries(page.document_ids)
    return [view(entry, table.stages(entry.record.route)) for entry in entries if entry], page.next_cursor
