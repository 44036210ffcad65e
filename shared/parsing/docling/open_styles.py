"""How text of OpenDocument is shown: by the styles of its words, its paragraphs and what it stands on."""

import re
from typing import Any, NamedTuple

from shared.parsing.colours import are_alike
from shared.parsing.docling.open_slides import box_of, is_filled_by_itself, is_shape_of_slide, slide_of
from shared.parsing.docling.slide_places import SlideBox

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)pt")
_ELEMENT = "{*}*"
"""Every element, and neither comments nor instructions."""

_LEAST_SIZE = 2.0
"""In points: smaller letters are read by nobody."""

_WHITE, _UNKNOWN = "#ffffff", ""
_SEEN_THROUGH = "transparent"
_FAMILIES = {
    f"{TEXT}span": (f"{TEXT}style-name", "text"),
    f"{TEXT}a": (f"{TEXT}style-name", "text"),
    f"{TEXT}p": (f"{TEXT}style-name", "paragraph"),
    f"{TEXT}h": (f"{TEXT}style-name", "paragraph"),
    f"{_TABLE}table-cell": (f"{_TABLE}style-name", "table-cell"),
    f"{_TABLE}table-row": (f"{_TABLE}style-name", "table-row"),
    f"{_TABLE}table": (f"{_TABLE}style-name", "table"),
}
_HOLDERS = frozenset({f"{TEXT}span", f"{TEXT}a", f"{TEXT}p", f"{TEXT}h"})


class _Look(NamedTuple):
    is_gone: bool = False
    is_tiny: bool = False
    colour: str = "#000000"
    background: str = _WHITE

    @property
    def is_hidden(self) -> bool:
        return self.is_gone or self.is_tiny or are_alike(self.colour, self.background)


