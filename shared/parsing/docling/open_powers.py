"""Powers and indices of OpenDocument, written into their line."""

from collections.abc import Iterator
from typing import Any

from shared.parsing.docling.open_styles import STYLE, TEXT, OpenStyles
from shared.parsing.raised import ScriptPosition, marked

_PARAGRAPHS = (f"{TEXT}p", f"{TEXT}h")
_SPACES = frozenset(f"{TEXT}{name}" for name in ("s", "tab", "line-break"))
_SPANS = frozenset(f"{TEXT}{name}" for name in ("span", "a", "ruby", "ruby-base", "meta"))
_NAME = f"{TEXT}style-name"


def powers_written(tree: Any, styles: OpenStyles) -> None:
    spans = [span for span in tree.iter(f"{TEXT}span") if _script(span, styles)]
    for paragraph in {next(span.iterancestors(*_PARAGRAPHS), None) for span in spans} - {None}:
        pieces = list(_pieces(paragraph, "", styles))
        views = marked((text, script) for _, _, text, script in pieces)
        for (element, place, text, _), view in zip(pieces, views, strict=True):
            if view != text:
                setattr(element, place, view)
    for span in spans:
        del span.attrib[_NAME]


def _pieces(element: Any, script: ScriptPosition, styles: OpenStyles) -> Iterator[tuple[Any, str, str, ScriptPosition]]:
    """Yields each text of a line: the element whose `text` or `tail` it is, the text, where it stands."""
    yield element, "text", element.text or "", script
    for child in element:
        if child.tag in _SPANS:
            yield from _pieces(child, _script(child, styles) or script, styles)
        elif child.tag in _SPACES:
            yield child, "text", " ", ""
        yield child, "tail", child.tail or "", script


def _script(span: Any, styles: OpenStyles) -> ScriptPosition:
    """Where the text of a span stands: a position begins with `super`, `sub` or a share of the line's height."""
    position = styles.value("text", span.get(_NAME, ""), f"{STYLE}text-position").partition(" ")[0]
    if position == "sub" or position.startswith("-"):
        return "sub"
    return "sup" if position == "super" or position.rstrip("%").strip("0.") else ""
