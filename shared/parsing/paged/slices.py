"""Parses the pages of a document, one slice of consecutive pages at a time."""

import time
from collections.abc import Sequence

from shared.parsing.assembly import Assembly
from shared.parsing.attachments import write_attachments
from shared.parsing.document import Block, PageReading, ParsedDocument, Slice
from shared.parsing.limits import SLICE_PAGES, ParsingLimits
from shared.parsing.paged import layout
from shared.parsing.paged.page_method import page_method
from shared.parsing.paged.page_source import PageSource, open_pages
from shared.parsing.paged.page_text import page_blocks
from shared.parsing.paged.text_blocks import TextPage, body_size, text_blocks
from shared.parsing.paged.unowned_text import words_in_blocks
from shared.parsing.slices import join_slices
from shared.parsing.time_limits import processor_seconds, time_limit, uncounted

SECONDS = 20.0
"""After this time by the clock a slice ends with its current page, so that a delivery can end in time."""


def parse(media_type: str, filename: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """Parses the whole document."""
    slices = [parse_slice(media_type, content, 1, limits)]
    while slices[-1].until < slices[-1].pages:
        slices.append(parse_slice(media_type, content, slices[-1].until + 1, limits))
    return join_slices(slices)


def parse_slice(media_type: str, content: bytes, first: int, limits: ParsingLimits, last: int | None = None) -> Slice:
    """Parses pages from `first` on: up to `last` or `SLICE_PAGES` of them, fewer where `SECONDS` have passed."""
    started, computed = time.monotonic(), processor_seconds()
    pages = open_pages(media_type, content, limits)
    numbers = range(first, min(first + SLICE_PAGES, (last or len(pages)) + 1, len(pages) + 1))
    reader = _Reader(pages, limits)
    until = first - 1
    for until in numbers:
        reader.read(until)
        if time.monotonic() - started > SECONDS:
            break
    attached = Assembly(limits)
    if until == len(pages):
        write_attachments(attached, pages.embedded_files(), limits)
    return Slice(
        (*reader.blocks, *attached.take_blocks()),
        until,
        len(pages),
        pages.title,
        reader.unread,
        processor_seconds() - computed,
        hidden_words=sum(reading.hidden_words for reading in reader.readings) + attached.hidden_words,
        page_readings=tuple(reader.readings),
    )


def preload() -> None:
    """Loads the libraries and models that the first page would have to wait for."""
    if layout.is_available():
        layout.load_layout()
    if layout.has_ocr():
        layout.load_ocr()


class _Reader:
    """Parses page after page, each by the method it needs."""

    def __init__(self, pages: PageSource, limits: ParsingLimits) -> None:
        self._pages = pages
        self._limits = limits
        self.blocks: list[Block] = []
        self.unread = 0
        self.readings: list[PageReading] = []

    def read(self, number: int) -> None:
        with time_limit(self._limits.page_seconds):
            page = self._pages.page(number)
            method = page_method(page)
            if method in ("plain", "layout"):
                self._text_page(page, number)
        if method == "ocr":
            with time_limit(self._limits.ocr_seconds):
                self.blocks += self._image_page(page, number)
        elif method == "blank":
            self.readings.append(PageReading(number, "native", None, 0, 0, page.hidden_words))

    def _text_page(self, page: TextPage, number: int) -> None:
        blocks = page_blocks(page, number, lambda quarters: self._pages.single_page_pdf(number, quarters))
        words, found = words_in_blocks(blocks, page)
        self.blocks += blocks
        self.readings.append(PageReading(number, "native", None, words, found, page.hidden_words))

    def _image_page(self, page: TextPage, number: int) -> list[Block]:
        plain = text_blocks(page, number, body_size(page.runs))
        words, hidden = sum(len(run.text.split()) for run in page.runs), page.hidden_words
        native = PageReading(number, "native", None, words, words, hidden)
        if not layout.has_ocr():
            self.unread += 1
            self.readings.append(native)
            return plain
        with uncounted():
            layout.load_ocr()
        recognized, score = layout.image_blocks(self._pages.render(number), number)
        is_better = _letters(recognized) >= _letters(plain)
        self.readings.append(PageReading(number, "ocr", score, 0, 0, hidden) if is_better else native)
        return recognized if is_better else plain


def _letters(blocks: Sequence[Block]) -> int:
    return sum(len("".join(block.text.split())) for block in blocks)
