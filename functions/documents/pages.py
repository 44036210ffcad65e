"""Lists a document's pages with how each was read, in their order."""

import msgspec
from msgspec import Struct

from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import find
from shared.catalogue.view import text_share
from shared.parsing.document import PageReading, TextSource
from shared.parsing.document_text import reading_of
from shared.processes.cpu_threads import run_long
from shared.records.records import TenantRecords
from shared.table.table import Table
from shared.types.errors import NotFound
from shared.types.http import Paged
from shared.types.paging import PageRequest, read_cursor, write_cursor

ERRORS = (NotFound,)


class ListPages(PageRequest, frozen=True, kw_only=True):
    document_id: str


class PageView(Struct, frozen=True):
    """`confidence` is the mean score of OCR from 0 to 1, null for a page that was read without it. `text_share` is the
    share of the words of the page's text layer that are in the content, null where it has none."""

    page: int
    text_source: TextSource
    confidence: float | None
    text_share: float | None


class Pages(Paged, frozen=True, kw_only=True):
    items: list[PageView]


class _Readings(Struct, frozen=True):
    """What is needed of a parsed document."""

    page_readings: tuple[PageReading, ...] = ()


async def handle(request: ListPages, catalogue: Catalogue, records: TenantRecords, table: Table) -> Pages:
    record = (await find(request.document_id, catalogue)).record
    after = read_cursor(request.cursor)[0] if request.cursor else 0
    parsed = await reading_of(record, records, table)
    if parsed is None:
        return Pages(items=[], next_cursor=None)
    stored = await run_long(
        records.tenant_id, msgspec.json.Decoder(_Readings).decode, await records.read(parsed.parsed)
    )
    readings = stored.page_readings or [_printed(number) for number in range(1, parsed.printed_pages + 1)]
    rest = [one for one in readings if one.page > after]
    items = [_view(one) for one in rest[: request.limit]]
    more = len(rest) > request.limit
    return Pages(items=items, next_cursor=write_cursor(items[-1].page, "page") if more else None)


def _printed(number: int) -> PageReading:
    """Returns the reading of a page that was printed after its text was read from the document."""
    return PageReading(number, "native", None, 0, 0)


def _view(reading: PageReading) -> PageView:
    return PageView(
        reading.page,
        reading.text_source,
        None if reading.confidence is None else reading.confidence / 1000,
        text_share(reading.words_in, reading.words_out),
    )
