"""Returns a page as a picture, with the box of a passage drawn on it."""

import re
from functools import partial

from msgspec import Struct

from functions.documents.access import find
from shared.catalogue.catalogue import Catalogue
from shared.parsing.pool import ParserPool
from shared.records.records import TenantRecords
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


async def handle(request: OnePage, catalogue: Catalogue, records: TenantRecords, parsers: ParserPool) -> Content:
    record = (await find(request.document_id, catalogue)).record
    box = None if request.box is None else _box(request.box)
    found = _PAGE.fullmatch(request.page)
    if found is None:
        raise NotFound("A page is asked for by its number and as PNG, like `/pages/3.png`.")
    if record.parser != "paged":
        raise NotFound(f"A document of type {record.media_type} has no pages; /content has its text.")
    try:
        original = partial(records.read, records.original_name(record))
        picture = await parsers.render_page(record.media_type, original, int(found[1]), box)
    except Rejected as rejected:
        raise NotFound(f"The page cannot be shown: {rejected.detail}.") from None
    if picture is None:
        raise NotFound(f"The document has no page {found[1]}.")
    return Content(picture, "image/png", length=len(picture))


def _box(text: str) -> Box:
    if found := _BOX.fullmatch(text.replace(" ", "")):
        left, top, right, bottom = map(float, found.groups())
        if left < right and top < bottom:
            return left, top, right, bottom
    raise InvalidRequest.at("/box", "`box` takes left,top,right,bottom as fractions of the page from 0 to 1")
