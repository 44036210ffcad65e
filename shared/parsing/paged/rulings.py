"""The ruling lines of a page: straight strokes, thin rectangles, and the edges of filled ones."""

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import pypdfium2.raw as pdfium
from msgspec import Struct

from shared.types.passage import Box

MOST_RULINGS = 4000
"""A page with more is a drawing; the rest is ignored."""

SNAP = 3.0
"""Points between lines that are meant to meet."""

_THIN = 2.5
_SHORTEST = 6.0
_MOST_SEGMENTS = 400
_Point = tuple[float, float]
ToDisplayed = Callable[[float, float, float, float], Box]


class Ruling(Struct, frozen=True):
    """A line at `at` points from the top or the left, from `start` to `end` along it."""

    horizontal: bool
    at: float
    start: float
    end: float

    @property
    def box(self) -> Box:
        return (self.start, self.at, self.end, self.at) if self.horizontal else (self.at, self.start, self.at, self.end)


def rulings_of(objects: Iterable[Any], displayed: ToDisplayed) -> list[Ruling]:
    """Returns the rulings among the objects of a page; `displayed` converts their coordinates to the shown page's."""
    found: list[Ruling] = []
    for item in objects:
        if item.type == pdfium.FPDF_PAGEOBJ_PATH:
            found += [ruling(displayed(*line)) for line in _lines(item)]
        if len(found) > MOST_RULINGS:
            break
    return merged([one for one in found if one.end - one.start >= _SHORTEST])


def ruling(box: Box) -> Ruling:
    """Returns the line that a narrow box is."""
    left, top, right, bottom = box
    if right - left >= bottom - top:
        return Ruling(True, (top + bottom) / 2, left, right)
    return Ruling(False, (left + right) / 2, top, bottom)


def _lines(item: Any) -> Iterator[Box]:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(item.raw, ctypes.byref(fill), ctypes.byref(stroke))
    left, bottom, right, top = item.get_bounds()
    if not fill.value and not stroke.value:
        return
    if min(right - left, top - bottom) <= _THIN:
        yield left, bottom, right, top
    elif stroke.value or not _is_white(item):
        for one, other in _segments(item):
            if min(abs(one[0] - other[0]), abs(one[1] - other[1])) < 0.5:
                (x1, x2), (y1, y2) = sorted((one[0], other[0])), sorted((one[1], other[1]))
                yield x1, y1, x2, y2


def _is_white(item: Any) -> bool:
    parts = [ctypes.c_uint() for _ in range(4)]
    pdfium.FPDFPageObj_GetFillColor(item.raw, *(ctypes.byref(part) for part in parts))
    return all(part.value > 250 for part in parts[:3])


def _segments(item: Any) -> Iterator[tuple[_Point, _Point]]:
    matrix = item.get_matrix()
    first = last = (0.0, 0.0)
    x, y = ctypes.c_float(), ctypes.c_float()
    for place in range(min(pdfium.FPDFPath_CountSegments(item.raw), _MOST_SEGMENTS)):
        segment = pdfium.FPDFPath_GetPathSegment(item.raw, place)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = matrix.on_point(x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_LINETO:
            yield last, point
        elif kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = point
        last = point
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield last, first


def merged(rulings: Sequence[Ruling]) -> list[Ruling]:
    """Joins lines that lie on one another or continue each other."""
    whole: list[Ruling] = []
    for horizontal in (True, False):
        same = sorted((one for one in rulings if one.horizontal == horizontal), key=lambda one: one.at)
        for group in _near(same):
            at = sum(one.at for one in group) / len(group)
            whole += [Ruling(horizontal, at, start, end) for start, end in _joined(group)]
    return whole


def _near(rulings: Sequence[Ruling]) -> Iterator[list[Ruling]]:
    group: list[Ruling] = []
    for one in rulings:
        if group and one.at - group[0].at > 1.5:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _joined(group: Sequence[Ruling]) -> Iterator[tuple[float, float]]:
    ends = sorted((one.start, one.end) for one in group)
    start, end = ends[0]
    for left, right in ends[1:]:
        if left > end + 1.0:
            yield start, end
            start, end = left, right
        end = max(end, right)
    yield start, end


def clustered(places: Iterable[float]) -> list[float]:
    """Returns the places, with those that are meant to meet as one."""
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > SNAP:
            found.append(place)
    return found


def gaps(places: Sequence[float]) -> list[tuple[float, float]]:
    return list(pairwise(places))
