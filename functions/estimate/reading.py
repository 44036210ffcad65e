"""Measures a document within the time that an estimate may take."""

import asyncio
import zipfile

from msgspec import Struct

from shared.estimation.extent import Extent, extent_of_document, extent_of_pages, extent_of_sample
from shared.estimation.forecast import reading_ms, reading_pages_ms
from shared.formats.archives import is_archive
from shared.formats.router import Routed
from shared.parsing.pool import ParserPool
from shared.pictures.describer import PLACED, READ_LETTERS
from shared.types.http import SpooledFile

MOST_READ = 2 << 20
"""Bytes of markup and text that are read for an estimate; a larger document is judged by its size and beginning."""

MOST_OPENED = 50 << 20
"""Bytes of a file that is opened at all: most of a large one is pictures."""

_BYTES_A_LETTER = {"light": 1.1, "docling": 12.0, "legacy": 4.0, "office": 4.0}
_TEXT = (".xml", ".html", ".xhtml", ".htm")


class Seen(Struct, frozen=True):
    """How much a document is, and how long reading it takes. `is_read` says that pictures of whole pages are text."""

    extent: Extent
    reading_ms: float
    is_read: bool = False


class UploadedFile(Struct, frozen=True):
    """An uploaded file to estimate. Raises `Rejected` for what a first look finds."""

    routed: Routed
    file: SpooledFile
    title: str
    parsers: ParserPool
    many_languages: bool = False

    async def seen(self) -> Seen:
        if self.routed.parser == "paged":
            statistics = await self.parsers.page_statistics(self.routed.media_type, self._content)
            extent = extent_of_pages(statistics, self.title, many_languages=self.many_languages)
            return Seen(
                extent,
                reading_pages_ms(statistics),
                statistics.ocr_letters >= READ_LETTERS * max(statistics.ocr_pages, 1),
            )
        size = await asyncio.to_thread(_text_bytes, self.file)
        if size > MOST_READ or self.file.size > MOST_OPENED:
            return self._by_size(size)
        document = await self.parsers.parse(
            self.routed.parser, self.routed.media_type, self.file.filename, self._content
        )
        extent = extent_of_document(document, self.title or document.title, many_languages=self.many_languages)
        return Seen(extent, reading_ms(self.routed.parser, sum(len(block.text) for block in document.blocks)))

    async def pictures(self, most: int, seen: Seen) -> int:
        """How many would be described, at most so many."""
        if not most or self.routed.media_type not in PLACED:
            return 0
        places = await self.parsers.find_pictures(self.routed.media_type, self._content, most)
        return sum(not (place.is_page and seen.is_read) for place in places)

    async def _content(self) -> bytes:
        return await asyncio.to_thread(self.file.path.read_bytes)

    def _by_size(self, size: int) -> Seen:
        is_text = self.routed.parser == "light" and size == self.file.size
        sample = self.file.head.decode("utf-8", "replace") if is_text else ""
        letters = int(size / _BYTES_A_LETTER.get(self.routed.parser, 4.0))
        extent = extent_of_sample(sample, letters, many_languages=self.many_languages)
        return Seen(extent, reading_ms(self.routed.parser, letters))


def _text_bytes(file: SpooledFile) -> int:
    """The bytes of a document's text: of an archive those of its unpacked markup, as its directory says."""
    if not is_archive(file.head):
        return file.size
    try:
        with zipfile.ZipFile(file.path) as archive:
            return sum(one.file_size for one in archive.infolist() if one.filename.lower().endswith(_TEXT))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return file.size
