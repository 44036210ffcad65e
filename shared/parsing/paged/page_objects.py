"""The objects that a page paints, with their places."""

import ctypes
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pypdfium2.raw as pdfium

Bounds = tuple[float, float, float, float]
"""Left, bottom, right and top in PDF coordinates."""

Matrix = tuple[float, float, float, float, float, float]
_UNIT: Matrix = (1, 0, 0, 1, 0, 0)
_MOST_OBJECTS = 20_000
_DEPTH = 4
_CORNERS = 5
_MOST_SEGMENTS = 400


def painted(page: Any) -> Iterator[tuple[Any, Matrix, bool]]:
    """Yields the first objects of a page, and those of its forms, in the order of painting."""
    return islice(_painted(page.raw, _UNIT, 0), _MOST_OBJECTS)


def _painted(holder: Any, matrix: Matrix, depth: int) -> Iterator[tuple[Any, Matrix, bool]]:
    count = pdfium.FPDFFormObj_CountObjects(holder) if depth else pdfium.FPDFPage_CountObjects(holder)
    for place in range(count):
        item = pdfium.FPDFFormObj_GetObject(holder, place) if depth else pdfium.FPDFPage_GetObject(holder, place)
        if pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_FORM:
            yield item, matrix, depth > 0
        elif depth < _DEPTH:
            yield from _painted(item, _product(_matrix(item), matrix), depth + 1)


def _matrix(item: Any) -> Matrix:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, matrix)
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _product(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def bounds_of(item: Any, matrix: Matrix) -> Bounds:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
    a, b, c, d, e, f = matrix
    corners = [
        (a * x + c * y + e, b * x + d * y + f) for x in (left.value, right.value) for y in (bottom.value, top.value)
    ]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def address_of(item: Any) -> int:
    return ctypes.cast(item, ctypes.c_void_p).value or 0


def clip_of(item: Any) -> tuple[Bounds, bool] | None:
    """Returns the box that the object is clipped to, in the coordinates of the page or form that holds it, and whether
    this box alone clips it; None where nothing does."""
    clip = pdfium.FPDFPageObj_GetClipPath(item)
    boxes, is_box = [], True
    for path in range(max(0, pdfium.FPDFClipPath_CountPaths(clip) if clip else 0)):
        points = list(_points(clip, path))
        xs, ys = {round(x, 1) for x, _ in points}, {round(y, 1) for _, y in points}
        if points:
            boxes.append((min(xs), min(ys), max(xs), max(ys)))
            is_box &= len(points) <= _CORNERS and len(xs) <= 2 and len(ys) <= 2
    if not boxes:
        return None
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return (max(lefts), max(bottoms), min(rights), min(tops)), is_box


def _points(clip: Any, path: int) -> Iterator[tuple[float, float]]:
    x, y = ctypes.c_float(), ctypes.c_float()
    for place in range(min(pdfium.FPDFClipPath_CountPathSegments(clip, path), _MOST_SEGMENTS)):
        pdfium.FPDFPathSegment_GetPoint(pdfium.FPDFClipPath_GetPathSegment(clip, path, place), x, y)
        yield x.value, y.value
