"""Renders a page as an image."""

from io import BytesIO

from PIL import Image, ImageChops, ImageDraw

from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.page_source import open_pages
from shared.parsing.time_limits import time_limit
from shared.types.passage import Box

WIDTH = 1200
_FRAME = (214, 40, 40)
_MARKER = (255, 221, 51)


def render_page(media_type: str, content: bytes, number: int, box: Box | None, limits: ParsingLimits) -> bytes | None:
    """Returns a PNG about `WIDTH` pixels wide with `box` highlighted; None where the document has no such page."""
    with time_limit(limits.page_seconds):
        pages = open_pages(media_type, content, limits)
        if not 1 <= number <= len(pages):
            return None
        image = pages.render(number, width=WIDTH)
        if box:
            image = _highlighted(image, box)
        written = BytesIO()
        image.save(written, "PNG", compress_level=3)
        return written.getvalue()


def _highlighted(image: Image.Image, box: Box) -> Image.Image:
    """The box with the colour of a marker over it, and a frame around it."""
    left, top, right, bottom = box
    place = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    marker = Image.new("RGB", image.size, "white")
    ImageDraw.Draw(marker).rectangle(place, fill=_MARKER)
    marked = Image.blend(image, ImageChops.multiply(image, marker), 0.45)
    ImageDraw.Draw(marked).rectangle(place, outline=_FRAME, width=3)
    return marked
