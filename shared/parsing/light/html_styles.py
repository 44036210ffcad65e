"""Which elements of a page a browser shows, by the style sheets and the attributes that the page itself holds."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from colorsys import hls_to_rgb
from typing import NamedTuple, Self

from msgspec import Struct, structs

from shared.parsing.colours import Colour, are_near
from shared.parsing.light.html_sheets import FindSheet, Sheets, blocks, style_sheets

Declarations = dict[str, str]

_COMPOUND = re.compile(r"(?:[\w-]+|\*)?(?:[.#][\w-]+|\[[\w-]+(?:=[\"']?[^\"'\]]*[\"']?)?\])*")
_PART = re.compile(r"([.#]?)([\w-]+)|\[([\w-]+)(?:=[\"']?([^\"'\]]*))?")
_NOTHING = re.compile(r"[+-]?0*+(?:\.0*+)?(?:px|pt|em|rem|ex|%|cm|mm|in|vw|vh)?")
_SMALL = re.compile(r"[+-]?(?:0*(?:\.\d+)?|1)(?:px|pt)?")
_TINY = re.compile(r"[+-]?0*(?:1(?:\.\d+)?|\.\d+)?(?:px|pt)|[+-]?0*(?:\.0\d*)?(?:em|rem|ex|%|cm|mm|in|vw|vh)?")
"""Letters that nobody reads: less than two points, or a tenth of those around them."""

_MOVED_AWAY = re.compile(r".*\btranslate(?:[xy3]d?)?\([^)]*-\d{3,}.*|.*\bscale(?:[xy])?\(0(?:\.0*)?[,)].*")
_CLEAR_FILTER = re.compile(r".*\bopacity\(0(?:\.0*)?%?\).*")
_AWAY = re.compile(r"-\d{3,}(?:\.\d*)?(?:px|pt|em|rem|%|vw|vh)?")
_EMPTY_CLIP = re.compile(r"rect\(\s*(?:[01](?:px)?[\s,]*){4}\)|inset\(\s*(?:50|100)%\s*\)|circle\(\s*0[^)]*\)")
_TINY_FONT = re.compile(r"(?:.*\s)?0(?:px|pt|em|rem|%)?(?:\s*/|\s).*")
_COLOUR = re.compile(r"#([0-9a-f]{3,8})\b|rgba?\(([^)]*)\)|hsla?\(([^)]*)\)|\b([a-z]+)\b")
_NAMED = {"white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "blue": (0, 0, 255), "lime": (0, 255, 0)}
_NAMED |= {"yellow": (255, 255, 0), "gray": (128, 128, 128), "grey": (128, 128, 128), "green": (0, 128, 0)}
_NAMED |= {"silver": (192, 192, 192), "ivory": (255, 255, 240), "snow": (255, 250, 250), "navy": (0, 0, 128)}

MOST_RULES = 20_000


class _Compound(NamedTuple):
    tag: str
    id: str
    classes: frozenset[str]
    attributes: tuple[tuple[str, str | None], ...]

    def matches(self, element: "Element") -> bool:
        return (
            self.tag in {"", "*", element.tag}
            and self.id in {"", element.id}
            and self.classes <= element.classes
            and all(element.has(name, value) for name, value in self.attributes)
        )


class _Rule(NamedTuple):
    """`compounds` name the element, last, and those around it; `rank` orders rules that set the same property."""

    compounds: tuple[_Compound, ...]
    children: tuple[bool, ...]
    rank: tuple[int, int, int, int]
    declarations: Declarations


class Element(Struct, frozen=True):
    """An open element, and how it is shown: `is_gone` holds for all inside it, the rest can be set anew there. `marker`
    is the style of a list's marks."""

    tag: str = ""
    id: str = ""
    classes: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = {}
    is_gone: bool = False
    is_invisible: bool = False
    is_tiny: bool = False
    colour: Colour | None = (0, 0, 0)
    background: Colour | None = (255, 255, 255)
    marker: str = ""

    def has(self, name: str, value: str | None) -> bool:
        return name in self.attributes and value in {None, self.attributes[name]}

    @property
    def is_hidden(self) -> bool:
        if self.is_gone or self.is_invisible or self.is_tiny:
            return True
        if self.colour is None or self.background is None:
            return False
        return are_near(self.colour, self.background)


