"""Returns a page as a picture, with the box of a passage drawn on it."""

import re
from functools import partial

from msgspec import Struct

from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import find
from shared.formats.table import PAGED
from shared.parsing.document_text import reading_of
from shared.parsing.office.conversion import has_office
from shared.parsing.office.targets import PDF, page_target
from shared.parsing.pool import ParserPool
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.table.table import Table
from shared.types.errors import InvalidRequest, NotFound, Rejected
from shared.types.http import Content
from shared.types.passage import Box

_PAGE = re.compile(r"([1-9]\d{0,5})\.png")
_SHARE = r"(0(?:\.\d{1,10})?|1(?:\.0{1,10})?|\.\d{1,10})"
_BOX = re.compile(rf"{_SHARE},{_SHARE},{_SHARE},{_SHARE}")


class OnePage(Struct, frozen=True):
    """`page` is its number with the kind of picture, like `3.png`; `box` is `left,top,right,bottom` in fractions of the
    page from its top left."""

    document_id: str
    page: str
    box: str | None = None


ERRORS = (NotFound,)


async def handle(
    request: OnePage, catalogue: Catalogue, records: TenantRecords, parsers: ParserPool, table: Table
) -> Content:
    record = (await find(request.document_id, catalogue)).record
    box = None if request.box is None else _box(request.box)
    found = _PAGE.fullmatch(request.page)
    if found is None:
        raise NotFound("A page is asked for by its number and as PNG, like `/pages/3.png`.")
    if record.parser == PAGED:
        media_type, blob = record.media_type, records.original_name(record)
    else:
        media_type, blob = PDF, await _printed(record, records, table)
    try:
        picture = await parsers.render_page(media_type, partial(records.read, blob), int(found[1]), box)
    except Rejected as rejected:
        raise NotFound(f"The page cannot be shown: {rejected.detail}.") from None
    if picture is None:
        raise NotFound(f"The document has no page {found[1]}.")
    return Content(picture, "image/png", length=len(picture))


async def _printed(record: DocumentRecord, records: TenantRecords, table: Table) -> str:
    """Returns the blob with the pages that LibreOffice printed. Raises `NotFound` with what is missing."""
    parsed = await reading_of(record, records, table)
    if parsed and parsed.printed:
        return parsed.printed
    text = "/content has its text"
    if page_target(record.media_type) is None:
        raise NotFound(f"A document of type {record.media_type} has no pages; {text}.")
    if parsed is None:
        raise NotFound(f"The document was not read yet, so it has no pages; {text} once it was.")
    if not has_office():
        raise NotFound(f"Pages of this type are printed by LibreOffice, which is not installed here; {text}.")
    raise NotFound(
        f"LibreOffice printed no pages when the document was read; {text}. POST /documents/{record.document_id}/retry "
        'with `{"from": "parse"}` has it read again.'
    )


def _box(text: str) -> Box:
    if found := _BOX.fullmatch(text.replace(" ", "")):
        left, top, right, bottom = map(float, found.groups())
        if left < right and top < bottom:
            return left, top, right, bottom
    raise InvalidRequest.at("/box", "`box` takes left,top,right,bottom as fractions of the page from 0 to 1")
