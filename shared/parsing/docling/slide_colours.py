"""Text of slides in the colour of what it stands on, which nobody sees."""

import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from shared.parsing.colours import are_alike
from shared.parsing.docling.office_packages import related, xml_tree
from shared.parsing.docling.slide_places import behind, box_of

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_WHITE, _UNKNOWN = "#ffffff", ""
_FILLS = tuple(f"{_A}{name}" for name in ("solidFill", "gradFill", "blipFill", "pattFill", "grpFill"))
_LEAST_ALPHA = 5_000
"""In thousandths of a per cent: letters that let more through are seen by nobody."""

_SCHEME = {"bg1": "lt1", "lt1": "lt1", "tx1": "dk1", "dk1": "dk1"}


def unseen_runs(tree: Any, archive: zipfile.ZipFile, above: Sequence[tuple[str, Any]], part: str) -> Iterator[Any]:
    """Yields runs in the colour of what they stand on (their shape, the shapes behind it, the slide), and those without
    any colour. `above` are the names and trees of the slide's layout and master."""
    runs = [run for run in tree.iter(f"{_A}r", f"{_A}fld") if run.find(f"{_A}rPr") is not None]
    yield from (run for run in runs if _is_transparent(run.find(f"{_A}rPr")))
    coloured = [run for run in runs if run.find(f"{_A}rPr/{_A}solidFill") is not None]
    if not coloured:
        return
    theme = _theme(archive, above[-1][0] if above else part)
    trees = [each for _, each in above]
    paper = _paper([tree, *trees], theme)
    grounds: dict[Any, str] = {}
    for run in coloured:
        shape = next(run.iterancestors(f"{_P}sp"), None)
        if shape is None:
            continue
        if shape not in grounds:
            ground = _ground(shape, theme)
            grounds[shape] = _ground_behind(shape, tree, trees, theme, paper) if ground is None else ground
        if are_alike(_colour(run.find(f"{_A}rPr/{_A}solidFill"), theme), grounds[shape]):
            yield run


def _is_transparent(properties: Any) -> bool:
    """Whether letters have no filling, or one that lets everything through."""
    if properties.find(f"{_A}noFill") is not None:
        return properties.find(f"{_A}ln") is None
    alpha = properties.find(f"{_A}solidFill/*/{_A}alpha")
    share = "" if alpha is None else alpha.get("val", "").removesuffix("%")
    return share.isdigit() and int(share) <= (_LEAST_ALPHA if "%" not in alpha.get("val") else _LEAST_ALPHA // 1000)


def _ground_behind(shape: Any, tree: Any, above: Sequence[Any], theme: dict[str, str], paper: str) -> str:
    """The colour of the first filled shape behind one that has no filling itself, else the paper's."""
    box = box_of(shape, above)
    for other in behind(shape, tree, above):
        if not _is_filled(other):
            continue
        around = box_of(other, above)
        if box is not None and around is not None and not around.meets(box):
            continue
        is_whole = box is not None and around is not None and around.holds(box) and other.tag == f"{_P}sp"
        return _ground(other, theme) or _UNKNOWN if is_whole else _UNKNOWN
    return paper


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
    if shape.tag in {f"{_P}pic", f"{_P}graphicFrame"}:
        return True
    if shape.tag == f"{_P}cxnSp":
        return False
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
