"""Finds the pictures on the pages of a document and crops them."""

from collections import Counter
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from shared.parsing.document import PicturePlace
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.page_source import PagePicture, PageSource, open_pages
from shared.parsing.time_limits import time_limit
from shared.types.passage import Box

LEAST_SHARE = 0.015
"""Share of the page; a smaller picture is an ornament."""

REPEATED = 3
"""The same picture at the same place of so many pages is a letterhead."""

_RENDERED = 2200
SIDE = 1024
"""Pixels of the longer side: as much as vision models use."""


def find_pictures(media_type: str, content: bytes, most: int, limits: ParsingLimits) -> tuple[PicturePlace, ...]:
    """Returns the places of the first `most` pictures, from the top of the first page on."""
    pages = open_pages(media_type, content, limits)
    found = [(number, picture) for number in range(1, len(pages) + 1) for picture in _large(pages, number, limits)]
    alike = Counter(picture for _, picture in found)
    rare = [(page, picture) for page, picture in found if alike[picture] < REPEATED or not picture.digest]
    return tuple(PicturePlace(page, picture.box) for page, picture in rare[:most])


def crop_picture(media_type: str, content: bytes, place: PicturePlace, limits: ParsingLimits) -> bytes | None:
    """Returns a PNG; None where the document has no such page."""
    with time_limit(limits.page_seconds):
        pages = open_pages(media_type, content, limits)
        if not 1 <= place.page <= len(pages):
            return None
        return png(pages.render(place.page, _RENDERED), place.box)


def png(image: Image.Image, box: Box) -> bytes:
    """Crops the box out of the image, as a PNG."""
    left, top, right, bottom = box
    edges = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    first, second, third, fourth = map(round, edges)
    cut = image.crop((first, second, max(third, first + 1), max(fourth, second + 1)))
    cut.thumbnail((SIDE, SIDE))
    written = BytesIO()
    cut.save(written, "PNG")
    return written.getvalue()


def _large(pages: PageSource, number: int, limits: ParsingLimits) -> Iterator[PagePicture]:
    with time_limit(limits.page_seconds):
        found = set(pages.pictures(number))
    for picture in sorted(found, key=lambda one: (one.box[1], one.box[0])):
        left, top, right, bottom = picture.box
        if (right - left) * (bottom - top) >= LEAST_SHARE:
            yield picture
