"""Where the shapes of a slide of OpenDocument stand."""

import re
from typing import Any

from shared.parsing.docling.slide_places import SlideBox

_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)(cm|mm|in|pt|pc|px)")
_POINTS = {"cm": 72 / 2.54, "mm": 72 / 25.4, "in": 72.0, "pt": 1.0, "pc": 12.0, "px": 0.75}
_HOLDERS = frozenset({f"{_DRAW}page", f"{_DRAW}g"})
_UNNAMED = "\U000f1a40"
"""A name for slides that no document uses: a character of a private plane."""

_LINES = frozenset(f"{_DRAW}{name}" for name in ("line", "connector", "g", "measure"))
_PICTURES = tuple(f"{_DRAW}{name}" for name in ("image", "object", "object-ole", "plugin", "applet"))


def mark_unnamed(tree: Any) -> None:
    """Gives slides without a name one that is known again, as Docling makes a title of each name or of a number."""
    for page in tree.iter(f"{_DRAW}page"):
        page.set(f"{_DRAW}name", page.get(f"{_DRAW}name") or _UNNAMED)


def drop_unnamed(document: Any) -> None:
    """Takes out the titles that Docling made of slides without a name; changes the document."""
    made = {item.self_ref for item in document.texts if item.text == _UNNAMED}
    for group in document.groups:
        group.children = [each for each in group.children if each.cref not in made]


def is_shape_of_slide(element: Any) -> bool:
    """Whether an element stands on a slide by itself or in a group."""
    parent = element.getparent()
    return parent is not None and parent.tag in _HOLDERS and element.tag.startswith(_DRAW)


def is_filled_by_itself(shape: Any) -> bool | None:
    """Whether what is drawn fills a shape, as a picture does, or cannot, as a line; None where its style says it."""
    if shape.tag in _LINES:
        return False
    return True if any(shape.find(name) is not None for name in _PICTURES) else None


def box_of(shape: Any) -> SlideBox | None:
    """The place of a shape in points; None where it is turned or the file does not say it."""
    lengths = [_points(shape.get(f"{_SVG}{name}", "")) for name in ("x", "y", "width", "height")]
    left, top, width, height = lengths
    if left is None or top is None or width is None or height is None or shape.get(f"{_DRAW}transform"):
        return None
    return SlideBox(left, top, left + width, top + height)


def slide_of(layout: Any) -> SlideBox | None:
    """The slide itself, by the properties of its layout."""
    if layout is None:
        return None
    width, height = (_points(layout.get(f"{_FO}page-{name}", "")) for name in ("width", "height"))
    return None if width is None or height is None else SlideBox(0, 0, width, height)


def _points(length: str) -> float | None:
    found = _LENGTH.fullmatch(length)
    return float(found[1]) * _POINTS[found[2]] if found else None
