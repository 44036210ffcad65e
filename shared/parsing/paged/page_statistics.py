"""Estimates the extent of a paged document from a sample of its pages."""

from shared.parsing.document import PageStatistics
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.glyph_count import SIDE, count_glyphs
from shared.parsing.paged.page_method import page_method
from shared.parsing.paged.page_source import open_pages
from shared.parsing.time_limits import time_limit

SAMPLES = 8
SAMPLE_LETTERS = 3000
"""Letters of one page in the sample."""


def page_statistics(media_type: str, content: bytes, limits: ParsingLimits) -> PageStatistics:
    with time_limit(limits.page_seconds):
        pages = open_pages(media_type, content, limits)
        step = max(1, len(pages) // SAMPLES)
        numbers = range(1, len(pages) + 1, step)
        sampled = [pages.page(number) for number in numbers]
        share = len(pages) / len(sampled)
        methods = [page_method(page) for page in sampled]
        scanned = [number for number, method in zip(numbers, methods, strict=True) if method == "ocr"]
        return PageStatistics(
            len(pages),
            letters=round(share * sum(page.letters for page in sampled)),
            ocr_pages=round(share * len(scanned)),
            ocr_letters=round(share * sum(count_glyphs(pages.render(number, SIDE)) for number in scanned)),
            layout_pages=round(share * methods.count("layout")),
            sample="\n".join(" ".join(run.text for run in page.runs)[:SAMPLE_LETTERS] for page in sampled),
        )
