"""Which pictures of a document are described, and where their descriptions stand."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from events.document import DocumentStored, Origin
from shared.blobs.folder import FolderBlobs
from shared.parsing.document import Block, ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.pictures.describer import Describer, Description
from shared.pictures.describing import Described, Describing, placed_among, with_descriptions
from shared.proxy.execution.proxy import ExecutionProxy
from shared.records.records import DocumentIsDeleted, TenantRecords
from shared.records.structs import DocumentRecord
from shared.stages.stages import StageWork
from shared.types.clock import now
from shared.types.document import Classification
from shared.types.errors import Rejected
from shared.types.payer import Payer
from tests.shared.parsing import drawn

ORIGIN = Origin("ten_a", "doc_1", 1, "cpu")


def no_proxy() -> ExecutionProxy:
    raise AssertionError("the describer of these tests has none")


class Eyes(Describer):
    """Tells the number of each picture it sees, and is away after `sees` of them."""

    def __init__(self, most: int = 20, sees: int = 100) -> None:
        super().__init__(most, no_proxy)
        self.payers: list[Payer] = []
        self.sees = sees

    async def describe(self, picture: bytes, classification: Classification, payer: Payer) -> Description | None:
        if len(self.payers) == self.sees:
            return None
        self.payers.append(payer)
        return Description(f"number {len(self.payers)}", 5)


def page(*pictures: tuple[str, float, float]) -> drawn.Drawing:
    """Text, and pictures of a colour, at a height and as wide as is said, in points."""

    def draw(canvas: Canvas) -> None:
        drawn.text_page()(canvas)
        for colour, bottom, width in pictures:
            left = 200 if width < drawn.WIDTH / 2 else 0
            canvas.drawImage(ImageReader(Image.new("RGB", (300, 200), colour)), left, bottom, width, width * 2 / 3)

    return draw


async def stored_document(tmp_path: Path, max_cost: int | None = None) -> TenantRecords:
    records = TenantRecords(FolderBlobs(tmp_path), "ten_a")
    original = tmp_path / "original"
    original.write_bytes(b"unused")
    record = DocumentRecord(
        "doc_1", 1, "", "a.pdf", "application/pdf", "paged", "cpu", 1, "hash", "internal", now(), "key_7", "req_1",
        max_cost,
    )  # fmt: skip
    await records.store(record, original)
    return records


async def describing(records: TenantRecords, describer: Describer, content: bytes, parsers: ParserPool) -> Describing:
    original = await records.write("doc_1", 1, "drawn", content)
    event = DocumentStored(
        origin=ORIGIN,
        key="k",
        original=original,
        filename="a.pdf",
        media_type="application/pdf",
        parser="paged",
        size=1,
    )
    return Describing(event, StageWork("key", records, ORIGIN), parsers, describer)


@pytest.fixture
async def parsers() -> AsyncIterator[ParserPool]:
    pool = ParserPool(ParsingLimits(), workers=1)
    yield pool
    await pool.close()


async def test_letterheads_and_ornaments_are_left_out(tmp_path: Path, parsers: ParserPool) -> None:
    letterhead, ornament = ("navy", 700.0, 120.0), ("black", 60.0, 20.0)
    content = drawn.pdf(
        page(letterhead, ornament), page(letterhead, ("red", 200.0, 120.0)), page(letterhead, ("green", 200.0, 120.0))
    )
    described = await (await describing(await stored_document(tmp_path), eyes := Eyes(), content, parsers)).of((), 3)
    assert [block.page for block in described.blocks] == [2, 3] and described.cost_microusd == 10
    assert {block.text for block in described.blocks} == {"Picture: number 1", "Picture: number 2"}
    assert eyes.payers[0].document_id == "doc_1" and eyes.payers[0].key_id == "key_7"


async def test_no_more_than_so_many_are_described(tmp_path: Path, parsers: ParserPool) -> None:
    content = drawn.pdf(*(page((colour, 200.0, 120.0)) for colour in ("red", "green", "blue", "white")))
    described = await (await describing(await stored_document(tmp_path), Eyes(most=2), content, parsers)).of((), 4)
    assert [block.page for block in described.blocks] == [1, 2]


async def test_what_was_described_is_kept_for_the_next_delivery(tmp_path: Path, parsers: ParserPool) -> None:
    records = await stored_document(tmp_path, max_cost=900)
    content = drawn.pdf(*(page((colour, 200.0, 120.0)) for colour in ("red", "green", "blue")))
    first = await (await describing(records, Eyes(sees=2), content, parsers)).of((), 3)
    assert len(first.blocks) == 2 and first.is_whole
    again = await describing(records, eyes := Eyes(), content, parsers)
    assert len((await again.of((), 3)).blocks) == 3
    assert [payer.document_cap_microusd for payer in eyes.payers] == [900]


async def test_a_delivery_without_time_describes_one_and_leaves_the_rest(tmp_path: Path, parsers: ParserPool) -> None:
    records = await stored_document(tmp_path)
    content = drawn.pdf(*(page((colour, 200.0, 120.0)) for colour in ("red", "green", "blue")))
    late = await describing(records, Eyes(), content, parsers)
    late = replace(late, work=replace(late.work, until=time.monotonic() - 1))
    for count in (1, 2):
        described = await late.of((), 3)
        assert (len(described.blocks), described.is_whole) == (count, False)
    assert (await late.of((), 3)).is_whole


async def test_a_picture_is_shown_with_the_class_of_that_moment_and_not_once_it_is_deleted(
    tmp_path: Path, parsers: ParserPool
) -> None:
    records = await stored_document(tmp_path)
    content = drawn.pdf(*(page((colour, 200.0, 120.0)) for colour in ("red", "green", "blue")))

    class Changed(Eyes):
        """Raises the class after the first picture and deletes the document after the second."""

        async def describe(self, picture: bytes, classification: Classification, payer: Payer) -> Description | None:
            assert classification == ("internal", "confidential")[len(self.payers)]
            record = await records.document("doc_1")
            assert record
            await records.change(replace(record, classification="confidential"))
            if self.payers:
                await records.write_tombstone("doc_1", 1)
            return await super().describe(picture, classification, payer)

    pictures = await describing(records, eyes := Changed(), content, parsers)
    with pytest.raises(DocumentIsDeleted):
        await pictures.of((), 3)
    assert len(eyes.payers) == 2


async def test_a_scan_whose_words_were_read_is_not_described(tmp_path: Path, parsers: ParserPool) -> None:
    content = drawn.pdf(page(("red", 0.0, 1.2 * drawn.WIDTH)), page(("green", 200.0, 120.0)))
    one = await describing(await stored_document(tmp_path), Eyes(), content, parsers)
    read = [Block("paragraph", "words " * 30, page=number) for number in (1, 2)]
    assert [block.page for block in (await one.of(read, 2)).blocks] == [2]
    assert [block.page for block in (await one.of([], 2)).blocks] == [1, 2]


def test_descriptions_stand_behind_the_text_of_their_page() -> None:
    text = [Block("paragraph", f"page {number}", page=number) for number in (1, 3, 4)]
    described = [Block("paragraph", f"picture {number}", page=number) for number in (2, 3, 3, 5)]
    texts = [block.text for block in placed_among(text, described)]
    assert texts == ["page 1", "picture 2", "page 3", "picture 3", "picture 3", "page 4", "picture 5"]


def test_a_picture_without_words_becomes_a_document_by_its_description() -> None:
    def empty() -> ParsedDocument:
        raise Rejected("empty", "the document holds no words")

    described = Described((Block("paragraph", "Picture: a mole", page=1, box=(0.0, 0.0, 1.0, 1.0)),))
    assert with_descriptions(empty, described).pages == 1
    with pytest.raises(Rejected):
        with_descriptions(empty, Described())
