"""Parses the pages of a document, one slice of consecutive pages at a time."""

import time
from collections.abc import Mapping, Sequence

from shared.parsing.assembly import Assembly
from shared.parsing.attachments import write_attachments
from shared.parsing.document import Block, PageReading, ParsedDocument, Slice
from shared.parsing.engine import current_engine
from shared.parsing.limits import SLICE_PAGES, ParsingLimits
from shared.parsing.paged import layout
from shared.parsing.paged.page_method import page_method
from shared.parsing.paged.page_source import PageSource, open_pages
from shared.parsing.paged.page_text import layout_quarters, page_blocks
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
    end = min(first + SLICE_PAGES, (last or len(pages)) + 1, len(pages) + 1)
    batch = current_engine().batch_pages
    reader = _Reader(pages, limits)
    until = first - 1
    for start in range(first, end, batch):
        until = min(start + batch, end) - 1
        reader.read(range(start, until + 1))
        if time.monotonic() - started > SECONDS:
            break
    attached = Assembly(limits)
    if until == len(pages):
        reader.blocks += [Block("paragraph", line) for line in pages.form_lines()]
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


def preload() -> str:
    """Loads the libraries and models that the first page would have to wait for; returns where they compute."""
    if layout.is_available():
        layout.load_layout()
    if layout.has_ocr():
        layout.load_ocr()
    return layout.devices() if layout.is_available() else ""


class _Reader:
    """Parses pages, each by the method it needs."""

    def __init__(self, pages: PageSource, limits: ParsingLimits) -> None:
        self._pages = pages
        self._limits = limits
        self.blocks: list[Block] = []
        self.unread = 0
        self.readings: list[PageReading] = []

    def read(self, numbers: Sequence[int]) -> None:
        """Reads consecutive pages; they share the time that all of them may take."""
        with time_limit(self._limits.page_seconds * len(numbers)):
            pages = {number: self._pages.page(number) for number in numbers}
            methods = {number: page_method(page) for number, page in pages.items()}
            text_pages = {number: pages[number] for number in numbers if methods[number] in ("plain", "layout")}
            found = self._laid_out(text_pages)
            read = {number: page_blocks(page, number, found.get(number)) for number, page in text_pages.items()}
        pictures = {number: pages[number] for number in numbers if methods[number] == "ocr"}
        with time_limit(self._limits.ocr_seconds * (len(pictures) or 1)):
            recognized = self._recognized(list(pictures))
        for number, page in pages.items():
            if number in pictures:
                self._add_picture(page, number, recognized.get(number))
            else:
                self._add_text(page, number, read.get(number, []))

    def _laid_out(self, pages: Mapping[int, TextPage]) -> dict[int, list[Block]]:
        quarters = {number: turns for number, page in pages.items() if (turns := layout_quarters(page)) is not None}
        excerpt = self._pages.excerpt(quarters) if quarters else None
        if excerpt is None:
            return {}
        with uncounted():
            layout.load_layout()
        return layout.pdf_blocks(excerpt, list(quarters))

    def _recognized(self, numbers: list[int]) -> dict[int, tuple[list[Block], int | None]]:
        if not numbers or not layout.has_ocr():
            return {}
        with uncounted():
            layout.load_ocr()
        images = [self._pages.render(number) for number in numbers]
        return dict(zip(numbers, layout.image_blocks(images, numbers), strict=True))

    def _add_text(self, page: TextPage, number: int, blocks: list[Block]) -> None:
        words, found = words_in_blocks(blocks, page)
        self.blocks += blocks
        self.readings.append(PageReading(number, "native", None, words, found, page.hidden_words))

    def _add_picture(self, page: TextPage, number: int, recognized: tuple[list[Block], int | None] | None) -> None:
        plain = text_blocks(page, number, body_size(page.runs))
        words, hidden = sum(len(run.text.split()) for run in page.runs), page.hidden_words
        reading = PageReading(number, "native", None, words, words, hidden)
        if recognized is None:
            self.unread += 1
        elif _letters(recognized[0]) >= _letters(plain):
            plain, reading = recognized[0], PageReading(number, "ocr", recognized[1], 0, 0, hidden)
        self.blocks += plain
        self.readings.append(reading)


def _letters(blocks: Sequence[Block]) -> int:
    return sum(len("".join(block.text.split())) for block in blocks)
