"""A page as a picture."""

from io import BytesIO

from PIL import Image, ImageDraw

from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.opening import open_pages
from shared.parsing.paged.slices import no_longer_than
from shared.types.passage import Box

WIDTH = 1200
_FRAME = (214, 40, 40)
_MARKER = (255, 221, 51)


def draw(media_type: str, content: bytes, number: int, box: Box | None, limits: ParsingLimits) -> bytes | None:
    """A PNG about `WIDTH` pixels wide; None where the document has no such page."""
    with no_longer_than(limits.page_seconds):
        pages = open_pages(media_type, content, limits)
        if not 1 <= number <= len(pages):
            return None
        image = pages.picture(number, width=WIDTH)
        if box:
            image = _marked(image, box)
        written = BytesIO()
        image.save(written, "PNG", compress_level=3)
        return written.getvalue()


def _marked(image: Image.Image, box: Box) -> Image.Image:
    """What is in the box shines through a marker; around it is a frame."""
    left, top, right, bottom = box
    place = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    marker = Image.new("RGB", image.size, "white")
    ImageDraw.Draw(marker).rectangle(place, fill=_MARKER)
    marked = Image.blend(image, _multiplied(image, marker), 0.45)
    ImageDraw.Draw(marked).rectangle(place, outline=_FRAME, width=3)
    return marked


def _multiplied(image: Image.Image, marker: Image.Image) -> Image.Image:
    from PIL import ImageChops

    return ImageChops.multiply(image, marker)
