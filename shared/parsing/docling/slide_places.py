"""Where the shapes of a slide stand, and what stands behind them."""

import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from shared.parsing.docling.office_packages import related, xml_tree

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
SHAPES = tuple(f"{_P}{name}" for name in ("sp", "pic", "cxnSp", "graphicFrame"))
_PRESENTATION = "ppt/presentation.xml"
_QUARTER = 5_400_000
"""A right angle in 60,000ths of a degree."""


class SlideBox(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "SlideBox") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: "SlideBox") -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )


def parents(archive: zipfile.ZipFile, part: str) -> list[tuple[str, Any]]:
    """The layout of a slide and the layout's master."""
    found: list[tuple[str, Any]] = []
    for kind in ("slideLayout", "slideMaster"):
        for name in related(archive, found[-1][0] if found else part, kind)[:1]:
            found.append((name, xml_tree(archive.read(name), huge_tree=True)))
    return found


def slide_of(archive: zipfile.ZipFile) -> SlideBox | None:
    """The slide itself; None where the presentation does not say how large its slides are."""
    if _PRESENTATION not in archive.namelist():
        return None
    size = xml_tree(archive.read(_PRESENTATION), huge_tree=True).find(f"{_P}sldSz")
    return None if size is None else SlideBox(0, 0, _number(size, "cx"), _number(size, "cy"))


def box_of(shape: Any, above: Sequence[Any]) -> SlideBox | None:
    """The place of a shape on its slide, by itself or by the same placeholder of the trees `above` its own; None where
    none of them says it."""
    own = _frame(shape)
    if own is None:
        return next((found for found in (_frame(each) for each in _placeholders(shape, above)) if found), None)
    for group in shape.iterancestors(f"{_P}grpSp"):
        frame = group.find(f"{_P}grpSpPr/{_A}xfrm")
        if frame is not None:
            own = _in_group(own, frame)
    return own


def behind(shape: Any, tree: Any, above: Sequence[Any]) -> Iterator[Any]:
    """Yields the shapes behind one of a slide, from the front to the back: those before it, then those of its layout
    and its master that are no placeholders."""
    before = []
    for each in tree.iter(*SHAPES):
        if each is shape:
            break
        before.append(each)
    yield from reversed(before)
    for one in above:
        yield from reversed([each for each in one.iter(*SHAPES) if each.find(f"*/{_P}nvPr/{_P}ph") is None])


def _placeholders(shape: Any, above: Sequence[Any]) -> Iterator[Any]:
    own = shape.find(f"*/{_P}nvPr/{_P}ph")
    for tree in above if own is not None else ():
        for each in tree.iter(*SHAPES):
            other = each.find(f"*/{_P}nvPr/{_P}ph")
            if other is not None and _is_same(own, other):
                yield each


def _is_same(one: Any, other: Any) -> bool:
    if one.get("idx") is not None and one.get("idx") == other.get("idx"):
        return True
    return one.get("type", "body") == other.get("type", "body") and one.get("type") is not None


def _frame(shape: Any) -> SlideBox | None:
    frame = shape.find(f"{_P}xfrm") if shape.tag == f"{_P}graphicFrame" else shape.find(f"{_P}spPr/{_A}xfrm")
    if frame is None or frame.find(f"{_A}off") is None or frame.find(f"{_A}ext") is None:
        return None
    box = _box(frame, "off", "ext")
    if round(_number(frame, "rot") / _QUARTER) % 2:
        across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        width, height = box.right - box.left, box.bottom - box.top
        box = SlideBox(across - height / 2, down - width / 2, across + height / 2, down + width / 2)
    return box


def _box(frame: Any, start: str, size: str) -> SlideBox:
    start, size = frame.find(f"{_A}{start}"), frame.find(f"{_A}{size}")
    left, top = _number(start, "x"), _number(start, "y")
    return SlideBox(left, top, left + _number(size, "cx"), top + _number(size, "cy"))


def _in_group(box: SlideBox, frame: Any) -> SlideBox:
    """A place among the shapes of a group as a place on what holds the group."""
    if any(frame.find(f"{_A}{name}") is None for name in ("off", "ext", "chOff", "chExt")):
        return box
    outer, inner = _box(frame, "off", "ext"), _box(frame, "chOff", "chExt")
    across = (outer.right - outer.left) / ((inner.right - inner.left) or 1)
    down = (outer.bottom - outer.top) / ((inner.bottom - inner.top) or 1)
    return SlideBox(
        outer.left + (box.left - inner.left) * across,
        outer.top + (box.top - inner.top) * down,
        outer.left + (box.right - inner.left) * across,
        outer.top + (box.bottom - inner.top) * down,
    )


def _number(element: Any, name: str) -> int:
    value: str = element.get(name, "0")
    return int(value) if value.removeprefix("-").isdigit() and value.isascii() and len(value) < 16 else 0
