"""Finds the letters of a page's text layer that a reader does not see.

Cheap signs say which text objects may be hidden; whether they are is decided on the rendered page, where a letter that
is seen differs from its surroundings.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, Literal

import pypdfium2.raw as pdfium
from msgspec import Struct
from PIL import Image, ImageChops

from shared.parsing.paged.page_objects import Bounds, Matrix, address_of, bounds_of, clip_of, painted

SMALLEST = 1.0
"""Points; letters whose box is smaller in both directions cannot be read."""

_LIGHT = 200
_SIMILAR = 48
_CONTRAST = 12
"""Of 255, between the lightest and the darkest pixel of a letter's box."""

_RENDERED = 2.0
"""Pixels a point of the page that the letters are looked up in."""

_MOST_SHAPES = 2_000
_INVISIBLE = (3, 7)
"""Render modes that paint nothing."""

_OUTLINE = (1, 5)
"""Render modes that paint the outlines of letters alone."""

_FILL = pdfium.FPDFPageObj_GetFillColor

_SCAN = 0.4
"""Share of the page; text below a picture that covers so much is what OCR read in it."""

_BLANK_FONTS = ("blank", "glyphless", "invisible", "notdef")
_Color = tuple[int, int, int]
_Verdict = Literal["seen", "hidden", "contrast", "difference"]
"""Whether a text is hidden; with `contrast`, where its letters do not differ from what is around them on the rendered
page; with `difference`, where the page is the same without it."""


class _Text(Struct):
    """A text object, with its place in the order of painting."""

    item: Any
    place: int
    in_form: bool


class _Shape(Struct):
    bounds: Bounds
    place: int
    color: _Color | None  # None for a picture


def hidden_letters(page: Any, textpage: Any, bounds: Bounds, most: int) -> set[int]:
    """Returns the indices of the letters, among the first `most`, that are invisible, outside `bounds` or of what they
    are clipped to, too small, covered, or of the color of what lies around them."""
    texts, shapes = _objects(page)
    hidden: set[int] = set()
    suspects: dict[int, list[tuple[int, Bounds]]] = {}
    verdicts: dict[int, tuple[_Verdict, Bounds]] = {}
    for index in range(min(pdfium.FPDFText_CountChars(textpage), most)):
        if pdfium.FPDFText_GetUnicode(textpage, index) in (0, 10, 13, 32):
            continue
        box = _box(textpage, index)
        if _is_outside(box, bounds) or max(box[2] - box[0], box[3] - box[1]) < SMALLEST:
            hidden.add(index)
            continue
        address = address_of(pdfium.FPDFText_GetTextObject(textpage, index))
        text = texts.get(address)
        if text is None:
            continue
        if address not in verdicts:
            verdicts[address] = _verdict(text, box, shapes, bounds)
        verdict, clip = verdicts[address]
        if verdict == "hidden" or _is_outside(box, clip):
            hidden.add(index)
        elif verdict != "seen":
            suspects.setdefault(address, []).append((index, box))
    covered = [texts[address].item for address in suspects if verdicts[address][0] == "difference"]
    return hidden | _unseen(page, suspects, covered)


def _verdict(text: _Text, box: Bounds, shapes: list[_Shape], bounds: Bounds) -> tuple[_Verdict, Bounds]:
    """Returns what decides whether the text is hidden, from what is at its first letter, and what it is clipped to."""
    clip, is_box = (not text.in_form and clip_of(text.item)) or (bounds, True)
    around = [shape for shape in shapes if _holds(shape.bounds, box)]
    mode = pdfium.FPDFTextObj_GetTextRenderMode(text.item)
    if mode in _INVISIBLE:
        is_read = any(shape.color is None for shape in around)  # over a picture it is what OCR read in a scan
        return "seen" if is_read else "hidden", clip
    later = [shape for shape in around if shape.color is None and shape.place > text.place]
    if any(_area(shape.bounds) < _SCAN * _area(bounds) for shape in later) or not is_box or _may_be_blank(text.item):
        return "difference", clip
    color, alpha = _paint(text.item, pdfium.FPDFPageObj_GetStrokeColor if mode in _OUTLINE else _FILL)
    if text.in_form or alpha < _SIMILAR or color is None or min(color) > _LIGHT or _is_optional(text.item):
        return "contrast", clip
    for shape in around:
        if shape.color and (shape.place > text.place or _is_similar(shape.color, color)):
            return "contrast", clip
    return "seen", clip


def _may_be_blank(item: Any) -> bool:
    """Whether the text's font may have no shapes, as one that the file draws itself, or the text may be transparent."""
    name = ctypes.create_string_buffer(128)
    pdfium.FPDFFont_GetBaseFontName(pdfium.FPDFTextObj_GetFont(item), name, 128)
    font = name.value.decode("latin-1").lower()
    return not font or any(word in font for word in _BLANK_FONTS) or bool(pdfium.FPDFPageObj_HasTransparency(item))


