"""Every format that we list is recognised and read, from a file of it made here."""

import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio

from shared.formats.router import HEAD_BYTES, FormatRouter
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.types.errors import Rejected
from tests.documents import make
from tests.documents.make import SENTENCE, TITLE

ROUTER = FormatRouter()
READ = [row for row in ROUTER.formats() if row.parser in {"light", "docling", "legacy"}]
UNTITLED = {"csv", "tsv", "vtt", "rtf", "doc", "xls", "ods", "odp", "pages", "key", "numbers"}
"""Formats that know no headings, or whose file here has none."""

TABLES = {"md", "csv", "tsv", "html", "htm", "mhtml", "mht", "epub", "org", "docx", "xlsx", "ods", "xls"}
PAGED = {"pptx", "xlsx", "ods", "odp"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool() -> AsyncIterator[ParserPool]:
    pool = ParserPool(ParsingLimits(seconds=60))
    yield pool
    await pool.close()


async def read(pool: ParserPool, name: str, content: bytes, folder: Path) -> ParsedDocument:
    path = folder / "file"
    path.write_bytes(content)
    routed = ROUTER.route(name, None, content[:HEAD_BYTES], len(content), path)
    return await pool.parse(routed.parser, routed.media_type, name, content)


def texts(document: ParsedDocument) -> str:
    return "\n".join(block.text for block in document.blocks)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("extension", [row.extension for row in READ])
async def test_a_file_of_every_listed_format_is_read(pool: ParserPool, extension: str, tmp_path: Path) -> None:
    document = await read(pool, f"file.{extension}", make.make(extension), tmp_path)
    assert SENTENCE in texts(document)
    if extension not in UNTITLED:
        assert document.title == TITLE
    if extension in TABLES:
        tables = [block for block in document.blocks if block.kind == "table"]
        assert tables[0].rows[0] == make.HEADER or extension == "tsv"
    if extension in PAGED:
        assert document.pages == 1
        assert next(block.page for block in document.blocks if SENTENCE in block.text) == 1


@pytest.mark.parametrize("extension", [row.extension for row in READ if row.extension in make.ARCHIVED])
@pytest.mark.parametrize("name", ["file", "file.txt", "file.pdf", "file.xyz"])
def test_an_archive_is_known_by_its_parts_whatever_its_name(name: str, extension: str, tmp_path: Path) -> None:
    content = make.make(extension)
    (tmp_path / "file").write_bytes(content)
    routed = ROUTER.route(name, "text/plain", content[:HEAD_BYTES], len(content), tmp_path / "file")
    assert routed.extension == extension


OFFICE = b"application/vnd.openxmlformats-officedocument."
VARIANTS = {
    "docm": (b"wordprocessingml.document.", b"application/vnd.ms-word.document.macroEnabled."),
    "dotx": (b"wordprocessingml.document.", OFFICE + b"wordprocessingml.template."),
    "xlsm": (b"spreadsheetml.sheet.", b"application/vnd.ms-excel.sheet.macroEnabled."),
    "pptm": (b"presentationml.presentation.", b"application/vnd.ms-powerpoint.presentation.macroEnabled."),
    "ppsx": (b"presentationml.presentation.", OFFICE + b"presentationml.slideshow."),
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("extension", VARIANTS)
async def test_files_with_macros_templates_and_shows_are_read_like_documents(
    pool: ParserPool, extension: str, tmp_path: Path
) -> None:
    plain, variant = VARIANTS[extension]
    made = make.make({"d": "docx", "x": "xlsx", "p": "pptx"}[extension[0]])
    with zipfile.ZipFile(BytesIO(made)) as archive:
        parts = {name: archive.read(name).replace(OFFICE + plain, variant) for name in archive.namelist()}
    assert SENTENCE in texts(await read(pool, f"file.{extension}", make.zipped(parts), tmp_path))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_text_on_a_slide_has_its_place(pool: ParserPool, tmp_path: Path) -> None:
    document = await read(pool, "talk.pptx", make.make("pptx"), tmp_path)
    box = next(block.box for block in document.blocks if block.text == SENTENCE)
    assert box == pytest.approx((0.1, 0.4, 0.9, 0.53333), abs=0.001)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_sheet_with_a_cell_in_its_last_corner_is_read(pool: ParserPool, tmp_path: Path) -> None:
    sheet = f'<row r="1">{make.cell("A1", "near")}</row><row r="1048576">{make.cell("XFD1048576", "far")}</row>'
    document = await read(pool, "corner.xlsx", make.xlsx_of(sheet), tmp_path)
    assert [block.text for block in document.blocks][1:] == ["| near |\n| --- |", "| far |\n| --- |"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_long_sheet_is_read_to_its_end(pool: ParserPool, tmp_path: Path) -> None:
    rows = "".join(
        f'<row r="{n}">{make.cell(f"A{n}", f"row {n}")}{make.cell(f"C{n}", "x")}</row>' for n in range(1, 15_001)
    )
    document = await read(pool, "long.xlsx", make.xlsx_of(rows), tmp_path)
    assert document.blocks[-1].rows[-1] == ("row 15000", "x")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_caption_is_said_once(pool: ParserPool, tmp_path: Path) -> None:
    table = (
        "<table-wrap><caption><p>Loads by crane.</p></caption><table><tr><td>a</td><td>b</td></tr></table></table-wrap>"
    )
    article = make.jats().replace("</sec>", f"{table}</sec>").encode()
    assert texts(await read(pool, "a.nxml", article, tmp_path)).count("Loads by crane.") == 1


RTF = (
    r"{\rtf1\ansi {\b bold} 2*3*4 {\i slanted} caf\'e9 \u8364?"
    r"{\field{\*\fldinst HYPERLINK http://x.y}{\fldrslt a link}}\par}"
)


@pytest.mark.asyncio(loop_scope="module")
async def test_emphasis_leaves_no_marks_in_old_formats(pool: ParserPool, tmp_path: Path) -> None:
    assert (
        texts(await read(pool, "a.rtf", RTF.encode(), tmp_path)).split()
        == "bold 2*3*4 slanted café € a link (http://x.y)".replace("€ a", "€a").split()
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_a_mail_shows_its_head_its_richest_body_and_what_is_attached(pool: ParserPool, tmp_path: Path) -> None:
    mail = (
        b"From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\nTo: b@example.org\nSubject: Cranes\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/alternative; boundary=a\n\n"
        b"--a\nContent-Type: text/plain\n\nplain words\n--a\nContent-Type: text/html; charset=latin-1\n\n"
        b"<h2>Sch\xf6n</h2><p>rich words</p>\n--a--\n--m\nContent-Type: text/plain; name=list.txt\n"
        b"Content-Disposition: attachment; filename=list.txt\n\nattached words\n--m--\n"
    )
    document = await read(pool, "a.eml", mail, tmp_path)
    assert [block.text for block in document.blocks] == [
        "Cranes",
        "From: Jörg <j@example.org>\nTo: b@example.org\nAttachments: list.txt",
        "Schön",
        "rich words",
        "list.txt",
        "attached words",
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_old_format_that_is_locked_is_told_from_one_that_is_broken(pool: ParserPool, tmp_path: Path) -> None:
    from tests.documents.bad import corpus

    locked = next(bad for bad in corpus() if bad.name == "locked.doc")
    with pytest.raises(Rejected) as caught:
        await read(pool, "a.doc", locked.content, tmp_path)
    assert caught.value.code == "encrypted"
