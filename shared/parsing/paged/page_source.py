"""Opens PDF documents and images as sources of pages. A page is read when it is asked for."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from itertools import islice
from typing import Any, NamedTuple, Protocol

from PIL import Image, ImageOps, UnidentifiedImageError

from shared.parsing.attachments import Attachment
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.actual_text import page_as_seen
from shared.parsing.paged.annotations import level_with, page_annotations
from shared.parsing.paged.embedded_files import embedded_files
from shared.parsing.paged.rulings import rulings_of
from shared.parsing.paged.text_blocks import TextPage
from shared.parsing.paged.text_layer import MOST_LETTERS, PageFrame, TextRun, text_runs
from shared.parsing.paged.visibility import hidden_letters
from shared.parsing.paged.xfa_form import xfa_lines
from shared.types.errors import Rejected
from shared.types.passage import Box

PDF = "application/pdf"
LONGEST_SIDE = 1800
"""Pixels; as many as OCR uses, about 150 dots an inch of a usual page."""

_MOST_OBJECTS = 20_000
_KINDS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/webp": "WEBP",
}
Image.MAX_IMAGE_PIXELS = None  # `_check_pixels` looks at the size before anything is decompressed


class PagePicture(NamedTuple):
    """A picture on a page. `digest` is that of its bytes; empty where the page itself is an image."""

    box: Box
    digest: bytes


class PageSource(Protocol):
    """The pages of a document, counted from 1."""

    title: str

    def __len__(self) -> int: ...

    def page(self, number: int) -> TextPage:
        """Returns the page's text layer; without runs where it has none."""
        ...

    def render(self, number: int, longest: int = LONGEST_SIDE, width: int | None = None) -> Image.Image:
        """Renders the page in RGB, its longer side `longest` pixels at most, or `width` pixels wide."""
        ...

    def excerpt(self, quarters: Mapping[int, int]) -> bytes | None:
        """Returns a PDF of the pages with these numbers, each rotated clockwise by quarter turns; None where the
        document is an image."""
        ...

    def pictures(self, number: int) -> list[PagePicture]:
        """Returns the pictures on the page."""
        ...

    def form_lines(self) -> list[str]:
        """Returns the lines of a form that the document holds apart from its pages."""
        ...

    def embedded_files(self) -> Iterator[Attachment]:
        """Yields the files that the document carries."""
        ...


def open_pages(media_type: str, content: bytes, limits: ParsingLimits) -> PageSource:
    """Raises Rejected("encrypted"), ("corrupt"), ("too-many-pages") and ("too-large-expanded")."""
    pages: PageSource = PdfPages(content, limits) if media_type == PDF else ImagePages(media_type, content, limits)
    if len(pages) > limits.max_pages:
        raise Rejected("too-many-pages", f"it has {len(pages)} pages; {limits.max_pages} are taken")
    if not len(pages):
        raise Rejected("corrupt", "it has no pages")
    return pages


