"""Documents that would keep their parser for hours are refused at once, or read in another way."""

import time
import zipfile
from io import BytesIO

import pytest

from shared.parsing.dispatch import parse
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected
from tests.documents import make

OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN = "application/vnd.oasis.opendocument"
AT_ONCE = 5.0
"""Seconds of processor time."""
RUN = "<w:r><w:t>w</w:t></w:r>"


def changed(extension: str, part: str, old: str, new: str) -> bytes:
    with zipfile.ZipFile(BytesIO(make.make(extension))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in parts[part]
    return make.zipped({**parts, part: parts[part].replace(old.encode(), new.encode(), 1)}, stored="mimetype")


def cells(rows: int, columns: int) -> str:
    text = '<table:table-cell table:number-columns-repeated="{}"><text:p>x</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="{rows}">{text.format(columns)}</table:table-row>'
    return f'<table:table table:name="t">{row}</table:table>'


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (f"{OFFICE}.wordprocessingml.document", make.docx_of("<w:p/>" * 500_000)),
        (f"{OFFICE}.wordprocessingml.document", make.docx_of(f"<w:p>{RUN * 10_001}</w:p>")),
        (
            f"{OFFICE}.presentationml.presentation",
            changed("pptx", "ppt/slides/s.xml", "</a:p>", "</a:p>" + "<a:p><a:r><a:t>w</a:t></a:r></a:p>" * 20_001),
        ),
        (f"{OPEN}.text", changed("odt", "content.xml", "</text:p>", "</text:p>" + "<text:p/>" * 400_001)),
        (f"{OPEN}.text", changed("odt", "content.xml", "</text:p>", "</text:p>" + cells(100_000, 1000))),
        (
            f"{OPEN}.spreadsheet",
            changed("ods", "content.xml", "</table:table>", "</table:table>" + cells(100_000, 100)),
        ),
    ],
    ids=["paragraphs", "pieces", "slide", "open-text", "open-table", "sheet"],
)
def test_more_than_anybody_reads_is_refused_at_once(media_type: str, content: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Rejected) as rejected:
        parse("docling", media_type, "a", content, ParsingLimits())
    assert rejected.value.code == "too-large-expanded"
    assert time.process_time() - started < AT_ONCE


def sheet(*rows: str) -> ParsedDocument:
    content = changed("ods", "content.xml", "</table:table>", f"{''.join(rows)}</table:table>")
    return parse("docling", f"{OPEN}.spreadsheet", "a.ods", content, ParsingLimits())


def test_a_cell_at_the_end_of_a_vast_empty_sheet_is_read_at_once() -> None:
    started = time.process_time()
    document = sheet(
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>',
        "<table:table-row><table:table-cell/><table:table-cell><text:p>last</text:p></table:table-cell></table:table-row>",
    )
    assert document.blocks[-1].rows == (("last",),) and document.pages == 1
    assert time.process_time() - started < AT_ONCE


def test_rows_that_are_written_once_and_repeated_are_all_read() -> None:
    row = (
        "<table:table-cell><text:p>x</text:p></table:table-cell><table:table-cell><text:p>y</text:p></table:table-cell>"
    )
    document = sheet(
        '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>',
        f'<table:table-row table:number-rows-repeated="12000">{row}</table:table-row>',
    )
    assert document.blocks[-1].rows == (("x", "y"),) * 12_000


def test_a_dense_archive_of_a_small_text_is_read() -> None:
    """Its parts unfold more than two hundred times, to no more than a few megabytes."""
    repeated = "<text:p>word</text:p>" * 6_000
    content = changed("odt", "content.xml", "</text:p>", f"</text:p>{repeated}")
    assert len(parse("docling", f"{OPEN}.text", "a.odt", content, ParsingLimits()).blocks) > 6_000


def test_a_document_of_apple_under_a_password_is_said_to_be_encrypted() -> None:
    content = bytearray(make.make("pages"))
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.index(mark) + offset
        content[place : place + 2] = (0x5678).to_bytes(2, "little")
    with pytest.raises(Rejected) as rejected:
        parse("docling", "application/vnd.apple.pages", "a.pages", bytes(content), ParsingLimits())
    assert rejected.value.code == "encrypted"
