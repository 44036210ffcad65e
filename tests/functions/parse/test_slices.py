"""A long document is read in slices over several deliveries, and no slice is read twice."""

import time
from pathlib import Path

import msgspec
import pytest

from events.document import DocumentParsed, DocumentStored, Origin
from functions.parse import handler as plain
from functions.parse.handler import handle
from functions.parse_gpu import handler as pooled
from shared.blobs.folder import FolderBlobs
from shared.parsing.document import ParsedDocument, Slice
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.pictures.describer import Describer
from shared.pictures.sliced import keep_slice, parts_of
from shared.proxy.execution.proxy import ExecutionProxy
from shared.records.records import TenantRecords
from shared.stages.stages import StageWork
from shared.types.errors import Rejected
from tests.shared.parsing import drawn

ORIGIN = Origin("ten_a", "doc_1", 1, "cpu")
PAGES = 45


def no_model() -> ExecutionProxy:
    raise AssertionError("no picture is to be described")


NOBODY = Describer(0, no_model)


class Counting(ParserPool):
    """Knows which slices were asked for; `dies` stands for the process that ends before one."""

    def __init__(self) -> None:
        super().__init__(ParsingLimits(), workers=1)
        self.asked: list[int] = []
        self.dies = 0

    async def parse_slice(
        self, media_type: str, content: bytes, first: int, spent: float = 0.0, last: int | None = None
    ) -> Slice:
        if first == self.dies:
            raise ConnectionResetError
        self.asked.append(first)
        return await super().parse_slice(media_type, content, first, spent, last)


@pytest.fixture
async def records(tmp_path: Path) -> TenantRecords:
    records = TenantRecords(FolderBlobs(tmp_path), "ten_a")
    content = drawn.pdf(*(drawn.text_page(number) for number in range(1, PAGES + 1)))
    await records.write("doc_1", 1, "original", content)
    return records


def work(records: TenantRecords, seconds: float) -> StageWork:
    return StageWork("key", records, ORIGIN, until=time.monotonic() + seconds)


def stored() -> DocumentStored:
    return DocumentStored(
        origin=ORIGIN,
        key="stored",
        original="t/ten_a/d/doc_1/1/original",
        filename="report.pdf",
        media_type="application/pdf",
        parser="paged",
        size=1,
    )


async def test_what_one_delivery_has_no_time_for_the_next_one_goes_on_with(records: TenantRecords) -> None:
    parsers = Counting()
    try:
        again = await handle(stored(), work(records, -1), parsers, NOBODY)
        assert isinstance(again, DocumentStored) and again.continuation == 1 and parsers.asked == [1]
        parsed = await handle(again, work(records, 60), parsers, NOBODY)
    finally:
        await parsers.close()
    assert isinstance(parsed, DocumentParsed) and parsed.pages == PAGES and parsers.asked == [1, 21, 41]
    document = msgspec.json.decode(await records.read(parsed.parsed), type=ParsedDocument)
    assert sorted({block.page or 0 for block in document.blocks}) == list(range(1, PAGES + 1))
    assert not any("Yearly report" in block.text for block in document.blocks)
    assert await records.part_names("doc_1", 1, "key") == []


async def test_a_crash_repeats_no_slice_that_was_read(records: TenantRecords) -> None:
    parsers = Counting()
    try:
        parsers.dies = 41
        with pytest.raises(ConnectionResetError):
            await handle(stored(), work(records, 60), parsers, NOBODY)
        parsers.dies = 0
        assert isinstance(await handle(stored(), work(records, 60), parsers, NOBODY), DocumentParsed)
    finally:
        await parsers.close()
    assert parsers.asked == [1, 21, 41]


async def test_the_time_limit_is_the_whole_documents_over_all_its_deliveries(records: TenantRecords) -> None:
    earlier = Slice((), until=20, pages=PAGES, seconds=ParsingLimits().seconds - 0.001)
    await keep_slice(work(records, 60), 1, earlier)
    parsers = Counting()
    try:
        with pytest.raises(Rejected) as rejected:
            await handle(stored(), work(records, 60), parsers, NOBODY)
    finally:
        await parsers.close()
    assert rejected.value.code == "time-limit" and parsers.asked == [21]


def test_what_the_pool_makes_is_of_the_same_craft() -> None:
    assert pooled.STAGE_VERSION == plain.STAGE_VERSION, "a document that was read by one is read alike by the other"


async def test_a_slice_tells_how_long_it_took(records: TenantRecords) -> None:
    parsers = Counting()
    try:
        await handle(stored(), work(records, -1), parsers, NOBODY)
    finally:
        await parsers.close()
    assert 0 < (await parts_of(work(records, 60))).seconds < 60
