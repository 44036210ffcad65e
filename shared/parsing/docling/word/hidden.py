"""Text that a reader of a Word document does not see."""

import re
from typing import Any

from shared.parsing.docling.word.names import W, attribute, child_value, is_on, text_of

_TEXTS = (f"{W}t", f"{W}sym", f"{W}tab", f"{W}noBreakHyphen")
_LEAST_SIZE = 4
"""In half points: smaller letters are read by nobody."""

_PLAIN_TABLES = frozenset({"", "TableGrid", "TableNormal", "Tabellenraster", "NormaleTabelle"})
_WHITE = re.compile(r"[Ff][89A-Fa-f][Ff][89A-Fa-f][Ff][89A-Fa-f]")


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
        vanish = next((each for each in (one.find(f"{W}vanish") for one in properties) if each is not None), None)
        if is_on(vanish):
            return True
        size = next(filter(None, (child_value(one, "sz") for one in properties)), "")
        if size.isascii() and size.isdigit() and int(size) < _LEAST_SIZE:
            return True
        color = next((each for each in (one.find(f"{W}color") for one in properties) if each is not None), None)
        return self._on_white and _is_white(color) and not _is_shaded(run, properties)

    def properties(self, run: Any) -> list[Any]:
        """The properties of a run, its own first, then those of its styles."""
        own = run.find(f"{W}rPr")
        holder = next(run.iterancestors(f"{W}p"), None)
        of_paragraph = "" if holder is None else child_value(holder.find(f"{W}pPr"), "pStyle")
        found = [] if own is None else [own]
        for first in (child_value(own, "rStyle"), of_paragraph):
            style, seen = first, set[str]()
            while style in self._styles and style not in seen:
                seen.add(style)
                properties = self._styles[style].find(f"{W}rPr")
                found += [] if properties is None else [properties]
                style = child_value(self._styles[style], "basedOn")
        return found


def _is_white(color: Any) -> bool:
    if color is None:
        return False
    theme = attribute(color, "themeColor")
    if theme:
        return theme in {"background1", "light1"} and not attribute(color, "themeShade")
    return _WHITE.fullmatch(attribute(color)) is not None


def _is_shaded(run: Any, properties: list[Any]) -> bool:
    """Whether something darker may stand behind a run: a shade, a mark, a table's style, a shape."""
    if any(one.find(f"{W}shd") is not None or one.find(f"{W}highlight") is not None for one in properties):
        return True
    for holder in run.iterancestors():
        if holder.tag in {f"{W}txbxContent", f"{W}pict", f"{W}drawing"}:
            return True
        if holder.tag == f"{W}tbl" and child_value(holder.find(f"{W}tblPr"), "tblStyle") not in _PLAIN_TABLES:
            return True
        if holder.find(f"{W}{_SHADED_BY.get(holder.tag, 'none')}/{W}shd") is not None:
            return True
    return False


_SHADED_BY = {f"{W}p": "pPr", f"{W}tc": "tcPr", f"{W}tbl": "tblPr"}