class StyleSheets:
    """The rules of a page, found by the last name in their selectors."""

    def __init__(self, sheets: Sheets) -> None:
        self._rules: dict[str, list[_Rule]] = defaultdict(list)
        # A sheet that is not here may set any background: then nothing is known to be white on white.
        self._page = Element() if sheets.is_complete else Element(background=None)
        number = 0
        for sheet in sheets.texts:
            for selector, body in blocks(sheet):
                if number > MOST_RULES or not (declared := _declarations(body)):
                    continue
                for each in selector.split(","):
                    number += 1
                    if rule := _rule(each.strip(), declared, number):
                        last = rule.compounds[-1]
                        self._rules[last.id or next(iter(last.classes), "") or last.tag].append(rule)

    @classmethod
    def of(cls, page: str, find: FindSheet | None = None) -> Self:
        """The rules of a page. `find` finds the sheets that it links to."""
        return cls(style_sheets(page, find))

    def opened(self, tag: str, attributes: Mapping[str, str], around: list[Element]) -> Element:
        """Returns the element as it is shown inside the elements `around` it."""
        outer = around[-1] if around else self._page
        classes = frozenset(attributes.get("class", "").split())
        element = structs.replace(outer, tag=tag, id=attributes.get("id", ""), classes=classes, attributes=attributes)
        found = [
            rule
            for key in {tag, element.id, *classes, "*", ""}
            for rule in self._rules.get(key, ())
            if _matches(rule, element, around)
        ]
        layers = [(rule.rank, rule.declarations) for rule in found]
        layers.append(((1, 0, 0, 0), _declarations(attributes.get("style", ""))))
        return _styled(element, _cascaded(_of_attributes(tag, attributes), layers))


def _rule(selector: str, declared: Declarations, number: int) -> _Rule | None:
    """The rule of one selector; None for states and generated content, which are not how a page is first shown."""
    pieces = selector.replace(">", " > ").split()
    compounds: list[_Compound] = []
    children: list[bool] = []
    for before, piece in zip([None, *pieces], pieces, strict=False):
        if piece == ">":
            continue
        if not _COMPOUND.fullmatch(piece):
            return None
        compounds.append(_compound(piece))
        children.append(before == ">")
    if not compounds:
        return None
    ids = sum(bool(one.id) for one in compounds)
    classes = sum(len(one.classes) + len(one.attributes) for one in compounds)
    tags = sum(one.tag not in {"", "*"} for one in compounds)
    return _Rule(tuple(compounds), tuple(children), (0, ids, classes * 100 + tags, number), declared)


def _compound(text: str) -> _Compound:
    tag, name, classes, attributes = "*" if text.startswith("*") else "", "", set[str](), []
    for mark, word, attribute, value in _PART.findall(text):
        if attribute:
            attributes.append((attribute.lower(), value or None))
        elif mark == "#":
            name = word
        elif mark == ".":
            classes.add(word)
        else:
            tag = word.lower()
    return _Compound(tag, name, frozenset(classes), tuple(attributes))


def _matches(rule: _Rule, element: Element, around: list[Element]) -> bool:
    if not rule.compounds[-1].matches(element):
        return False
    place = len(around)
    for index in range(len(rule.compounds) - 2, -1, -1):
        place -= 1
        if not rule.children[index + 1]:
            while place >= 0 and not rule.compounds[index].matches(around[place]):
                place -= 1
        if place < 0 or not rule.compounds[index].matches(around[place]):
            return False
    return True


def _declarations(body: str) -> Declarations:
    declared: Declarations = {}
    for line in body.lower().split(";"):
        name, colon, value = line.partition(":")
        name, value = name.strip().replace("list-style-type", "list-style"), " ".join(value.split())
        if colon and name in _PROPERTIES and (_IMPORTANT in value or _IMPORTANT not in declared.get(name, "")):
            declared[name] = value
    return declared


def _of_attributes(tag: str, attributes: Mapping[str, str]) -> Declarations:
    """What the attributes of an element say of its style: any style sheet overrules them."""
    declared: Declarations = {}
    is_closed = tag == "dialog" and "open" not in attributes
    if (
        is_closed
        or "popover" in attributes
        or ("hidden" in attributes and attributes["hidden"].lower() != "until-found")
    ):
        declared["display"] = "none"
    if tag in {"font", "basefont"} and "color" in attributes:
        declared["color"] = attributes["color"].lower()
    if tag == "body" and "text" in attributes:
        declared["color"] = attributes["text"].lower()
    if tag in _MARKERS:
        declared["list-style"] = _MARKERS_OF_TYPE.get(attributes.get("type", ""), _MARKERS[tag])
    if "background" in attributes:
        declared["background-image"] = "url"
    elif "bgcolor" in attributes:
        declared["background-color"] = attributes["bgcolor"].lower()
    return declared


def _cascaded(lowest: Declarations, layers: Iterable[tuple[tuple[int, int, int, int], Declarations]]) -> Declarations:
    style, important = dict(lowest), Declarations()
    for _, declared in sorted(layers, key=lambda layer: layer[0]):
        for name, value in declared.items():
            plain = value.removesuffix(_IMPORTANT).rstrip()
            (important if plain != value else style)[name] = plain
    return style | important


