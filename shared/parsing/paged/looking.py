"""How much a document is, without reading it: pages, and letters by a few pages of it."""

from shared.parsing.document import Look
from shared.parsing.limits import Limits
from shared.parsing.paged.choice import way_of
from shared.parsing.paged.opening import open_pages
from shared.parsing.paged.slices import no_longer_than

SAMPLES = 8


def look(media_type: str, content: bytes, limits: Limits) -> Look:
    with no_longer_than(limits.page_seconds):
        pages = open_pages(media_type, content, limits)
        step = max(1, len(pages) // SAMPLES)
        sampled = [pages.page(number) for number in range(1, len(pages) + 1, step)]
        share = len(pages) / len(sampled)
        drawn = sum(way_of(page) == "ocr" for page in sampled)
        return Look(len(pages), round(share * sum(page.letters for page in sampled)), round(share * drawn))
