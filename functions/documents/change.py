"""Changes a document's title or class."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from functions.documents.access import find_own
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import find
from shared.catalogue.view import DocumentView, view
from shared.records.records import TenantRecords
from shared.redis.leases import Leases, document_lease
from shared.table.table import Table
from shared.types.document import Classification
from shared.types.errors import DiskFull, InvalidRequest, NotFound
from shared.types.principal import Principal
from shared.types.question import NOT_BLANK
from shared.types.text import safe_title


class Change(Struct, frozen=True):
    document_id: str
    title: Annotated[str, Meta(min_length=1, max_length=500, pattern=NOT_BLANK)] | None = None
    classification: Classification | None = None


ERRORS = (DiskFull, NotFound)


async def handle(
    request: Change, catalogue: Catalogue, records: TenantRecords, leases: Leases, table: Table, principal: Principal
) -> DocumentView:
    title = safe_title(request.title or "")
    if request.title and not title:
        raise InvalidRequest.at("/title", "`title` needs a character that can be seen")
    await find_own(request.document_id, catalogue, principal)
    async with leases.wait(document_lease(records.tenant_id, request.document_id)):
        record = await records.document(request.document_id)
        if record is None:
            raise NotFound("There is no such document.")
        changed = msgspec.structs.replace(
            record,
            title=title or record.title,
            classification=request.classification or record.classification,
        )
        await records.change(changed)
        await catalogue.put(changed)
    entry = await find(request.document_id, catalogue)
    return view(entry, table.stages(entry.record.route))
