"""What PDF documents and pictures become, page by page."""

import re
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
import pytest_asyncio
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from shared.parsing.document import Block, ParsedDocument, Slice
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.parsing.slices import join_slices
from shared.types.errors import Rejected
from shared.types.passage import around
from tests.shared.parsing import drawn

PDF = "application/pdf"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[ParserPool]:
    pool = ParserPool(ParsingLimits(max_pages=300), workers=1)
    yield pool
    await pool.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def read(pool: ParserPool, content: bytes, media_type: str = PDF) -> ParsedDocument:
    return await pool.parse("paged", media_type, "a file", content)


async def refusal(pool: ParserPool, content: bytes, media_type: str = PDF) -> str:
    with pytest.raises(Rejected) as caught:
        await read(pool, content, media_type)
    return caught.value.code


def words(document: ParsedDocument) -> list[str]:
    return re.findall(r"\w+", " ".join(block.text for block in document.blocks).lower())


def shape(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in document.blocks]


async def test_a_text_page_keeps_its_headings_paragraphs_and_lists(pool: ParserPool) -> None:
    document = await read(pool, drawn.pdf(drawn.text_page()))
    kinds = [kind for kind, _ in shape(document)]
    assert ("heading", "Cranes of quay 1") in shape(document)
    assert ("list", "- first item\n- second item") in shape(document)
    assert f"{drawn.WORDS} and the cranes are greased." in [text for _, text in shape(document)]
    assert kinds.count("paragraph") == 4  # two, the head and the number: no other page shows that they recur
    assert document.title == "Cranes of quay 1" and document.pages == 1


async def test_what_every_page_repeats_and_its_number_are_left_out(pool: ParserPool) -> None:
    document = await read(pool, drawn.pdf(*(drawn.text_page(number) for number in range(1, 6))))
    assert not any("Yearly report" in block.text or block.text.isdigit() for block in document.blocks)
    assert [block.page for block in document.blocks if block.kind == "heading"] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
async def test_a_box_encloses_its_words_where_they_are_shown(pool: ParserPool, turned: int) -> None:
    """A dark bar stands behind the words: where the page's picture is dark, there the box has to be."""

    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(turned)
        canvas.setFont("Helvetica", 12)
        canvas.setFillGray(0)
        canvas.rect(200, 400, canvas.stringWidth("anchorage of all the vessels", "Helvetica", 12), 10, fill=1)
        canvas.drawString(200, 401, "anchorage of all the vessels")

    content = drawn.pdf(draw)
    document = await read(pool, content)
    block = next(block for block in document.blocks if "anchorage" in block.text)
    picture = Image.open(BytesIO(await pool.render_page(PDF, content, 1) or b"")).convert("L")
    dark = picture.point(lambda value: 255 * (value < 128)).getbbox()
    assert dark and block.box
    seen = (dark[0] / picture.width, dark[1] / picture.height, dark[2] / picture.width, dark[3] / picture.height)
    assert all(abs(one - other) < 0.02 for one, other in zip(block.box, seen, strict=True))


async def test_columns_are_read_one_after_the_other(pool: ParserPool) -> None:
    text = " ".join(block.text for block in (await read(pool, drawn.pdf(drawn.two_columns()))).blocks)
    order = [(side, int(number)) for side, number in re.findall(r"(Left|Right) line (\d+)", text)]
    assert order == [(side, number) for side in ("Left", "Right") for number in range(1, 31)]


async def test_a_table_keeps_its_cells(pool: ParserPool) -> None:
    document = await read(pool, drawn.pdf(drawn.table_page()))
    assert [block.rows for block in document.blocks if block.kind == "table"] == [drawn.TABLE]


async def test_a_scanned_page_is_read_from_its_picture(pool: ParserPool) -> None:
    document = await read(pool, drawn.pdf(drawn.scan("Harbour dues 2031", "Invoice number 4711")))
    assert {"harbour", "dues", "2031", "invoice", "number", "4711"} <= set(words(document))
    assert all(block.page == 1 and block.box for block in document.blocks)


@pytest.mark.parametrize("turned", [0, 90, 180])
async def test_long_lines_of_a_clean_sheet_are_read_to_the_letter_however_it_lies(
    pool: ParserPool, turned: int
) -> None:
    """The box is where the words are on the sheet as it lies."""
    sheet = drawn.sheet().rotate(turned, expand=True)
    document = await read(pool, drawn.encoded(sheet, "PNG"), "image/png")
    assert words(document) == re.findall(r"\w+", " ".join(drawn.LONG_LINES).lower())
    inked = sheet.convert("L").point(lambda value: 255 * (value < 128)).getbbox()
    assert inked
    shares = inked[0] / sheet.width, inked[1] / sheet.height, inked[2] / sheet.width, inked[3] / sheet.height
    box = around(block.box for block in document.blocks if block.box)
    assert all(abs(one - other) < 0.03 for one, other in zip(box, shares, strict=True))


async def test_a_sentence_alone_on_a_picture_is_a_paragraph(pool: ParserPool) -> None:
    image = drawn.picture("The gate is locked at night.", width=900, height=250)
    assert shape(await read(pool, drawn.encoded(image, "PNG"), "image/png")) == [
        ("paragraph", "The gate is locked at night.")
    ]