class PdfPages:
    def __init__(self, content: bytes, limits: ParsingLimits) -> None:
        import pypdfium2

        self._limits = limits
        try:
            self._document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            if any(word in str(error).lower() for word in ("password", "security")):
                raise Rejected("encrypted", "it is encrypted; upload it without its password") from None
            raise Rejected("corrupt", "it is no readable PDF document") from None
        if self._document.get_formtype():
            self._document.init_forms()
        self.title = self._document.get_metadata_value("Title").strip()
        self._may_pin_files = b"/FileAttachment" in content or b"/EmbeddedFile" in content

    def __len__(self) -> int:
        return len(self._document)

    def page(self, number: int) -> TextPage:
        page, replaced = page_as_seen(lambda: self._page(number))
        frame = _frame(page)
        textpage = page.get_textpage()
        width, height = frame.size
        covered, has_content = self._picture_share(page, (frame.right - frame.left) * (frame.top - frame.bottom))
        hidden = hidden_letters(page, textpage, (frame.left, frame.bottom, frame.right, frame.top), MOST_LETTERS)
        seen, unseen = text_runs(textpage, frame, hidden)
        beside = page_annotations(self._document, page, frame)
        return TextPage(
            [*seen, *level_with(seen, beside.runs)],
            width,
            height,
            covered,
            has_content,
            beside.fields,
            [*unseen, *(TextRun(text, frame.displayed(*box), 0.0) for text, box in replaced)],
            beside.hidden_words,
            beside.links,
            beside.notes,
            rulings_of(self._objects(page), frame.displayed),
        )

    def render(self, number: int, longest: int = LONGEST_SIDE, width: int | None = None) -> Image.Image:
        page = self._page(number)
        across, down = page.get_size()
        self._picture_share(page, across * down)
        scale = longest / max(across, down)
        if width is not None:
            scale = min(width / across, 4 * width / max(across, down))
        rendered: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
        return rendered.convert("RGB")

    def excerpt(self, quarters: Mapping[int, int]) -> bytes | None:
        import pypdfium2

        chosen = pypdfium2.PdfDocument.new()
        chosen.import_pages(self._document, [number - 1 for number in quarters])
        for page, turns in zip(chosen, quarters.values(), strict=True):
            page.set_rotation((page.get_rotation() + 90 * turns) % 360)
        written = BytesIO()
        chosen.save(written)
        return written.getvalue()

    def pictures(self, number: int) -> list[PagePicture]:
        page = self._page(number)
        frame = _frame(page)
        size = TextPage((), *frame.size)
        images = [image for image in self._objects(page) if image.type == _IMAGE]
        return [
            PagePicture(size.fractions(frame.displayed(*image.get_bounds())), sha256(bytes(image.get_data())).digest())
            for image in images
        ]

    def form_lines(self) -> list[str]:
        return xfa_lines(self._document)

    def embedded_files(self) -> Iterator[Attachment]:
        return embedded_files(self._document, with_pinned=self._may_pin_files)

    def _page(self, number: int) -> Any:
        import pypdfium2

        try:
            page = self._document[number - 1]
        except pypdfium2.PdfiumError as error:
            raise Rejected("corrupt", f"page {number} cannot be read") from error
        if min(page.get_size()) <= 0:
            raise Rejected("corrupt", f"page {number} has no size")
        return page

    def _picture_share(self, page: Any, area: float) -> tuple[float, bool]:
        """Returns the share of the page that pictures cover, and whether the page has any content.

        Raises Rejected("too-large-expanded") for a picture of too many pixels.
        """
        covered, has_content = 0.0, False
        for item in self._objects(page):
            has_content = True
            if item.type == _IMAGE:
                left, bottom, right, top = item.get_bounds()
                covered += max(right - left, 0) * max(top - bottom, 0)
                wide, high = item.get_px_size()
                _check_pixels(wide * high, self._limits)
        return min(covered / area, 1.0), has_content

    def _objects(self, page: Any) -> Iterator[Any]:
        return islice(page.get_objects(max_depth=3), _MOST_OBJECTS)


_IMAGE = 3
"""PDFium's FPDF_PAGEOBJ_IMAGE."""


def _frame(page: Any) -> PageFrame:
    left, bottom, right, top = page.get_bbox()
    return PageFrame(left, bottom, right, top, page.get_rotation() // 90)


class ImagePages:
    """An image as a document of one page; a TIFF may have more."""

    title = ""

    def __init__(self, media_type: str, content: bytes, limits: ParsingLimits) -> None:
        self._limits = limits
        try:
            self._image = Image.open(BytesIO(content), formats=[_KINDS[media_type]])
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
            raise Rejected("corrupt", "it is no readable picture") from None
        self._count = int(getattr(self._image, "n_frames", 1)) if self._image.format == "TIFF" else 1

    def __len__(self) -> int:
        return self._count

    def page(self, number: int) -> TextPage:
        image = self._frame(number)
        return TextPage((), float(image.width), float(image.height), 1.0, True)

    def render(self, number: int, longest: int = LONGEST_SIDE, width: int | None = None) -> Image.Image:
        image = self._frame(number)
        try:
            image.draft("RGB", (2 * longest, 2 * longest))
            upright = ImageOps.exif_transpose(image)
        except (OSError, SyntaxError, ValueError):
            raise Rejected("corrupt", "it is no readable picture") from None
        if width is not None:
            longest = int(max(upright.size) * min(width / upright.width, 1.0)) or 1
        upright.thumbnail((longest, longest))
        return _opaque(upright)

    def excerpt(self, quarters: Mapping[int, int]) -> bytes | None:
        return None

    def pictures(self, number: int) -> list[PagePicture]:
        return [PagePicture((0.0, 0.0, 1.0, 1.0), b"")]

    def form_lines(self) -> list[str]:
        return []

    def embedded_files(self) -> Iterator[Attachment]:
        yield from ()

    def _frame(self, number: int) -> Image.Image:
        try:
            self._image.seek(number - 1)
        except (EOFError, OSError, SyntaxError, ValueError):
            raise Rejected("corrupt", f"page {number} cannot be read") from None
        _check_pixels(self._image.width * self._image.height, self._limits)
        return self._image


def _opaque(image: Image.Image) -> Image.Image:
    """Converts to RGB, transparent pixels to white."""
    if image.mode in ("I;16", "I", "F"):
        image = image.point(lambda value: value / 256).convert("L")
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")


def _check_pixels(pixels: int, limits: ParsingLimits) -> None:
    if pixels > limits.pixels:
        raise Rejected("too-large-expanded", f"a picture in it has {pixels} pixels; {limits.pixels} are taken")
