"""Formats that only LibreOffice reads: converted where it is, refused clearly where it is not."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.formats.router import HEAD_BYTES, FormatRouter
from shared.parsing import time_limits
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.parsing.process import ParserHung
from shared.types.errors import Rejected
from tests.documents import make
from tests.documents.compound import compound
from tests.documents.make import SENTENCE

_OLD = "http://openoffice.org/2000"
SXW = make.zipped(
    {
        "mimetype": "application/vnd.sun.xml.writer",
        "content.xml": f'<?xml version="1.0"?><office:document-content xmlns:office="{_OLD}/office" '
        f'xmlns:text="{_OLD}/text" office:class="text" office:version="1.0"><office:body>'
        f'<text:h text:level="1">Harbour</text:h><text:p>{SENTENCE}</text:p></office:body></office:document-content>',
        "META-INF/manifest.xml": '<?xml version="1.0"?><manifest:manifest '
        'xmlns:manifest="http://openoffice.org/2001/manifest"><manifest:file-entry '
        'manifest:media-type="application/vnd.sun.xml.writer" manifest:full-path="/"/><manifest:file-entry '
        'manifest:media-type="text/xml" manifest:full-path="content.xml"/></manifest:manifest>',
    },
    stored="mimetype",
)


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    pool = ParserPool(ParsingLimits(seconds=60))
    yield pool
    await pool.close()


async def read(pool: ParserPool, name: str, content: bytes) -> ParsedDocument:
    routed = FormatRouter().route(name, None, content[:HEAD_BYTES], len(content))
    assert routed.parser == "office"
    return await pool.parse(routed.parser, routed.media_type, name, content)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only program on the path is a `soffice` still to be written."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    return folder / "soffice"


def write(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


async def test_without_libreoffice_it_is_said_what_is_needed(
    pool: ParserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Rejected) as rejected:
        await read(pool, "letter.wpd", b"\xffWPC\x10\0\0\0 an old letter")
    assert rejected.value.code == "needs-libreoffice" and "LibreOffice" in rejected.value.detail


async def test_what_libreoffice_makes_of_it_is_read_by_our_own_parser(
    pool: ParserPool, office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_EVENT_SECRET", "k1:secret")
    (tmp_path / "made.docx").write_bytes(make.make("docx"))
    record = f'env > {tmp_path}/env; echo "$@" > {tmp_path}/args'
    write(office, f'{record}; cp {tmp_path}/made.docx "$HOME/out/document.docx"')
    document = await read(pool, "letter.wpd", b"\xffWPC\x10\0\0\0 an old letter")
    assert SENTENCE in "\n".join(block.text for block in document.blocks)
    arguments = (tmp_path / "args").read_text()
    environment = (tmp_path / "env").read_text()
    home = next(line[5:] for line in environment.split("\n") if line.startswith("HOME="))
    assert f"-env:UserInstallation=file://{home}/profile" in arguments and "--convert-to docx" in arguments
    assert "secret" not in environment
    assert not Path(home).exists()


async def test_a_conversion_that_hangs_is_ended_with_all_that_it_started(
    office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "LEAST_WALL_S", 2.0)
    os.mkfifo(tmp_path / "alive")
    write(office, f"sleep 300 > {tmp_path}/alive & sleep 300")
    pool = ParserPool(ParsingLimits(seconds=1))
    reader = asyncio.create_task(asyncio.to_thread((tmp_path / "alive").read_bytes))
    try:
        with pytest.raises(ParserHung):
            await read(pool, "letter.wpd", b"\xffWPC\x10\0\0\0 an old letter")
    finally:
        await pool.close()
    assert await asyncio.wait_for(reader, 60) == b""


async def test_a_conversion_is_charged_what_it_computes(office: Path) -> None:
    write(office, "sh -c 'while :; do :; done'")
    pool = ParserPool(ParsingLimits(seconds=1))
    try:
        with pytest.raises(Rejected) as rejected:
            await read(pool, "letter.wpd", b"\xffWPC\x10\0\0\0 an old letter")
    finally:
        await pool.close()
    assert rejected.value.code == "time-limit"


async def test_what_libreoffice_cannot_read_is_corrupt(pool: ParserPool, office: Path) -> None:
    write(office, "exit 1")
    with pytest.raises(Rejected) as rejected:
        await read(pool, "letter.wpd", b"\xffWPC\x10\0\0\0 an old letter")
    assert rejected.value.code == "corrupt"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
async def test_libreoffice_itself_reads_an_old_document(pool: ParserPool) -> None:
    document = await read(pool, "old.sxw", SXW)
    assert [(block.kind, block.text) for block in document.blocks] == [("heading", "Harbour"), ("paragraph", SENTENCE)]


@pytest.mark.parametrize(
    ("content", "extension"),
    [
        (SXW, "sxw"),
        (make.zipped({"mimetype": "application/vnd.sun.xml.calc"}), "sxc"),
        (make.zipped({"mimetype": "application/vnd.oasis.opendocument.graphics"}), "odg"),
        (make.zipped({"xl/workbook.bin": b"\0"}), "xlsb"),
        (compound({"StarWriterDocument": b"words"}), "sdw"),
        (compound({"StarCalcDocument": b"words"}), "sdc"),
        (b"\xffWPC\x10\0\0\0 an old letter", "wpd"),
    ],
)
def test_old_formats_are_known_by_what_they_hold(content: bytes, extension: str) -> None:
    routed = FormatRouter().route("file", None, content[:HEAD_BYTES], len(content))
    assert (routed.extension, routed.parser) == (extension, "office")
