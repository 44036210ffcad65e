"""Names of WordprocessingML and short ways to look at its elements."""

from typing import Any

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"


def attribute(element: Any, name: str = "val") -> str:
    """An attribute in the namespace of WordprocessingML; empty where there is none."""
    return "" if element is None else element.get(f"{W}{name}", "")


def child_value(element: Any, name: str) -> str:
    """The value of a child element; empty where there is none."""
    return "" if element is None else attribute(element.find(f"{W}{name}"))


def is_on(element: Any) -> bool:
    """Whether a switch such as `w:vanish` is set."""
    return element is not None and attribute(element) not in {"0", "false", "off"}


def text_run(text: str) -> Any:
    run = etree.Element(f"{W}r")
    part = etree.SubElement(run, f"{W}t")
    part.text = text
    part.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return run


def paragraph(text: str) -> Any:
    element = etree.Element(f"{W}p")
    element.append(text_run(text))
    return element


def text_of(element: Any) -> str:
    """The text of a paragraph or a run."""
    parts = []
    for each in element.iter(f"{W}t", f"{W}tab", f"{W}br"):
        parts.append((each.text or "") if each.tag == f"{W}t" else " ")
    return "".join(parts)


def unwrap(element: Any) -> None:
    """Puts the children of an element in its place."""
    parent = element.getparent()
    place = parent.index(element)
    for child in list(element):
        parent.insert(place, child)
        place += 1
    parent.remove(element)
