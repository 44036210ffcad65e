"""Finds the letters of a page's text layer that a reader does not see.

Cheap signs say which text objects may be hidden; whether they are is decided on the rendered page, where a letter that
is seen differs from its surroundings.
"""

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium
from msgspec import Struct
from PIL import Image

SMALLEST = 1.0
"""Points; letters whose box is smaller in both directions cannot be read."""

_LIGHT = 200
_SIMILAR = 48
_CONTRAST = 12
"""Of 255, between the lightest and the darkest pixel of a letter's box."""

_RENDERED = 2.0
"""Pixels a point of the page that the letters are looked up in."""

_MOST_OBJECTS = 20_000
_MOST_SHAPES = 2_000
_DEPTH = 4
_INVISIBLE = (3, 7)
"""Render modes that paint nothing."""

_Bounds = tuple[float, float, float, float]
_Matrix = tuple[float, float, float, float, float, float]
_Color = tuple[int, int, int]
_UNIT: _Matrix = (1, 0, 0, 1, 0, 0)


class _Text(Struct):
    """A text object, with its place in the order of painting."""

    item: Any
    place: int
    in_form: bool


class _Shape(Struct):
    bounds: _Bounds
    place: int
    color: _Color | None  # None for a picture


def hidden_letters(page: Any, textpage: Any, bounds: _Bounds, most: int) -> set[int]:
    """Returns the indices of the letters, among the first `most`, that are invisible, outside `bounds` (left, bottom,
    right, top), too small, or of the color of what lies around them."""
    texts, shapes = _objects(page)
    hidden: set[int] = set()
    suspects: dict[int, list[tuple[int, _Bounds]]] = {}
    verdicts: dict[int, bool | None] = {}
    for index in range(min(pdfium.FPDFText_CountChars(textpage), most)):
        if pdfium.FPDFText_GetUnicode(textpage, index) in (0, 10, 13, 32):
            continue
        box = _box(textpage, index)
        if _is_outside(box, bounds) or max(box[2] - box[0], box[3] - box[1]) < SMALLEST:
            hidden.add(index)
            continue
        address = _address(pdfium.FPDFText_GetTextObject(textpage, index))
        text = texts.get(address)
        if text is None:
            continue
        if address not in verdicts:
            verdicts[address] = _verdict(text, box, shapes)
        if verdicts[address] is None:
            suspects.setdefault(address, []).append((index, box))
        elif verdicts[address]:
            hidden.add(index)
    return hidden | _unseen(page, bounds, suspects)


def _verdict(text: _Text, box: _Bounds, shapes: list[_Shape]) -> bool | None:
    """Whether the text is hidden; None where only the rendered page says it."""
    around = [shape for shape in shapes if _holds(shape.bounds, box)]
    if pdfium.FPDFTextObj_GetTextRenderMode(text.item) in _INVISIBLE:
        return not any(shape.color is None for shape in around)  # over a picture it is what OCR read in a scan
    color, alpha = _fill(text.item)
    if text.in_form or alpha < _SIMILAR or color is None or min(color) > _LIGHT or _is_optional(text.item):
        return None
    for shape in around:
        if shape.color and (shape.place > text.place or _is_similar(shape.color, color)):
            return None
    return False


def _unseen(page: Any, bounds: _Bounds, suspects: dict[int, list[tuple[int, _Bounds]]]) -> set[int]:
    """Returns the letters of the suspects of which hardly any differs from what is around it on the rendered page."""
    if not suspects:
        return set()
    across, down = page.get_size()
    scale = min(_RENDERED, 4000 / max(across, down))
    image = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    hidden: set[int] = set()
    for letters in suspects.values():
        seen = sum(_differs(image, _pixels(page, box, image)) for _, box in letters)
        if seen <= 0.1 * len(letters):
            hidden.update(index for index, _ in letters)
    return hidden


def _differs(image: Image.Image, box: tuple[int, int, int, int]) -> bool:
    extrema = image.crop(box).getextrema()
    return any(high - low > _CONTRAST for low, high in extrema)  # type: ignore[operator, misc, str-bytes-safe, unused-ignore]


def _pixels(page: Any, box: _Bounds, image: Image.Image) -> tuple[int, int, int, int]:
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
    for place, (item, matrix, in_form) in enumerate(_painted(page.raw, _UNIT, 0)):
        if place >= _MOST_OBJECTS:
            break
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            texts[_address(item)] = _Text(item, place, in_form)
        elif len(shapes) < _MOST_SHAPES and (shape := _shape(item, kind, matrix, place)):
            shapes.append(shape)
    return texts, shapes


def _painted(holder: Any, matrix: _Matrix, depth: int) -> Iterator[tuple[Any, _Matrix, bool]]:
    """Yields the objects of a page, and those of its forms, in the order of painting."""
    count = pdfium.FPDFFormObj_CountObjects(holder) if depth else pdfium.FPDFPage_CountObjects(holder)
    for place in range(count):
        item = pdfium.FPDFFormObj_GetObject(holder, place) if depth else pdfium.FPDFPage_GetObject(holder, place)
        if pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_FORM:
            yield item, matrix, depth > 0
        elif depth < _DEPTH:
            yield from _painted(item, _product(_matrix(item), matrix), depth + 1)


def _shape(item: Any, kind: int, matrix: _Matrix, place: int) -> _Shape | None:
    """Returns a picture or a filled path that nothing shines through."""
    if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
        return _Shape(_bounds(item, matrix), place, None)
    if kind != pdfium.FPDF_PAGEOBJ_PATH:
        return None
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(item, mode, stroke)
    color, _ = _fill(item)
    if not mode.value or color is None:
        return None
    return _Shape(_bounds(item, matrix), place, color)


def _fill(item: Any) -> tuple[_Color | None, int]:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, alpha):
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


def _box(textpage: Any, index: int) -> _Bounds:
    rectangle = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage, index, rectangle)
    return rectangle.left, rectangle.bottom, rectangle.right, rectangle.top


def _is_outside(box: _Bounds, bounds: _Bounds) -> bool:
    return box[2] <= bounds[0] or box[0] >= bounds[2] or box[3] <= bounds[1] or box[1] >= bounds[3]


def _holds(outer: _Bounds, inner: _Bounds) -> bool:
    """Whether the middle of `inner` lies in `outer`."""
    across, up = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= across <= outer[2] and outer[1] <= up <= outer[3]


def _matrix(item: Any) -> _Matrix:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, matrix)
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _product(first: _Matrix, then: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _bounds(item: Any, matrix: _Matrix) -> _Bounds:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
    a, b, c, d, e, f = matrix
    corners = [
        (a * x + c * y + e, b * x + d * y + f) for x in (left.value, right.value) for y in (bottom.value, top.value)
    ]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _address(item: Any) -> int:
    return ctypes.cast(item, ctypes.c_void_p).value or 0
