"""Markdown with tables; HTML inside it keeps its text."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light import html
from shared.parsing.light.html import line_of
from shared.parsing.light.html_styles import StyleSheets
from shared.parsing.light.markdown_html import OpenElements, has_html, line_markup, with_scripts
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import with_address

_FRONT_MATTER = re.compile(r"---[ \t]*\n((?:.{0,2000}\n){0,400}?)(?:---|\.\.\.)[ \t]*(?:\n|$)")
_FRONT_LINE = re.compile(r"[ \t]*$|[ \t]*#|[\w.-]+[ \t]*:|[ \t]+\S|- ")
_FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    text = decode(content)
    assembly = Assembly(limits)
    front = _FRONT_MATTER.match(text)
    if front and all(map(_FRONT_LINE.match, front[1].split("\n"))):
        text = text[front.end() :]
        title = _FRONT_TITLE.search(front[1])
        assembly.title = title[1].strip().strip("\"'") if title else ""
        assembly.paragraph(front[1])
    read_into(assembly, text, limits)
    return assembly.finish()


def read_into(assembly: Assembly, text: str, limits: ParsingLimits) -> None:
    """Adds a Markdown document or a part of one."""
    writer = _Writer(assembly, limits, StyleSheets.of(text if "<style" in text.lower() else ""))
    for token in _tokens(text, limits):
        writer.write(token)


def _tokens(text: str, limits: ParsingLimits) -> list[Token]:
    """Returns the library's tokens. It silently drops what is nested deeper than its limit, which is one above ours."""
    reader = MarkdownIt("commonmark", {"maxNesting": limits.depth + 2}).enable(["table", "strikethrough"])
    reader.disable("text_join")  # what was escaped stays apart: it marks nothing
    tokens = reader.parse(text)
    if any(token.level > limits.depth for token in tokens):
        raise too_deep(limits)
    return tokens


class _Writer:
    """Writes the library's tokens one after the other; a table is written when it ends."""

    def __init__(self, assembly: Assembly, limits: ParsingLimits, styles: StyleSheets) -> None:
        self._assembly = assembly
        self._limits = limits
        self._styles = styles
        self._around = OpenElements(styles)
        self._heading = 0
        self._rows: list[list[str]] = []
        self._in_cell = False

    def write(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._inline(self._line(token.children or []))
            case "heading_open":
                self._heading = int(token.tag[1:])
            case "heading_close":
                self._heading = 0
            case "fence" | "code_block":
                self._assembly.code(self._seen(token.content))
            case "html_block":
                self._markup(token.content)
            case _:
                self._structure(token)

    def _structure(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._assembly.open_list(ordered=False)
            case "ordered_list_open":
                self._assembly.open_list(ordered=True, start=int(token.attrGet("start") or 1))
            case "list_item_open":
                self._assembly.open_item()
            case "blockquote_open":
                self._assembly.open_quote()
            case "bullet_list_close" | "ordered_list_close" | "list_item_close" | "blockquote_close":
                self._assembly.close()
            case "tr_open":
                self._rows.append([])
            case "th_open" | "td_open":
                self._in_cell = True
                self._rows[-1].append("")
            case "th_close" | "td_close":
                self._in_cell = False
            case "table_close":
                self._assembly.table(self._rows)
                self._rows = []

    def _markup(self, markup: str) -> None:
        """Reads a block of HTML, which may open or close elements around the paragraphs behind it."""
        if self._around.are_hidden:
            text, hidden = line_of(markup, self._limits, self._styles)
            self._assembly.hidden_words += hidden + len(text.split())
        else:
            html.read_into(self._assembly, markup, self._limits, styles=self._styles)
        self._around.feed(markup)

    def _line(self, children: list[Token]) -> str:
        if not has_html(children):
            return self._seen(_line_text(children, linked=not self._heading))
        markup = line_markup(children, linked=not self._heading)
        text, hidden = line_of(markup, self._limits, self._styles)
        self._assembly.hidden_words += hidden
        return self._seen(text)

    def _seen(self, text: str) -> str:
        """The text, or nothing where an element around it is hidden."""
        if not self._around.are_hidden:
            return text
        self._assembly.hidden_words += len(text.split())
        return ""

    def _inline(self, text: str) -> None:
        if self._in_cell:
            self._rows[-1][-1] = text
        elif self._heading:
            self._assembly.heading(self._heading, text)
        else:
            self._assembly.paragraph(text)


def _line_text(children: list[Token], *, linked: bool = False) -> str:
    """Returns a line's words without marks: pictures as their alternative text, links with their address."""
    text, words, address = "", "", ""
    for token in children:
        if token.type == "link_open":
            text, words, address = text + words, "", str(token.attrGet("href") or "") if linked else ""
        elif token.type == "link_close":
            text, words, address = text + with_address(words, address), "", ""
        else:
            words += _run(token)
    return text + words


def _run(token: Token) -> str:
    match token.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "image":
            return _line_text(token.children or [])
        case "text":
            return with_scripts(token.content)
        case _:
            return token.content
