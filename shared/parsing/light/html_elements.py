"""Elements of a page whose text is not simply what stands in them: fields, equations, graphics, spans of a line."""

import re
from collections.abc import Mapping
from unicodedata import bidirectional

from lxml import etree

from shared.parsing.equations import mathml_text
from shared.parsing.raised import raised

_NAME = re.compile(r"[A-Za-z][\w.-]*")
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REVERSED = re.compile(r"<ol\b[^<>]{0,500}\breversed\b", re.IGNORECASE)
_NUMBER = re.compile(r"\s{0,20}([+-]?\d{1,8})(?!\d)", re.ASCII)
_FENCES = ("open", "close", "separators")

MARKERS = {
    "lower-alpha": "lowerLetter", "lower-latin": "lowerLetter", "upper-alpha": "upperLetter",
    "upper-latin": "upperLetter", "lower-roman": "lowerRoman", "upper-roman": "upperRoman",
    "decimal-leading-zero": "decimalZero", "disc": "bullet", "circle": "bullet", "square": "bullet",
}  # fmt: skip
"""Styles of a list's marks in CSS, as `spelled` names them."""

SPANS = frozenset({"sup", "sub", "bdo", "meter", "progress"})
"""Elements whose text in a line depends on what stands in them."""


def span_text(tag: str, attributes: Mapping[str, str], before: str, text: str) -> str:
    match tag:
        case "sup" | "sub":
            return raised(before, text, tag)
        case "bdo":
            return _reordered(text, attributes.get("dir", "").lower())
        case _:
            return text if text.strip() else f" {_measure(attributes)} "


def _reordered(text: str, direction: str) -> str:
    """A text in the order in which it is seen, where its letters run against the direction that is forced on them."""
    kinds = set(map(bidirectional, text))
    has_right, has_left = bool(kinds & {"R", "AL"}), "L" in kinds
    is_against = (direction == "rtl" and not has_right) or (direction == "ltr" and has_right)
    return text[::-1] if is_against and has_left != has_right else text


def _measure(attributes: Mapping[str, str]) -> str:
    """What a bar without words shows."""
    value, most = attributes.get("value", ""), attributes.get("max", "")
    return f"{value}/{most}" if value and most else value


def visible_value(attributes: Mapping[str, str]) -> str:
    """What a field of a form shows."""
    kind = attributes.get("type", "text").lower()
    if kind in {"checkbox", "radio"}:
        return "[x]" if "checked" in attributes else "[ ]"
    if kind == "image":
        return attributes.get("alt", "")
    return "" if kind in {"hidden", "password", "file", "color", "range"} else attributes.get("value", "")


def number_in(raw: str | None) -> int | None:
    found = _NUMBER.match(raw or "")
    return int(found[1]) if found else None


def item_counts(page: str) -> list[int]:
    """How many items each ordered list of a page has, where one of them counts down."""
    if not _REVERSED.search(page):
        return []
    tree = etree.fromstring(page.encode("utf-8", "replace"), etree.HTMLParser(encoding="utf-8", no_network=True))
    return [len(listed.findall("li")) for listed in tree.iter("ol")] if tree is not None else []


class Select:
    """A field with choices: what is chosen; all of them where it is a list without a choice."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._is_list = "multiple" in attributes or (number_in(attributes.get("size")) or 1) > 1
        self._options: list[tuple[bool, list[str]]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "option":
            self._options.append(("selected" in attributes, []))

    def data(self, text: str) -> None:
        if self._options:
            self._options[-1][1].append(text)

    def chosen(self) -> str:
        texts = [(is_chosen, " ".join("".join(text).split())) for is_chosen, text in self._options]
        chosen = [text for is_chosen, text in texts if is_chosen]
        if not chosen:
            chosen = [text for _, text in texts if text][: None if self._is_list else 1]
        return ", ".join(filter(None, chosen))


class MathReader:
    """Collects an equation in MathML."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._builder = etree.TreeBuilder()

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if not self._open:
            self._builder = etree.TreeBuilder()
        name = tag.rpartition(":")[2]
        self._open.append(name if _NAME.fullmatch(name) else "mrow")
        self._builder.start(self._open[-1], {key: attributes[key] for key in _FENCES if key in attributes})

    def data(self, text: str) -> None:
        self._builder.data(_NO_XML.sub("", text))

    def end(self) -> str:
        """Returns the equation when its last element ends."""
        self._builder.end(self._open.pop())
        return "" if self._open else mathml_text(self._builder.close())


class GraphicReader:
    """Follows an inline SVG: what is drawn in letters is text."""

    _TEXTS = frozenset({"text", "title", "foreignobject"})
    _UNREAD = frozenset({"defs", "symbol", "metadata", "desc", "clippath", "mask", "marker", "pattern"})

    def __init__(self) -> None:
        self._open: list[str] = []

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    @property
    def is_text(self) -> bool:
        return not self._TEXTS.isdisjoint(self._open) and self._UNREAD.isdisjoint(self._open)

    def start(self, tag: str, attributes: Mapping[str, str]) -> str:
        """Returns what separates the element from the text before it."""
        self._open.append(tag)
        is_placed = tag == "tspan" and any(name in attributes for name in ("x", "y", "dy"))
        return " " if is_placed or tag in self._TEXTS else ""

    def end(self) -> str:
        return " " if self._open.pop() in self._TEXTS else ""
