"""The pages of an office document are printed once by LibreOffice, stored beside it and shown as pictures."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from events.document import DocumentParsed, DocumentStored, Origin
from functions.documents import page, pages
from functions.documents.page import OnePage
from functions.parse.handler import handle
from shared.blobs.folder import FolderBlobs
from shared.catalogue.catalogue import Catalogue, CatalogueEntry, ended_view
from shared.catalogue.view import view
from shared.formats.router import FormatRouter
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.office.targets import page_target
from shared.parsing.pool import Original, ParserPool, PrintedPages
from shared.pictures.describer import Describer
from shared.pictures.printed import print_document
from shared.proxy.execution.proxy import ExecutionProxy
from shared.records.outcomes import stored_outcome
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord, StageRecord
from shared.stages.allowance import DocumentAllowance
from shared.stages.stages import StageWork
from shared.table.table import load
from shared.types.clock import now
from shared.types.errors import NotFound
from tests.shared.parsing import drawn

ORIGIN = Origin("ten_a", "doc_1", 1, "cpu")
FIRST, SECOND = "The crane on the north quay lifts forty tonnes.", "The crane on the south quay lifts sixty tonnes."
TEXT = rf"{{\rtf1 {FIRST}\par {SECOND}\par}}".encode()
TYPE = "application/rtf"
TABLE = load()


def no_model() -> ExecutionProxy:
    raise AssertionError("no picture is to be described")


@pytest.fixture
async def parsers() -> AsyncIterator[ParserPool]:
    pool = ParserPool(ParsingLimits())
    yield pool
    await pool.close()


@pytest.fixture
def records(tmp_path: Path) -> TenantRecords:
    return TenantRecords(FolderBlobs(tmp_path / "blobs"), "ten_a")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a `soffice` that prints `printed.pdf` and records how it was called."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "soffice"
    script = f'echo "$@" >> {tmp_path}/calls; cp {tmp_path}/printed.pdf "$HOME/out/document.pdf"'
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (tmp_path / "printed.pdf").write_bytes(drawn.pdf(drawn.lines(FIRST), drawn.lines(SECOND)))
    return tmp_path


def stored(content: bytes) -> DocumentStored:
    routed = FormatRouter().route("cranes.rtf", None, content[:1000], len(content))
    return DocumentStored(
        origin=ORIGIN,
        key="stored",
        original="t/ten_a/d/doc_1/1/original",
        filename="cranes.rtf",
        media_type=routed.media_type,
        parser=routed.parser,
        size=len(content),
    )


async def parsed(records: TenantRecords, parsers: ParserPool, content: bytes = TEXT) -> DocumentParsed:
    await records.write("doc_1", 1, "original", content)
    outcome = await handle(stored(content), StageWork("key", records, ORIGIN), parsers, Describer(0, no_model))
    assert isinstance(outcome, DocumentParsed)
    await records.write_stage("doc_1", 1, read_by(outcome))
    return outcome


def read_by(event: DocumentParsed) -> StageRecord:
    return StageRecord("parse", "key", "done", 1, now(), now(), event=stored_outcome(event))


class OneEntry:
    """A catalogue with one document."""

    def __init__(self, media_type: str) -> None:
        self.record = DocumentRecord(
            "doc_1", 1, "", "a", media_type, "legacy", "cpu", 1, "hash", "internal", now(), "key_1", "req_1"
        )

    async def entry(self, document_id: str) -> CatalogueEntry:
        return CatalogueEntry(self.record, (), now())


async def picture(
    records: TenantRecords, parsers: ParserPool, number: int, media_type: str, box: str | None = None
) -> bytes:
    request = OnePage("doc_1", f"{number}.png", box)
    answer = await page.handle(request, cast(Catalogue, OneEntry(media_type)), records, parsers, TABLE)
    return cast(bytes, answer.body)


async def test_pages_are_printed_once_shown_as_pictures_and_deleted_with_the_document(
    records: TenantRecords, parsers: ParserPool, office: Path
) -> None:
    outcome = await parsed(records, parsers)
    document = msgspec.json.decode(await records.read(outcome.parsed), type=ParsedDocument)
    assert [(block.text, block.page) for block in document.blocks] == [(FIRST, 1), (SECOND, 2)]
    entry = CatalogueEntry(OneEntry(TYPE).record, (ended_view(read_by(outcome)),), now())
    assert view(entry, TABLE.stages("cpu")).pages == 2 and outcome.pages == 0  # it is billed as what was read
    pictures = [await picture(records, parsers, number, TYPE) for number in (1, 2)]
    assert all(one.startswith(b"\x89PNG") for one in pictures) and pictures[0] != pictures[1]
    assert await picture(records, parsers, 1, TYPE, "0.1,0.1,0.5,0.2") != pictures[0]
    with pytest.raises(NotFound, match="no page 3"):
        await picture(records, parsers, 3, TYPE)
    listed = await pages.handle(pages.ListPages(document_id="doc_1"), cast(Catalogue, OneEntry(TYPE)), records, TABLE)
    assert [(one.page, one.text_source, one.text_share) for one in listed.items] == [
        (1, "native", None),
        (2, "native", None),
    ]
    calls = (office / "calls").read_text()
    assert calls.count("--convert-to pdf ") == 1
    await records.erase("doc_1", 1)
    assert not list((office / "blobs").rglob("pages.pdf"))


def test_hidden_slides_are_printed_so_that_every_slide_has_its_number() -> None:
    slides = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    for media_type, is_for_slides in ((slides, True), ("application/vnd.ms-powerpoint", True), (TYPE, False)):
        target = page_target(media_type)
        assert target and target.to == "pdf" and ("ExportHiddenSlides" in target.options) == is_for_slides
    assert page_target("text/markdown") is None


async def test_a_document_that_cannot_be_printed_is_read_and_says_why_it_has_no_pages(
    records: TenantRecords, parsers: ParserPool, office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for script in ("exit 1", "echo no pdf > $HOME/out/document.pdf"):
        (office / "bin" / "soffice").write_text(f"#!/bin/sh\n{script}\n")
        outcome = await parsed(records, parsers)
        assert (outcome.printed, outcome.printed_pages) == ("", 0)
        with pytest.raises(NotFound, match="printed no pages"):
            await picture(records, parsers, 1, TYPE)
    monkeypatch.setenv("PATH", str(office))
    outcome = await parsed(records, parsers)
    assert (outcome.printed, outcome.printed_pages, outcome.pages) == ("", 0, 0)
    for media_type, message in ((TYPE, "LibreOffice, which is not installed"), ("text/markdown", "has no pages")):
        with pytest.raises(NotFound, match=message):
            await picture(records, parsers, 1, media_type)


async def test_pages_are_left_out_where_a_limit_of_cost_leaves_no_room_for_printing(records: TenantRecords) -> None:
    work = StageWork(
        "key", records, ORIGIN, allowance=DocumentAllowance(9, lambda done: done["function_second"] // 1000)
    )
    parsers = cast(ParserPool, None)  # nothing is asked for
    assert not (await print_document(stored(TEXT), work, parsers, ParsedDocument(()))).blob


async def test_a_delivery_that_has_no_time_left_ends_without_pages(records: TenantRecords) -> None:
    class Slow(ParserPool):
        async def print_pages(self, media_type: str, content: Original) -> PrintedPages | None:
            await asyncio.sleep(600)
            return None

    work = StageWork("key", records, ORIGIN, until=time.monotonic() + 0.01)
    assert not (await print_document(stored(TEXT), work, Slow(ParsingLimits()), ParsedDocument(()))).blob


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
async def test_libreoffice_itself_prints_a_document(records: TenantRecords, parsers: ParserPool) -> None:
    outcome = await parsed(records, parsers, TEXT.replace(rb"\par", rb"\par\page", 1))
    document = msgspec.json.decode(await records.read(outcome.parsed), type=ParsedDocument)
    assert outcome.printed_pages == 2
    assert [(block.text, block.page) for block in document.blocks] == [(FIRST, 1), (SECOND, 2)]
