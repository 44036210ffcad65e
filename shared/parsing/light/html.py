"""HTML, read as a stream of tags: no tree is built, so no nesting can exhaust a stack."""

import re
from collections.abc import Callable, Mapping

from lxml import etree

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.html_styles import Element, StyleSheets
from shared.parsing.light.html_table import HtmlTable
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import with_address
from shared.parsing.raised import raised


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


HEADINGS = {f"h{level}": level for level in range(1, 7)}
DROPPED = _names("script style nav template noscript svg object embed iframe audio video canvas map select datalist rp")
"""What these hold is not read."""

BREAKS = _names(
    "p div section article header footer main aside address figure figcaption form fieldset legend details summary "
    "hr center body html dl hgroup search dialog menu option blockquote li dt dd ul ol table caption pre "
    "h1 h2 h3 h4 h5 h6"
)
"""Elements that end the paragraph before them and after them."""

_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})|<\?xml[^>]{0,100}encoding=[\"']([\w.-]{1,40})", re.I
)


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    declared = _CHARSET.search(content, 0, 4096)
    text = decode(content, (declared[1] or declared[2]).decode("ascii") if declared else None)
    assembly = Assembly(limits)
    read_into(assembly, text, limits)
    return assembly.finish()


def read_into(assembly: Assembly, text: str, limits: ParsingLimits) -> None:
    """Adds the visible text of a page or a part of one. Nothing is fetched and no entity of its own is expanded."""
    target = _Page(assembly, limits, StyleSheets(text))
    parser = etree.HTMLParser(
        target=target, encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    parser.feed(text.encode("utf-8", "replace"))
    parser.close()


class _Page:
    """The target of lxml's parser: it receives each start tag, each end tag and each run of text.

    A table whose cells hold headings or tables only arranges the page, and its cells are read as the page's own text;
    where its rows before were those of data, what a cell holds is read as the cell's text.
    """

    def __init__(self, assembly: Assembly, limits: ParsingLimits, styles: StyleSheets) -> None:
        self._assembly = assembly
        self._limits = limits
        self._styles = styles
        self._elements: list[Element] = []
        self._dropped = 0
        self._in_title = False
        self._in_heading = False
        self._pre = 0
        self._text: list[str] = []
        self._title: list[str] = []
        self._tables: list[HtmlTable | None] = []
        self._containers: list[bool] = []
        self._link: tuple[str, list[str], int] | None = None
        self._raised: list[tuple[list[str], int]] = []
        self._outer: list[list[str]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._elements) >= self._limits.depth:
            raise too_deep(self._limits)
        self._elements.append(self._styles.opened(tag, attributes, self._elements))
        if self._dropped or _is_dropped(tag, attributes):
            self._dropped += 1
        elif tag == "title":
            self._in_title = True
        elif tag == "br":
            self._text.append("\n" if self._pre else _BREAK)
        elif tag == "img":
            self.data(f" {attributes.get('alt', '')} ")
        elif tag == "input":
            self.data(f" {_visible_value(attributes)} ")
        else:
            self._start_visible(tag, attributes)

    def end(self, tag: str) -> None:
        self._elements.pop()
        if self._dropped:
            self._dropped -= 1
        elif tag == "title":
            self._in_title = False
        elif tag not in {"br", "img", "input"}:
            self._end_visible(tag)

    def data(self, text: str) -> None:
        if self._in_title:
            self._title.append(text)
        elif not self._dropped and self._elements and self._elements[-1].is_hidden:
            self._assembly.hidden_words += len(text.split())
        elif not self._dropped:
            self._text.append(text)

    def close(self) -> None:
        self._paragraph()
        self._assembly.title = self._assembly.title or _collapsed(self._title)

    def _start_visible(self, tag: str, attributes: Mapping[str, str]) -> None:
        table = self._cell()
        if table and tag in {"table", *HEADINGS} and not (self._outer or table.has_data()):
            self._tables[-1] = None  # a table around a table or a heading is there for the layout
            self._write_cells(table)
            table = None
        self._in_heading = self._in_heading or tag in HEADINGS
        if tag in BREAKS:
            self._break()
        if tag == "table":
            self._tables.append(HtmlTable())
            if table:
                self._outer.append(self._taken())
        elif tag == "pre":
            self._pre += 1
        elif tag in _OPENERS:
            self._open(tag, attributes)
        elif tag == "a":
            self._link = (attributes.get("href", ""), self._text, len(self._text))
        elif tag in _APART:
            self._text.append(_APART[tag][0])
        elif tag in {"sup", "sub"}:
            self._raised.append((self._text, len(self._text)))
        elif tag in {"tr", "td", "th"}:
            self._start_row_or_cell(tag, attributes)

    def _end_visible(self, tag: str) -> None:
        self._in_heading = self._in_heading and tag not in HEADINGS
        if tag == "table":
            self._end_table()
        elif tag == "pre":
            self._pre -= 1
            if self._cell() is None and not self._pre:
                self._assembly.code("".join(self._taken()).expandtabs(4))
        elif tag == "a":
            self._end_link()
        elif tag in _APART:
            self._text.append(_APART[tag][1])
        elif tag in {"sup", "sub"}:
            self._end_raised(tag)
        elif tag in HEADINGS and self._cell() is None:
            self._assembly.heading(HEADINGS[tag], _collapsed(self._taken()))
        elif tag in {"tr", "td", "th"}:
            self._end_row_or_cell(tag)
        elif tag in BREAKS:
            self._break()
        if tag in _OPENERS and self._containers and self._containers.pop():
            self._assembly.close()

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Opens a list, an item or a quotation; inside a table's cell there is only text."""
        in_flow = self._cell() is None
        self._containers.append(in_flow)
        if in_flow:
            _OPENERS[tag](self._assembly, attributes)

    def _start_row_or_cell(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._cell() is None:
            self._paragraph()
        if table := self._table():
            table.open_row() if tag == "tr" else table.open_cell(attributes)

    def _end_row_or_cell(self, tag: str) -> None:
        if cell := self._cell():
            cell.close_cell(_collapsed(self._taken()))
        self._paragraph()
        if tag == "tr" and (table := self._table()):
            table.close_row()

    def _end_table(self) -> None:
        if cell := self._cell():
            cell.close_cell(_collapsed(self._taken()))
        self._paragraph()
        table = self._tables.pop() if self._tables else None
        if table and self._outer and self._cell():
            lines = (", ".join(filter(None, row)) for row in table.rows)
            self._text = [*self._outer.pop(), " ", "; ".join(filter(None, lines)), " "]
        elif table and table.is_data():
            self._assembly.table(table.rows)
        elif table:
            self._write_cells(table)

    def _end_link(self) -> None:
        """Writes a link's address behind its words, where these are one run of text outside headings."""
        link, self._link = self._link, None
        if link and link[1] is self._text and not self._pre and not self._in_heading:
            place = link[2]
            self._text[place:] = [with_address("".join(self._text[place:]), link[0])]

    def _end_raised(self, tag: str) -> None:
        """Marks what stands above or below the line, so that it does not become part of the number before it."""
        text, place = self._raised.pop() if self._raised else (None, 0)
        if text is self._text:
            self._text[place:] = [raised("".join(self._text[:place]), "".join(self._text[place:]), tag)]

    def _table(self) -> HtmlTable | None:
        return self._tables[-1] if self._tables else None

    def _cell(self) -> HtmlTable | None:
        """The innermost table, when one of its cells is open."""
        table = self._table()
        return table if table and table.in_cell else None

    def _write_cells(self, table: HtmlTable) -> None:
        for row in table.rows:
            for cell in row:
                self._assembly.paragraph(cell)

    def _break(self) -> None:
        if self._cell():
            self._text.append(" ")
        else:
            self._paragraph()

    def _paragraph(self) -> None:
        if self._text:
            self._assembly.paragraph(_collapsed(self._taken()))

    def _taken(self) -> list[str]:
        taken, self._text = self._text, []
        return taken


def _is_dropped(tag: str, attributes: Mapping[str, str]) -> bool:
    return tag in DROPPED or attributes.get("role") == "navigation"


def _visible_value(attributes: Mapping[str, str]) -> str:
    """What a field of a form shows."""
    kind = attributes.get("type", "text").lower()
    if kind in {"checkbox", "radio"}:
        return "[x]" if "checked" in attributes else "[ ]"
    return "" if kind in {"hidden", "password", "image", "file", "color", "range"} else attributes.get("value", "")


def _collapsed(runs: list[str]) -> str:
    """Collapses white space to single spaces; keeps the line breaks of the page."""
    lines = (" ".join(line.split()) for line in "".join(runs).split(_BREAK))
    return "\n".join(line for line in lines if line)


_APART = {"button": (" ", " "), "textarea": (" ", " "), "rt": ("（", "）")}
"""What stands around the words of elements that would be glued to those beside them."""

_BREAK = "\x00"
"""Stands for a line break until white space is collapsed; decoded text holds no such character."""

_OPENERS: dict[str, Callable[[Assembly, Mapping[str, str]], None]] = {
    "ul": lambda assembly, _: assembly.open_list(ordered=False),
    "menu": lambda assembly, _: assembly.open_list(ordered=False),
    "dl": lambda assembly, _: assembly.open_list(ordered=False),
    "ol": lambda assembly, attributes: assembly.open_list(ordered=True, start=_number(attributes.get("start", ""))),
    "li": lambda assembly, _: assembly.open_item(),
    "dt": lambda assembly, _: assembly.open_item(),
    "dd": lambda assembly, _: assembly.open_item(" "),
    "blockquote": lambda assembly, _: assembly.open_quote(),
}


def _number(raw: str) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 9 else 1
