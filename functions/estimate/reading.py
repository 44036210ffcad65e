"""Looks at a document for as long as an estimate may take."""

import asyncio
import zipfile

from msgspec import Struct

from shared.estimation.extent import Extent, extent_of_document, extent_of_look, extent_of_sample
from shared.estimation.forecast import reading_ms, reading_pages_ms
from shared.formats.archives import is_archive
from shared.formats.router import Routed
from shared.parsing.workers import ParserPool
from shared.types.http import SpooledFile

MOST_READ = 2 << 20
"""Bytes of markup and text that are read for an estimate; a larger document is judged by its size and beginning."""

MOST_OPENED = 50 << 20
"""Bytes of a file that is opened at all: most of a large one is pictures."""

_BYTES_A_LETTER = {"light": 1.1, "docling": 12.0, "legacy": 4.0, "office": 4.0}
_TEXT = (".xml", ".html", ".xhtml", ".htm")


class Seen(Struct, frozen=True):
    """How much a document is, and how long reading it takes."""

    extent: Extent
    reading_ms: float


async def see(routed: Routed, file: SpooledFile, title: str, parsers: ParserPool, *, many_languages: bool) -> Seen:
    """Raises Rejected for what a first look can see."""
    if routed.parser == "paged":
        look = await parsers.look(routed.media_type, await asyncio.to_thread(file.path.read_bytes))
        return Seen(extent_of_look(look, title, many_languages=many_languages), reading_pages_ms(look))
    told = await asyncio.to_thread(_told, file)
    if told > MOST_READ or file.size > MOST_OPENED:
        return _by_size(routed, file, told, many_languages)
    content = await asyncio.to_thread(file.path.read_bytes)
    document = await parsers.parse(routed.parser, routed.media_type, file.filename, content)
    extent = extent_of_document(document, title or document.title, many_languages=many_languages)
    return Seen(extent, reading_ms(routed.parser, sum(len(block.text) for block in document.blocks)))


def _by_size(routed: Routed, file: SpooledFile, told: int, many_languages: bool) -> Seen:
    sample = file.head.decode("utf-8", "replace") if routed.parser == "light" and told == file.size else ""
    letters = int(told / _BYTES_A_LETTER.get(routed.parser, 4.0))
    extent = extent_of_sample(sample, letters, many_languages=many_languages)
    return Seen(extent, reading_ms(routed.parser, letters))


def _told(file: SpooledFile) -> int:
    """Bytes that tell a document's text: of an archive those of its markup, unpacked, as its directory says."""
    if not is_archive(file.head):
        return file.size
    try:
        with zipfile.ZipFile(file.path) as archive:
            return sum(one.file_size for one in archive.infolist() if one.filename.lower().endswith(_TEXT))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return file.size