async def test_a_picture_is_a_document_of_one_page_and_tiff_may_have_more(pool: ParserPool) -> None:
    first, second = drawn.picture("Gate number seven"), drawn.picture("Locked at night")
    document = await read(pool, drawn.encoded(first, "TIFF", save_all=True, append_images=[second]), "image/tiff")
    assert document.pages == 2 and {block.page for block in document.blocks} == {1, 2}
    assert {"gate", "seven", "locked", "night"} <= set(words(document))


async def test_an_empty_picture_holds_no_words(pool: ParserPool) -> None:
    assert await refusal(pool, drawn.encoded(drawn.picture(), "PNG"), "image/png") == "empty"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp"])
async def test_every_kind_of_picture_is_a_page(pool: ParserPool, kind: str) -> None:
    content = drawn.encoded(drawn.picture(width=300, height=200), kind.upper())
    assert (await pool.page_statistics(f"image/{kind}", content)).pages == 1
    rendered = Image.open(BytesIO(await pool.render_page(f"image/{kind}", content, 1) or b""))
    assert (rendered.format, rendered.size) == ("PNG", (300, 200))


async def test_a_password_is_needed_only_where_opening_takes_one(pool: ParserPool) -> None:
    assert await refusal(pool, drawn.pdf(drawn.text_page(), password="secret")) == "encrypted"
    assert "greased" in words(await read(pool, drawn.pdf(drawn.text_page(), password="")))


async def test_more_pages_than_are_taken_are_refused_before_any_is_read(pool: ParserPool) -> None:
    assert await refusal(pool, drawn.declared_pages(100_000)) == "too-many-pages"


@pytest.mark.parametrize("share", [0.01, 0.3])
async def test_a_torn_document_is_corrupt(pool: ParserPool, share: float) -> None:
    whole = drawn.pdf(drawn.text_page())
    assert await refusal(pool, whole[: int(share * len(whole))]) == "corrupt"
    assert await refusal(pool, b"%PDF-1.7\n" + bytes(range(256)) * 20) == "corrupt"


async def test_a_torn_picture_is_corrupt(pool: ParserPool) -> None:
    whole = drawn.encoded(drawn.picture("half of it"), "PNG")
    assert await refusal(pool, whole[: len(whole) // 2], "image/png") == "corrupt"
    assert await refusal(pool, whole[:20], "image/png") == "corrupt"


async def test_pictures_that_would_fill_the_memory_are_refused(pool: ParserPool) -> None:
    assert await refusal(pool, drawn.declared_png(60_000), "image/png") == "too-large-expanded"
    assert await refusal(pool, drawn.declared_picture(60_000)) == "too-large-expanded"


async def test_a_page_that_takes_too_long_ends_its_worker_and_not_the_pool() -> None:
    hurried = ParserPool(ParsingLimits(page_seconds=0.001))
    try:
        many = drawn.pdf(drawn.together(*(drawn.text_page(number) for number in range(40))))
        assert await refusal(hurried, many) == "time-limit"
    finally:
        await hurried.close()


async def test_pages_come_in_slices(pool: ParserPool) -> None:
    content = drawn.pdf(*(drawn.text_page(number) for number in range(1, 46)))
    first = await pool.parse_slice(PDF, content, 1)
    last = await pool.parse_slice(PDF, content, 41)
    assert (first.until, first.pages) == (20, 45)
    assert {block.page for block in last.blocks} == {41, 42, 43, 44, 45} and last.until == 45


async def test_pictures_that_nothing_can_read_are_told_from_an_empty_document() -> None:
    with pytest.raises(Rejected) as unread:
        join_slices([Slice((), 2, 2, unread=2)])
    with pytest.raises(Rejected) as empty:
        join_slices([Slice((Block("paragraph", "- 1 -", page=1, box=(0.4, 0.95, 0.6, 0.97)),), 2, 2)])
    assert (unread.value.code, empty.value.code) == ("ocr-unavailable", "empty")


async def test_a_page_is_drawn_with_the_box_on_it(pool: ParserPool) -> None:
    content = drawn.pdf(drawn.text_page())
    plain = Image.open(BytesIO(await pool.render_page(PDF, content, 1) or b"")).convert("RGB")
    marked = Image.open(BytesIO(await pool.render_page(PDF, content, 1, (0.25, 0.5, 0.75, 0.6)) or b"")).convert("RGB")
    assert plain.width == marked.width == 1200 and abs(plain.height / plain.width - drawn.HEIGHT / drawn.WIDTH) < 0.01
    inside, outside = (600, int(0.55 * plain.height)), (600, int(0.7 * plain.height))
    red, green, blue = marked.getpixel((600, int(0.5 * plain.height) + 1))  # type: ignore[misc]
    assert red > 150 > green and blue < 100
    assert plain.getpixel(inside) == plain.getpixel(outside) == marked.getpixel(outside) == (255, 255, 255)
    assert marked.getpixel(inside) != (255, 255, 255)
    assert await pool.render_page(PDF, content, 2) is None


async def test_the_extent_is_told_without_reading_all(pool: ParserPool) -> None:
    seen = await pool.page_statistics(PDF, drawn.pdf(*(drawn.text_page(number) for number in range(1, 31))))
    assert seen.pages == 30 and 30 * 150 < seen.letters < 30 * 400 and seen.ocr_pages == 0
    assert (await pool.page_statistics(PDF, drawn.pdf(drawn.scan("Harbour dues 2031")))).ocr_pages == 1
