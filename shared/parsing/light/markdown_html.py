"""HTML inside Markdown: in a line of text, and around whole paragraphs."""

import re
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

from markdown_it.token import Token

from shared.parsing.light.html import DROPPED
from shared.parsing.light.html_styles import Element, StyleSheets
from shared.parsing.raised import raised

_SCRIPT = re.compile(r"(?<=[\w)])(?:\^([\w.,+−-]{1,20})\^(?!\w)|(?<!~)~([\w.,+−-]{1,20})~(?!~))")
_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]*)")
_SWALLOWING = DROPPED | {"select", "title", "svg", "math"}
_KNOWN = _SWALLOWING | frozenset(
    (
        *("a", "abbr", "acronym", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "body", "br"),
        *("button", "caption", "center", "cite", "code", "col", "colgroup", "data", "dd", "del", "details", "dfn"),
        *("dialog", "div", "dl", "dt", "em", "fieldset", "figcaption", "figure", "font", "footer", "form", "h1", "h2"),
        *("h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "img", "input", "ins", "kbd", "label", "legend"),
        *("li", "link", "main", "mark", "menu", "meta", "meter", "nobr", "ol", "optgroup", "option", "output", "p"),
        *(
            "picture",
            "pre",
            "progress",
            "q",
            "rb",
            "rp",
            "rt",
            "rtc",
            "ruby",
            "s",
            "samp",
            "search",
            "section",
            "small",
        ),
        *("source", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "textarea", "tfoot"),
        *("th", "thead", "time", "tr", "track", "tt", "u", "ul", "var", "wbr", "text", "tspan", "g", "path", "rect"),
        *("math", "mfrac", "mi", "mn", "mo", "mover", "mroot", "mrow", "msqrt", "msub", "msubsup", "msup", "mtable"),
        *("mtd", "mtext", "mtr", "munder", "munderover", "mfenced", "mmultiscripts", "mprescripts", "semantics"),
        *("annotation", "mstyle", "mspace", "mpadded", "mphantom", "none", "menclose", "merror"),
    )
)
"""Names of elements; anything else in angle brackets is text."""

_CLOSED_BY_TEXT = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "option"})
_VOID = frozenset(
    {"br", "hr", "img", "input", "link", "meta", "wbr", "col", "area", "source", "track", "embed", "base"}
)


def with_scripts(text: str) -> str:
    """A text with `10^6^` and `x~i~` as they are written in every format."""

    def written(found: re.Match[str]) -> str:
        before = text[found.start() - 1]
        return raised(before, found[1] or found[2], "sup" if found[1] else "sub")

    return _SCRIPT.sub(written, text)


def has_html(children: Sequence[Token]) -> bool:
    return any(token.type == "html_inline" for token in children)


def line_markup(children: Sequence[Token], *, linked: bool) -> str:
    """A line of Markdown as HTML; what only looks like a tag, or would take the rest of the line away, is text."""
    tags = [_TAG.match(token.content) for token in children if token.type == "html_inline"]
    closed = {found[2].lower() for found in tags if found and found[1]}
    return "".join(_markup(token, closed, linked=linked) for token in children)


def _markup(token: Token, closed: set[str], *, linked: bool) -> str:
    match token.type:
        case "html_inline":
            found = _TAG.match(token.content)
            name = found[2].lower() if found else ""
            is_text = found is not None and (name not in _KNOWN or name in _SWALLOWING - closed)
            return escape(token.content) if is_text else token.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "<br>"
        case "image":
            return escape(f" {''.join(child.content for child in token.children or [])} ")
        case "link_open":
            return f'<a href="{escape(str(token.attrGet("href") or ""))}">' if linked else "<a>"
        case "link_close":
            return "</a>"
        case "text":
            return escape(with_scripts(token.content))
        case _:
            return escape(token.content)


class OpenElements(HTMLParser):
    """Which elements of HTML are open where a paragraph of Markdown begins."""

    def __init__(self, styles: StyleSheets) -> None:
        super().__init__()
        self._styles = styles
        self._open: list[Element] = []

    @property
    def are_hidden(self) -> bool:
        return bool(self._open) and self._open[-1].is_hidden

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID | _CLOSED_BY_TEXT:
            attributes = {name: value or "" for name, value in attrs}
            self._open.append(self._styles.opened(tag, attributes, self._open))

    def handle_endtag(self, tag: str) -> None:
        places = [place for place, element in enumerate(self._open) if element.tag == tag]
        if places:
            del self._open[places[-1] :]
