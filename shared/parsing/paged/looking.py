"""How much a document is, without reading it: pages, and letters by a few pages of it."""

from shared.parsing.document import Look
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.choice import way_of
from shared.parsing.paged.ink import SIDE, letters_in
from shared.parsing.paged.opening import open_pages
from shared.parsing.paged.plain import TextPage
from shared.parsing.paged.slices import no_longer_than

SAMPLES = 8
SAMPLE_LETTERS = 3000
"""Of one page."""


def look(media_type: str, content: bytes, limits: ParsingLimits) -> Look:
    with no_longer_than(limits.page_seconds):
        pages = open_pages(media_type, content, limits)
        step = max(1, len(pages) // SAMPLES)
        numbers = range(1, len(pages) + 1, step)
        sampled = [pages.page(number) for number in numbers]
        share = len(pages) / len(sampled)
        ways = [way_of(page) for page in sampled]
        drawn = [number for number, way in zip(numbers, ways, strict=True) if way == "ocr"]
        return Look(
            len(pages),
            letters=round(share * sum(page.letters for page in sampled)),
            drawn=round(share * len(drawn)),
            seen=round(share * sum(letters_in(pages.picture(number, SIDE)) for number in drawn)),
            laid_out=round(share * ways.count("layout")),
            sample="\n".join(_text(page) for page in sampled),
        )


def _text(page: TextPage) -> str:
    return " ".join(run.text for run in page.runs)[:SAMPLE_LETTERS]
