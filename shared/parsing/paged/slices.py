"""Reads pages, a slice at a time."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.parsing.document import Block, ParsedDocument, Slice
from shared.parsing.limits import SLICE_PAGES, ParsingLimits
from shared.parsing.paged import laid_out
from shared.parsing.paged.choice import Way, way_of
from shared.parsing.paged.mending import mended
from shared.parsing.paged.opening import PageSource, open_pages
from shared.parsing.paged.plain import TextPage, body_size, plain_blocks
from shared.parsing.slices import joined

SECONDS = 20.0
"""After which a slice ends with the page it is at, so that a delivery can end in time."""

LEAST_KEPT = 0.7
"""Share of a page's letters that the layout's blocks have to hold; with less the text layer is the better source."""


def parse(media_type: str, filename: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """The whole document at once."""
    slices = [parse_slice(media_type, content, 1, limits)]
    while slices[-1].until < slices[-1].pages:
        slices.append(parse_slice(media_type, content, slices[-1].until + 1, limits))
    return joined(slices)


def parse_slice(media_type: str, content: bytes, first: int, limits: ParsingLimits, last: int | None = None) -> Slice:
    """From page `first` on, `SLICE_PAGES` of them or up to page `last`, or as many as `SECONDS` are enough for."""
    started = time.monotonic()
    pages = open_pages(media_type, content, limits)
    numbers = range(first, min(first + SLICE_PAGES, (last or len(pages)) + 1, len(pages) + 1))
    reader = _Reader(pages, limits)
    until = first - 1
    for until in numbers:
        reader.read(until)
        if time.monotonic() - started > SECONDS:
            break
    return Slice(tuple(reader.blocks), until, len(pages), pages.title, reader.unread, time.monotonic() - started)


def preload() -> None:
    """Loads what the first page would have to wait for."""
    laid_out.preload()


class _Reader:
    """Reads page after page, each in the way it needs."""

    def __init__(self, pages: PageSource, limits: ParsingLimits) -> None:
        self._pages = pages
        self._limits = limits
        self.blocks: list[Block] = []
        self.unread = 0

    def read(self, number: int) -> None:
        with no_longer_than(self._limits.page_seconds):
            page = self._pages.page(number)
            way = way_of(page)
            if way in ("plain", "layout"):
                self.blocks += self._written(page, number, way)
        if way == "ocr":
            with no_longer_than(self._limits.ocr_seconds):
                self.blocks += self._drawn(page, number)

    def _written(self, page: TextPage, number: int, way: Way) -> list[Block]:
        body = body_size(page.runs)
        plain = plain_blocks(page, number, body)
        if way == "plain" or not laid_out.is_there():
            return mended(plain, page, body)
        single = self._pages.alone(number)
        blocks = laid_out.blocks_of_pdf(single, number) if single else []
        return mended(blocks, page, body) if _letters(blocks) >= LEAST_KEPT * _letters(plain) else plain

    def _drawn(self, page: TextPage, number: int) -> list[Block]:
        plain = plain_blocks(page, number, body_size(page.runs))
        if not laid_out.reads_pictures():
            self.unread += 1
            return plain
        seen = laid_out.blocks_of_picture(self._pages.picture(number), number)
        return seen if _letters(seen) >= _letters(plain) else plain


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """The kernel ends this process when a page takes longer, whatever library it hangs in."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _letters(blocks: Sequence[Block]) -> int:
    return sum(len("".join(block.text.split())) for block in blocks)
