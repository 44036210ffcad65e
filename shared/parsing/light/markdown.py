"""Markdown with tables; HTML inside it keeps its text."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import with_address

_FRONT_MATTER = re.compile(r"---[ \t]*\n((?:.{0,2000}\n){0,400}?)(?:---|\.\.\.)[ \t]*(?:\n|$)")
_FRONT_LINE = re.compile(r"[ \t]*$|[ \t]*#|[\w.-]+[ \t]*:|[ \t]+\S|- ")
_FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_LINE_BREAK = re.compile(r"<br\b", re.IGNORECASE)


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
    writer = _Writer(assembly, limits)
    for token in _tokens(text, limits):
        writer.write(token)


def _tokens(text: str, limits: ParsingLimits) -> list[Token]:
    """Returns the library's tokens. It silently drops what is nested deeper than its limit, which is one above ours."""
    reader = MarkdownIt("commonmark", {"maxNesting": limits.depth + 2}).enable(["table", "strikethrough"])
    tokens = reader.parse(text)
    if any(token.level > limits.depth for token in tokens):
        raise too_deep(limits)
    return tokens


class _Writer:
    """Writes the library's tokens one after the other; a table is written when it ends."""

    def __init__(self, assembly: Assembly, limits: ParsingLimits) -> None:
        self._assembly = assembly
        self._limits = limits
        self._heading = 0
        self._rows: list[list[str]] = []
        self._in_cell = False

    def write(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._inline(_line_text(token.children or [], linked=not self._heading))
            case "heading_open":
                self._heading = int(token.tag[1:])
            case "heading_close":
                self._heading = 0
            case "fence" | "code_block":
                self._assembly.code(token.content)
            case "html_block":
                from shared.parsing.light import html

                html.read_into(self._assembly, token.content, self._limits)
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
        case "html_inline":
            return "\n" if _LINE_BREAK.match(token.content) else ""
        case _:
            return token.content
