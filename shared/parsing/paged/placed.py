"""Where pictures stand on pages, and each by itself."""

from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from itertools import islice

from PIL import Image

from shared.parsing.document import PicturePlace
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.opening import PagePicture, PageSource, open_pages
from shared.parsing.paged.slices import no_longer_than
from shared.types.passage import Box

LEAST_SHARE = 0.015
"""Of the page; what is smaller is an ornament."""

REPEATED = 3
"""The same picture at the same place of so many pages is a letterhead."""

_RENDERED = 2200
SIDE = 1024
"""Pixels of the longer side: as much as models of vision look at."""


def find(media_type: str, content: bytes, most: int, limits: ParsingLimits) -> tuple[PicturePlace, ...]:
    """The first `most`, from the top of the first page on."""
    pages = open_pages(media_type, content, limits)
    found = [(number, shown) for number in range(1, len(pages) + 1) for shown in _large(pages, number, limits)]
    alike = Counter(shown for _, shown in found)
    rare = (PicturePlace(number, shown.box) for number, shown in found if alike[shown] < REPEATED or not shown.mark)
    return tuple(islice(rare, most))


def crop(media_type: str, content: bytes, place: PicturePlace, limits: ParsingLimits) -> bytes | None:
    """A PNG; None where the document has no such page."""
    with no_longer_than(limits.page_seconds):
        pages = open_pages(media_type, content, limits)
        if not 1 <= place.page <= len(pages):
            return None
        return png(pages.picture(place.page, _RENDERED), place.box)


def png(image: Image.Image, box: Box) -> bytes:
    """What is in the box."""
    left, top, right, bottom = box
    edges = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    first, second, third, fourth = map(round, edges)
    cut = image.crop((first, second, max(third, first + 1), max(fourth, second + 1)))
    cut.thumbnail((SIDE, SIDE))
    written = BytesIO()
    cut.save(written, "PNG")
    return written.getvalue()


def _large(pages: PageSource, number: int, limits: ParsingLimits) -> Iterator[PagePicture]:
    with no_longer_than(limits.page_seconds):
        found = set(pages.pictures(number))
    for shown in sorted(found, key=lambda one: (one.box[1], one.box[0])):
        left, top, right, bottom = shown.box
        if (right - left) * (bottom - top) >= LEAST_SHARE:
            yield shown
