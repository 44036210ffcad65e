"""The texts of diagrams (SmartArt) of office packages."""

from shared.parsing.docling.office_packages import xml_tree

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_TEXTLESS = frozenset({"pres", "parTrans", "sibTrans"})


def diagram_lines(part: bytes) -> list[str]:
    """The texts of a diagram's data part, a line for each paragraph of its points."""
    lines = []
    for point in xml_tree(part).iter(f"{_DIAGRAM}pt"):
        if point.get("type") not in _TEXTLESS:
            for each in point.iter(f"{_A}p"):
                lines.append(" ".join("".join(text.text or "" for text in each.iter(f"{_A}t")).split()))
    return [line for line in lines if line]
