"""How each page was read: listed in the order of the pages, and summed up in the document."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from events.document import DocumentParsed, Origin
from functions.documents.pages import ListPages, Pages, PageView, handle
from shared.blobs.folder import FolderBlobs
from shared.catalogue.catalogue import Catalogue, CatalogueEntry, ended_view
from shared.catalogue.view import DocumentView, text_share, view
from shared.parsing.document import Block, PageReading, ParsedDocument, Slice
from shared.parsing.slices import join_slices
from shared.records.outcomes import stored_outcome
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord, StageRecord
from shared.table.table import load
from shared.types.clock import now
from shared.types.errors import InvalidRequest, NotFound

TABLE = load()
RECORD = DocumentRecord(
    "doc_1", 1, "", "a.pdf", "application/pdf", "paged", "cpu", 1, "hash", "internal", now(), "key_1", "req_1"
)
PARSED = DocumentParsed(origin=Origin("ten_a", "doc_1", 1), key="k", parsed="t/ten_a/d/doc_1/1/parsed", pages=3)
READINGS = (
    PageReading(1, "native", None, 200, 199, hidden_words=3),
    PageReading(2, "ocr", 871, 0, 0),
    PageReading(3, "mixed", 1000, 3, 3),
)


class OneEntry:
    """A catalogue with one document."""

    def __init__(self, *stages: StageRecord) -> None:
        self.found = CatalogueEntry(RECORD, tuple(map(ended_view, stages)), now())

    async def entry(self, document_id: str) -> CatalogueEntry | None:
        return self.found if document_id == RECORD.document_id else None


def read_by(event: DocumentParsed) -> StageRecord:
    return StageRecord("parse", "k", "done", 1, now(), now(), event=stored_outcome(event))


def displayed(*stages: StageRecord) -> DocumentView:
    return view(OneEntry(*stages).found, TABLE.stages("cpu"))


async def pages(folder: Path, document: dict[str, Any] | ParsedDocument | None, **request: Any) -> Pages:
    records = TenantRecords(FolderBlobs(folder), "ten_a")
    stage = read_by(PARSED)
    if document is not None:
        await records.write("doc_1", 1, "parsed", msgspec.json.encode(document))
        await records.write_stage("doc_1", 1, stage)
    asked = ListPages(**{"document_id": "doc_1", **request})
    return await handle(asked, cast(Catalogue, OneEntry(stage)), records, TABLE)


async def test_pages_are_listed_in_their_order_a_few_at_a_time(tmp_path: Path) -> None:
    document = ParsedDocument((Block("paragraph", "text"),), pages=3, page_readings=READINGS)
    first = await pages(tmp_path, document, limit=2)
    assert first.items == [PageView(1, "native", None, 0.995), PageView(2, "ocr", 0.871, None)]
    last = await pages(tmp_path, document, limit=2, cursor=first.next_cursor)
    assert (last.items, last.next_cursor) == ([PageView(3, "mixed", 1.0, 1.0)], None)
    with pytest.raises(InvalidRequest):
        await pages(tmp_path, document, cursor="x")
    with pytest.raises(NotFound):
        await pages(tmp_path, document, document_id="doc_2")


@pytest.mark.parametrize("document", [None, {"blocks": [{"kind": "paragraph", "text": "stored before"}], "pages": 3}])
async def test_without_readings_the_list_is_empty(tmp_path: Path, document: dict[str, Any] | None) -> None:
    assert (await pages(tmp_path, document)).items == []


def test_a_document_shows_what_it_lost_and_null_where_that_is_unknown() -> None:
    event = msgspec.structs.replace(PARSED, words_in=2000, words_out=1999, hidden_words=3, parser="paged")
    known = displayed(read_by(event))
    assert (known.text_share, known.hidden_words, known.parser) == (0.999, 3, "paged")
    before = {name: value for name, value in stored_outcome(PARSED)["data"].items() if "words" not in name}
    old = StageRecord("parse", "k", "done", 1, now(), now(), event={"type": PARSED.type_name(), "data": before})
    for one in (displayed(old), displayed(read_by(PARSED)), displayed()):
        assert (one.text_share, one.hidden_words, one.parser) == (None, None, None)


def test_a_share_of_one_means_every_word() -> None:
    assert [text_share(10000, out) for out in (0, 9999, 10000, 10001)] == [0.0, 0.999, 1.0, 1.0]


def test_the_readings_of_all_slices_are_in_the_document() -> None:
    block = Block("paragraph", "text", page=1)
    slices = [
        Slice((block,), 1, 2, hidden_words=2, page_readings=READINGS[:1]),
        Slice((), 2, 2, hidden_words=1, page_readings=READINGS[1:2]),
    ]
    joined = join_slices(slices)
    assert (joined.page_readings, joined.hidden_words, joined.parser) == (READINGS[:2], 3, "paged")
