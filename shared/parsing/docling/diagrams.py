"""The texts of diagrams (SmartArt) of office packages."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from shared.parsing.docling.office_packages import xml_tree

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_TEXTLESS = frozenset({"pres", "parTrans", "sibTrans"})


def diagram_lines(part: bytes) -> list[str]:
    """The texts of a diagram's data part in the order in which it shows them, a line for each paragraph of its points.

    A point below another one begins with a dash, two levels below with two.
    """
    tree = xml_tree(part, huge_tree=True)
    points = {point.get("modelId", ""): point for point in tree.iter(f"{_DIAGRAM}pt")}
    below = _below(tree)
    lines = []
    seen = set[str]()
    first = [(name, 0) for name, point in points.items() if point.get("type") == "doc"]
    # Last in, first out. Behind the document's own point lie those that nothing leads to.
    waiting = [*((name, 0) for name in reversed(points)), *reversed(first)]
    while waiting:
        name, depth = waiting.pop()
        if name in seen or name not in points:
            continue
        seen.add(name)
        point = points[name]
        is_document = point.get("type") == "doc"
        if point.get("type") not in _TEXTLESS:
            lines += [f"{'- ' * depth}{line}" for line in _lines(point) if line]
        waiting += [(each, depth + (not is_document)) for each in reversed(below[name])]
    return lines


def _below(tree: Any) -> dict[str, list[str]]:
    """The points below each point, in their order."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for link in tree.iter(f"{_DIAGRAM}cxn"):
        if link.get("type", "parOf") == "parOf":
            order = link.get("srcOrd", "0")
            found[link.get("srcId", "")].append((int(order) if order.isdigit() else 0, link.get("destId", "")))
    return defaultdict(list, {name: [each for _, each in sorted(links)] for name, links in found.items()})


def _lines(point: Any) -> Iterator[str]:
    for each in point.iter(f"{_A}p"):
        yield " ".join("".join(text.text or "" for text in each.iter(f"{_A}t")).split())
