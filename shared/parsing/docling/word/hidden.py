"""Text that a reader of a Word document does not see."""

import re
from collections.abc import Iterator
from typing import Any

from shared.parsing.colours import are_alike
from shared.parsing.docling.word.names import W14, W, attribute, child_value, is_on, text_of

_TEXTS = (f"{W}t", f"{W}sym", f"{W}tab", f"{W}noBreakHyphen")
_LEAST_SIZE = 4
"""In half points: smaller letters are read by nobody."""

_PLAIN_TABLES = frozenset({"", "TableGrid", "TableNormal", "Tabellenraster", "NormaleTabelle"})
_WHITE = re.compile(r"[Ff][89A-Fa-f][Ff][89A-Fa-f][Ff][89A-Fa-f]")
_UNKNOWN = ""
_THEME = {"background1": "#ffffff", "light1": "#ffffff", "text1": "#000000", "dark1": "#000000"}
_MARKS = {"white": "#ffffff", "black": "#000000", "yellow": "#ffff00", "red": "#ff0000", "blue": "#0000ff"}
_HEX_DIGITS = 6


class Visibility:
    """Whether runs are seen: by their own properties, by their styles, and by what they stand on."""

    def __init__(self, styles: dict[str, Any], document: Any) -> None:
        self._styles = styles
        background = document.find(f"{W}background")
        color = attribute(background, "color")
        self._on_white = not color or color == "auto" or _WHITE.fullmatch(color) is not None

    def take_hidden(self, tree: Any) -> int:
        """Takes hidden text out; returns how many words it had."""
        words = 0
        for run in list(tree.iter(f"{W}r")):
            if run.getparent() is not None and self._is_hidden(run):
                words += len(text_of(run).split())
                for part in run.findall("*"):
                    if part.tag in _TEXTS:
                        run.remove(part)
        return words

    def _is_hidden(self, run: Any) -> bool:
        properties = self.properties(run)
        if is_on(_first(properties, f"{W}vanish")):
            return True
        size = next(filter(None, (child_value(one, "sz") for one in properties)), "")
        if size.isascii() and size.isdigit() and int(size) < _LEAST_SIZE:
            return True
        filling = _first(properties, f"{W14}textFill")
        if filling is not None and filling.find(f"{W14}noFill") is not None:
            return True
        colour = _colour(_first(properties, f"{W}color"))
        return bool(colour) and are_alike(colour, self._ground(run, properties))

    def properties(self, run: Any) -> list[Any]:
        """The properties of a run, its own first, then those of its styles."""
        own = run.find(f"{W}rPr")
        holder = next(run.iterancestors(f"{W}p"), None)
        of_paragraph = "" if holder is None else child_value(holder.find(f"{W}pPr"), "pStyle")
        inherited = (
            each for first in (child_value(own, "rStyle"), of_paragraph) for each in self._inherited(first, "rPr")
        )
        return [*([] if own is None else [own]), *inherited]

    def _inherited(self, style: str, name: str) -> Iterator[Any]:
        """Yields the properties of a style, then of those that it is based on."""
        seen: set[str] = set()
        while style in self._styles and style not in seen:
            seen.add(style)
            properties = self._styles[style].find(f"{W}{name}")
            if properties is not None:
                yield properties
            style = child_value(self._styles[style], "basedOn")

    def _ground(self, run: Any, properties: list[Any]) -> str:
        """The colour behind a run: of a mark, a shade, its paragraph, its cell or table, else the paper; empty where it
        is not known, as in a shape or a table with a style."""
        for one in properties:
            if (mark := child_value(one, "highlight")) not in {"", "none"}:
                return _MARKS.get(mark, _UNKNOWN)
        shades = [_shade(one) for one in properties]
        for holder in run.iterancestors():
            if holder.tag in {f"{W}txbxContent", f"{W}pict", f"{W}drawing"}:
                shades.append(_UNKNOWN)
            if holder.tag in _SHADED_BY:
                own = holder.find(f"{W}{_SHADED_BY[holder.tag]}")
                shades.append(_shade(own))
                if holder.tag == f"{W}p":
                    shades += map(_shade, self._inherited(child_value(own, "pStyle"), "pPr"))
                if holder.tag == f"{W}tbl" and child_value(own, "tblStyle") not in _PLAIN_TABLES:
                    shades.append(_UNKNOWN)
        return next((shade for shade in shades if shade is not None), "#ffffff" if self._on_white else _UNKNOWN)


def _first(properties: list[Any], name: str) -> Any:
    """The first of the elements of a name among the properties of a run; None where there is none."""
    return next((found for each in properties if (found := each.find(name)) is not None), None)


def _colour(element: Any) -> str:
    """The colour that a run or a shade names; empty for one that adapts itself or is not known."""
    theme = attribute(element, "themeColor")
    if theme in _THEME and not attribute(element, "themeShade") and not attribute(element, "themeTint"):
        return _THEME[theme]
    value = attribute(element)
    return f"#{value}" if len(value) == _HEX_DIGITS else ""


def _shade(properties: Any) -> str | None:
    """The colour of a shade; None where there is none or one sees through it."""
    shade = None if properties is None else properties.find(f"{W}shd")
    if shade is None or attribute(shade) == "nil":
        return None
    match attribute(shade):
        case "solid":
            value = attribute(shade, "color")
        case "clear" | "":
            value = attribute(shade, "fill")
        case _:
            return _UNKNOWN
    if value in {"", "auto"}:
        return None if attribute(shade) != "solid" else _UNKNOWN
    return f"#{value}"


_SHADED_BY = {f"{W}p": "pPr", f"{W}tc": "tcPr", f"{W}tbl": "tblPr"}
