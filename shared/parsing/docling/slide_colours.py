"""Text of slides in the colour of what it stands on, which nobody sees."""

import zipfile
from collections.abc import Iterator
from typing import Any

from shared.parsing.colours import are_alike
from shared.parsing.docling.office_packages import related, xml_tree

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_WHITE, _UNKNOWN = "#ffffff", ""
_FILLS = tuple(f"{_A}{name}" for name in ("solidFill", "gradFill", "blipFill", "pattFill", "grpFill"))
_SHAPES = tuple(f"{_P}{name}" for name in ("sp", "pic", "cxnSp"))
_SCHEME = {"bg1": "lt1", "lt1": "lt1", "tx1": "dk1", "dk1": "dk1"}


def unseen_runs(tree: Any, archive: zipfile.ZipFile, part: str) -> Iterator[Any]:
    """Yields runs whose own colour is that of their shape or, where nothing else is filled, of the slide."""
    coloured = [run for run in tree.iter(f"{_A}r") if run.find(f"{_A}rPr/{_A}solidFill") is not None]
    if not coloured:
        return
    parents = _parents(archive, part)
    theme = _theme(archive, parents[-1][0] if parents else part)
    trees = [tree, *(each for _, each in parents)]
    is_bare = not any(_is_filled(each) for one in trees for each in one.iter(*_SHAPES))
    paper = _paper(trees, theme) if is_bare else _UNKNOWN
    for run in coloured:
        shape = next(run.iterancestors(f"{_P}sp"), None)
        if shape is None:
            continue
        ground = _ground(shape, theme)
        colour = _colour(run.find(f"{_A}rPr/{_A}solidFill"), theme)
        if are_alike(colour, paper if ground is None else ground):
            yield run


def _parents(archive: zipfile.ZipFile, part: str) -> list[tuple[str, Any]]:
    """The layout of a slide and the layout's master."""
    found: list[tuple[str, Any]] = []
    for kind in ("slideLayout", "slideMaster"):
        for name in related(archive, found[-1][0] if found else part, kind)[:1]:
            found.append((name, xml_tree(archive.read(name), huge_tree=True)))
    return found


def _theme(archive: zipfile.ZipFile, master: str) -> dict[str, str]:
    for name in related(archive, master, "theme")[:1]:
        theme = xml_tree(archive.read(name), huge_tree=True)
        colours = {}
        for each in ("lt1", "dk1"):
            value = theme.find(f".//{_A}{each}/*")
            colours[each] = "" if value is None else f"#{value.get('lastClr', value.get('val', ''))}"
        return colours
    return {}


def _paper(trees: list[Any], theme: dict[str, str]) -> str:
    """The colour of the slide itself: its own, else that of its layout, else that of its master."""
    for tree in trees:
        background = tree.find(f"{_P}cSld/{_P}bg")
        if background is not None:
            reference = background.find(f"{_P}bgRef")
            if reference is not None:
                return _colour(reference, theme) if reference.get("idx") == "1001" else _UNKNOWN
            return _colour(background.find(f"{_P}bgPr/{_A}solidFill"), theme)
    return _WHITE


def _ground(shape: Any, theme: dict[str, str]) -> str | None:
    """The colour of a shape; None where the slide shows through."""
    properties = shape.find(f"{_P}spPr")
    fill = None if properties is None else next((each for each in properties if each.tag in _FILLS), None)
    if fill is not None:
        return _colour(fill, theme) if fill.tag == f"{_A}solidFill" else _UNKNOWN
    return _UNKNOWN if _is_filled(shape) else None


def _is_filled(shape: Any) -> bool:
    if shape.tag == f"{_P}pic":
        return True
    properties = shape.find(f"{_P}spPr")
    if properties is not None and properties.find(f"{_A}noFill") is not None:
        return False
    if properties is not None and any(each.tag in _FILLS for each in properties):
        return True
    reference = shape.find(f"{_P}style/{_A}fillRef")
    return reference is not None and reference.get("idx") != "0"


def _colour(holder: Any, theme: dict[str, str]) -> str:
    """The one colour that a fill names; empty for one that is not known."""
    colour = None if holder is None else next(iter(holder), None)
    if colour is None or len(colour):
        return _UNKNOWN
    if colour.tag == f"{_A}schemeClr":
        return theme.get(_SCHEME.get(colour.get("val", ""), ""), _UNKNOWN)
    return f"#{colour.get('lastClr', colour.get('val', ''))}"