def _styled(element: Element, style: Declarations) -> Element:
    if not style:
        return element
    visibility, size = style.get("visibility"), style.get("font-size")
    if size is None and "font" in style:
        size = "0" if _TINY_FONT.fullmatch(style["font"]) else "1em"
    image = style.get("background-image", "none") != "none" or "url(" in style.get("background", "")
    image = image or "gradient" in style.get("background", "")
    background = style.get("background-color") or style.get("background")
    return structs.replace(
        element,
        is_gone=element.is_gone or _is_gone(style),
        is_invisible=_is_invisible(element, style, visibility),
        is_tiny=element.is_tiny if size is None else _TINY.fullmatch(size) is not None,
        colour=_colour(style.get("color"), element.colour),
        background=None if image else _colour(background, element.background),
        marker=_marker(style) or element.marker,
    )


def _is_invisible(element: Element, style: Declarations, visibility: str | None) -> bool:
    if "transparent" in {style.get("color"), style.get("-webkit-text-fill-color")}:
        return not any(name in style for name in ("background-clip", "-webkit-background-clip"))
    return element.is_invisible if visibility is None else visibility in {"hidden", "collapse"}


def _marker(style: Declarations) -> str:
    return next((word for word in style.get("list-style", "").split() if word in _MARKERS_OF_TYPE.values()), "")


def _is_gone(style: Declarations) -> bool:
    """Whether an element and all inside it take no part in what is seen."""
    if style.get("display") == "none" or style.get("content-visibility") == "hidden":
        return True
    if (opacity := style.get("opacity")) and _NOTHING.fullmatch(opacity):
        return True
    if style.get("position") in {"absolute", "fixed", "relative"}:
        away = any(_AWAY.fullmatch(style.get(side, "")) for side in ("left", "top", "right", "bottom"))
        if away or _EMPTY_CLIP.fullmatch(style.get("clip", "")):
            return True
    if _EMPTY_CLIP.fullmatch(style.get("clip-path", "")) or _MOVED_AWAY.fullmatch(style.get("transform", "")):
        return True
    if _CLEAR_FILTER.fullmatch(style.get("filter", "")):
        return True
    if any(_AWAY.fullmatch(style.get(name, "")) for name in ("text-indent", "margin-left", "margin-top")):
        return True
    sizes = [style.get(name, "") for name in ("width", "height", "max-width", "max-height")]
    clips = {style.get(name) for name in ("overflow", "overflow-x", "overflow-y")} & {"hidden", "clip"}
    return bool(clips) and any(size and _SMALL.fullmatch(size) for size in sizes)


def _colour(value: str | None, inherited: Colour | None) -> Colour | None:
    """The colour that a value names; None for one that is not known; the inherited one where none is set."""
    if value in {None, "inherit", "currentcolor", "transparent", "none"}:
        return inherited
    found = _COLOUR.search(value or "")
    if found is None:
        return None
    digits, numbers, shades, name = found.groups()
    if shades:
        return _of_hue(shades)
    if digits:
        long = "".join(2 * digit for digit in digits) if len(digits) < 6 else digits
        return (int(long[:2], 16), int(long[2:4], 16), int(long[4:6], 16)) if long[6:] != "00" else inherited
    if numbers:
        parts = re.findall(r"[\d.]+", numbers)
        is_clear = len(parts) == 4 and float(parts[3].strip(".") or 0) == 0
        whole = [round(float(part.strip(".") or 0)) for part in parts[:3]]
        return inherited if is_clear else (whole[0], whole[1], whole[2]) if len(whole) == 3 else None
    return _NAMED.get(name)


_MARKERS = {"ol": "decimal", "ul": "disc", "menu": "disc", "li": ""}
_MARKERS_OF_TYPE = {"1": "decimal", "a": "lower-alpha", "A": "upper-alpha", "i": "lower-roman", "I": "upper-roman"}
_MARKERS_OF_TYPE |= {
    name: name for name in ("disc", "circle", "square", "none", "lower-latin", "upper-latin", "decimal-leading-zero")
}


def _of_hue(shades: str) -> Colour | None:
    """The colour of `hsl(…)`; None where it is not known."""
    found = re.findall(r"-?[\d.]+", shades)
    try:
        hue, saturation, lightness = (float(each) for each in found[:3])
    except ValueError:
        return None
    red, green, blue = hls_to_rgb(hue % 360 / 360, min(lightness / 100, 1.0), min(saturation / 100, 1.0))
    return round(255 * red), round(255 * green), round(255 * blue)


_IMPORTANT = "!important"
_PROPERTIES = frozenset(
    [
        *("display", "visibility", "opacity", "font", "font-size", "color", "background", "background-color"),
        *("background-image", "position", "left", "top", "right", "bottom", "clip", "clip-path", "text-indent"),
        *("width", "height", "max-width", "max-height", "overflow", "overflow-x", "overflow-y", "filter"),
        *("-webkit-text-fill-color", "background-clip", "-webkit-background-clip", "content-visibility", "transform"),
        *("margin-left", "margin-top", "list-style"),
    ]
)