def _area(box: Bounds) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _unseen(page: Any, suspects: dict[int, list[tuple[int, Bounds]]], covered: Sequence[Any]) -> set[int]:
    """Returns the letters of the suspects of which hardly any is seen on the rendered page: it differs from what is
    around it, and those of the texts `covered` from the page without them."""
    if not suspects:
        return set()
    image = _rendered(page)
    changes = image
    if covered:
        for item in covered:
            pdfium.FPDFPageObj_SetIsActive(item, False)
        changes = ImageChops.difference(image, _rendered(page))
        for item in covered:
            pdfium.FPDFPageObj_SetIsActive(item, True)
    addresses = set(map(address_of, covered))
    hidden: set[int] = set()
    for address, letters in suspects.items():
        at = changes if address in addresses else image
        unseen = [index for index, box in letters if not _differs(at, _pixels(page, box, image))]
        if len(letters) - len(unseen) <= 0.1 * len(letters):
            hidden.update(index for index, _ in letters)
        elif address in addresses:  # a part of it is covered
            hidden.update(unseen)
    return hidden


def _rendered(page: Any) -> Image.Image:
    scale = min(_RENDERED, 4000 / max(page.get_size()))
    image: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
    return image.convert("RGB")


def _differs(image: Image.Image, box: tuple[int, int, int, int]) -> bool:
    extrema = image.crop(box).getextrema()
    return any(high - low > _CONTRAST for low, high in extrema)  # type: ignore[operator, misc, str-bytes-safe, unused-ignore]


def _pixels(page: Any, box: Bounds, image: Image.Image) -> tuple[int, int, int, int]:
    """Converts a rectangle in PDF coordinates to the pixels of the rendered page."""
    xs, ys = [], []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, image.width, image.height, 0, x, y, across, down)
        xs.append(across.value)
        ys.append(down.value)
    left, top = sorted((0, *xs))[1], sorted((0, *ys))[1]
    return left, top, max(left + 1, *xs), max(top + 1, *ys)


def _objects(page: Any) -> tuple[dict[int, _Text], list[_Shape]]:
    texts: dict[int, _Text] = {}
    shapes: list[_Shape] = []
    for place, (item, matrix, in_form) in enumerate(painted(page)):
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            texts[address_of(item)] = _Text(item, place, in_form)
        elif len(shapes) < _MOST_SHAPES and (shape := _shape(item, kind, matrix, place)):
            shapes.append(shape)
    return texts, shapes


def _shape(item: Any, kind: int, matrix: Matrix, place: int) -> _Shape | None:
    """Returns a picture or a filled path that nothing shines through."""
    if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
        return _Shape(bounds_of(item, matrix), place, None)
    if kind != pdfium.FPDF_PAGEOBJ_PATH:
        return None
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(item, mode, stroke)
    color, _ = _paint(item, _FILL)
    if not mode.value or color is None:
        return None
    return _Shape(bounds_of(item, matrix), place, color)


def _paint(item: Any, color_of: Any) -> tuple[_Color | None, int]:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not color_of(item, red, green, blue, alpha):
        return None, 255
    return (red.value, green.value, blue.value), alpha.value


def _is_optional(item: Any) -> bool:
    """Whether the text belongs to an optional content group."""
    name, length = ctypes.create_string_buffer(16), ctypes.c_ulong()
    for place in range(pdfium.FPDFPageObj_CountMarks(item)):
        mark = pdfium.FPDFPageObj_GetMark(item, place)
        wide = ctypes.cast(name, ctypes.POINTER(pdfium.FPDF_WCHAR))
        pdfium.FPDFPageObjMark_GetName(mark, wide, 16, length)
        if name.raw[:4] == "OC".encode("utf-16-le"):
            return True
    return False


def _is_similar(one: _Color, other: _Color) -> bool:
    return all(abs(left - right) <= _SIMILAR for left, right in zip(one, other, strict=True))


def _box(textpage: Any, index: int) -> Bounds:
    rectangle = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage, index, rectangle)
    return rectangle.left, rectangle.bottom, rectangle.right, rectangle.top


def _is_outside(box: Bounds, bounds: Bounds) -> bool:
    return box[2] <= bounds[0] or box[0] >= bounds[2] or box[3] <= bounds[1] or box[1] >= bounds[3]


def _holds(outer: Bounds, inner: Bounds) -> bool:
    """Whether the middle of `inner` lies in `outer`."""
    across, up = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= across <= outer[2] and outer[1] <= up <= outer[3]