class OpenStyles:
    """The styles of a document by family and name, its own before the common ones."""

    def __init__(self, content: Any, common: Any) -> None:
        self._styles: dict[tuple[str, str], Any] = {}
        self._looks: dict[tuple[str, str, _Look], _Look] = {}
        for tree in filter(lambda one: one is not None, (content, common)):
            for style in tree.iter(f"{STYLE}style"):
                self._styles.setdefault((style.get(f"{STYLE}family", ""), style.get(f"{STYLE}name", "")), style)
        self._masters = {} if common is None else {each.get(f"{STYLE}name", ""): each for each in _masters(common)}
        layouts = () if common is None else common.iter(f"{STYLE}page-layout")
        self._layouts = {each.get(f"{STYLE}name", ""): each.find(f"{STYLE}page-layout-properties") for each in layouts}
        self._behind: list[tuple[SlideBox | None, str]] = []
        self.paper = _paper(common)

    def value(self, family: str, name: str, attribute: str) -> str:
        """The value that a style or the nearest of those it is based on sets; empty where none does."""
        seen: set[str] = set()
        while name not in seen and (style := self._styles.get((family, name))) is not None:
            seen.add(name)
            for properties in style:
                if (found := properties.get(attribute)) is not None:
                    return str(found)
            name = style.get(f"{STYLE}parent-style-name", "")
        return ""

    def master(self, family: str, name: str) -> str:
        """The name of the master page that a style asks for."""
        style = self._styles.get((family, name))
        return "Default" if style is None else style.get(f"{STYLE}master-page-name", "Default")

    def look(self, element: Any, outer: _Look) -> _Look:
        """How an element's own text is shown inside of what it stands in."""
        if element.tag == f"{_DRAW}page":
            return outer._replace(background=self._slide(element))
        if is_shape_of_slide(element):
            return outer._replace(background=self._on_slide(element, outer.background))
        if element.tag.startswith(_DRAW):
            return outer._replace(background=self._filled(element, outer.background))
        attribute, family = _FAMILIES.get(element.tag, ("", ""))
        name = element.get(attribute, "") if attribute else ""
        if not name:
            is_open = element.tag == f"{_TABLE}table-cell"
            return outer._replace(background=_UNKNOWN) if is_open else outer
        key = family, name, outer
        if key not in self._looks:
            self._looks[key] = self._styled(*key)
        return self._looks[key]

    def _styled(self, family: str, name: str, outer: _Look) -> _Look:
        """How text in a style is shown inside of what it stands in."""
        background = self.value(family, name, f"{_FO}background-color")
        if self._has_conditions(family, name):
            background = _UNKNOWN
        elif background in {"", "transparent"}:
            background = outer.background
        display, size = self.value(family, name, f"{TEXT}display"), self.value(family, name, f"{_FO}font-size")
        colour = self.value(family, name, f"{_FO}color")
        points = _SIZE.fullmatch(size)
        return _Look(
            display == "none" if display else outer.is_gone,
            float(points[1]) < _LEAST_SIZE if points else outer.is_tiny,
            colour or outer.colour,
            background,
        )

    def _has_conditions(self, family: str, name: str) -> bool:
        style = self._styles.get((family, name))
        return style is not None and style.find(f"{STYLE}map") is not None

    def _filled(self, shape: Any, outer: str) -> str:
        """The colour of a shape; `outer` where one sees through it."""
        is_filled = is_filled_by_itself(shape)
        if is_filled is not None:
            return _UNKNOWN if is_filled else outer
        names = (("graphic", f"{_DRAW}style-name"), ("presentation", f"{_PRESENTATION}style-name"))
        for family, attribute in names:
            if name := shape.get(attribute, ""):
                fill = self.value(family, name, f"{_DRAW}fill")
                background = self.value(family, name, f"{_FO}background-color")
                if fill == "solid":
                    return self.value(family, name, f"{_DRAW}fill-color") or _UNKNOWN
                if background not in {"", "transparent"}:
                    return background
                if fill == "none":
                    return outer
        is_frame = shape.tag in {f"{_DRAW}text-box", f"{_DRAW}frame"}
        return outer if is_frame else _UNKNOWN

    def _on_slide(self, shape: Any, paper: str) -> str:
        """The colour behind the text of a shape: its own, else that of the nearest filled shape behind it, else the
        slide's."""
        box = box_of(shape)
        colour = self._filled(shape, _SEEN_THROUGH)
        if colour != _SEEN_THROUGH:
            self._behind.append((box, colour))
            return colour
        for other, filling in reversed(self._behind):
            if box is None or other is None:
                return _UNKNOWN
            if other.meets(box):
                return filling if other.holds(box) else _UNKNOWN
        return paper

    def _slide(self, page: Any) -> str:
        """The colour of a slide; its shapes are looked at one by one, from the back to the front."""
        master = self.master_page(page)
        shapes = () if master is None else master.iterchildren(f"{_DRAW}*")
        self._behind = []
        for shape in shapes:
            if shape.get(f"{_PRESENTATION}class") is None:
                colour = self._filled(shape, _SEEN_THROUGH)
                self._behind += [(box_of(shape), colour)] if colour != _SEEN_THROUGH else []
        for one in (page, master):
            name = "" if one is None else one.get(f"{_DRAW}style-name", "")
            fill = self.value("drawing-page", name, f"{_DRAW}fill")
            if fill == "solid":
                return self.value("drawing-page", name, f"{_DRAW}fill-color") or _UNKNOWN
            if fill not in {"", "none"}:
                return _UNKNOWN
        return _WHITE

    def master_page(self, page: Any) -> Any:
        return self._masters.get(page.get(f"{_DRAW}master-page-name", ""))

    def slide(self, page: Any) -> SlideBox | None:
        """The size of a slide; None where the document does not say it."""
        master = self.master_page(page)
        name = "" if master is None else master.get(f"{STYLE}page-layout-name", "")
        return slide_of(self._layouts.get(name))


def take_unseen(tree: Any, styles: OpenStyles) -> int:
    """Takes out text that is shown in no size, not at all or in the colour of its paper; returns how many words."""
    words = 0
    looks: dict[Any, _Look] = {}
    for element in tree.iter(_ELEMENT):
        parent = element.getparent()
        outer = looks[parent] if parent is not None else _Look(background=styles.paper)
        look = looks[element] = styles.look(element, outer)
        if element.tag in _HOLDERS and look.is_hidden:
            words += len((element.text or "").split())
            element.text = None
            for child in element:
                words += len((child.tail or "").split())
                child.tail = None
    return words


def words_of(element: Any) -> int:
    return sum(len("".join(each.itertext()).split()) for each in _blocks(element))


def _blocks(element: Any) -> list[Any]:
    if element.tag in {f"{TEXT}p", f"{TEXT}h"}:
        return [element]
    return list(element.iter(f"{TEXT}p", f"{TEXT}h"))


def _masters(common: Any) -> list[Any]:
    return list(common.iter(f"{STYLE}master-page"))


def _paper(common: Any) -> str:
    """The colour of the pages of a text; unknown where any has another than white."""
    layouts = () if common is None else common.iter(f"{STYLE}page-layout-properties")
    colours = {each.get(f"{_FO}background-color", "transparent") for each in layouts}
    return _WHITE if all(each == "transparent" or are_alike(each, _WHITE) for each in colours) else _UNKNOWN
