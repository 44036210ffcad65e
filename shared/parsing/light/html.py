"""HTML, read as a stream of tags: no tree is built, so no nesting can exhaust a stack."""

import re
from collections.abc import Iterable, Mapping

from lxml import etree

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.html_elements import (
    MARKERS,
    SPANS,
    GraphicReader,
    MathReader,
    Select,
    item_counts,
    number_in,
    span_text,
    visible_value,
)
from shared.parsing.light.html_styles import Element, StyleSheets
from shared.parsing.light.html_table import HtmlTable
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import with_address
from shared.parsing.raised import beside, last_of


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


HEADINGS = {f"h{level}": level for level in range(1, 7)}
DROPPED = _names("script style nav template noscript object embed iframe audio video canvas map datalist rp")
"""What these hold is not read."""

DEEPEST_FRAME = 8
"""Pages inside of pages."""

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


def read_into(
    assembly: Assembly, text: str, limits: ParsingLimits, *, styles: StyleSheets | None = None, depth: int = 0
) -> None:
    """Adds the visible text of a page or a part of one. Nothing is fetched and no entity of its own is expanded.

    `styles` are those of the page where they are not only in the text; `depth` counts the pages that it is framed in.
    """
    target = HtmlPage(assembly, limits, styles or StyleSheets.of(text), item_counts(text), depth)
    parser = etree.HTMLParser(
        target=target, encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    parser.feed(text.encode("utf-8", "replace"))
    parser.close()


def line_of(markup: str, limits: ParsingLimits, styles: StyleSheets | None = None) -> tuple[str, int]:
    """A part of a page as one text, and how many words it hides."""
    assembly = Assembly(limits)
    read_into(assembly, markup, limits, styles=styles)
    return " ".join(block.text for block in assembly.take_blocks()), assembly.hidden_words


class HtmlPage:
    """The target of lxml's parser: it receives each start tag, each end tag and each run of text.

    A table whose cells hold headings or tables only arranges the page, and its cells are read as the page's own text;
    where its rows before were those of data, what a cell holds is read as the cell's text.
    """

    def __init__(
        self,
        assembly: Assembly,
        limits: ParsingLimits,
        styles: StyleSheets,
        item_counts: Iterable[int] = (),
        depth: int = 0,
    ) -> None:
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
        self._spans: list[tuple[list[str], int, Mapping[str, str]]] = []
        self._outer: list[list[str]] = []
        self._item_counts = iter(item_counts)
        self._items = 0
        self._equation_end = self._deletion_end = -1
        self._depth = depth
        self._math = MathReader()
        self._graphic = GraphicReader()
        self._select: Select | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._elements) >= self._limits.depth:
            raise too_deep(self._limits)
        self._elements.append(self._styles.opened(tag, attributes, self._elements))
        if tag == "ol":
            self._items = next(self._item_counts, 0)
        if self._dropped or _is_dropped(tag, attributes):
            self._dropped += 1
            if tag == "iframe" and self._dropped == 1 and attributes.get("srcdoc"):
                self._read_frame(attributes["srcdoc"])
        elif self._math.is_open or tag.rpartition(":")[2] == "math":
            self._math.start(tag, attributes)
        elif self._graphic.is_open or tag == "svg":
            self._apart(self._graphic.start(tag, attributes))
        elif self._select:
            self._select.start(tag, attributes)
        elif tag == "title":
            self._in_title = True
        elif tag == "br":
            self._text.append("\n" if self._pre else _BREAK)
        elif tag == "img":
            self.data(f" {attributes.get('alt', '')} ")
        elif tag == "input":
            self.data(f" {visible_value(attributes)} ")
        else:
            self._start_visible(tag, attributes)

    def end(self, tag: str) -> None:
        self._elements.pop()
        if self._dropped:
            self._dropped -= 1
        elif self._math.is_open:
            if equation := self._math.end():
                self._text.append(beside(last_of(self._text), equation))
                self._equation_end = len(self._text)
        elif self._graphic.is_open:
            self._apart(self._graphic.end())
        elif tag == "title":
            self._in_title = False
        elif tag not in {"br", "img", "input"} and not (self._select and tag != "select"):
            self._end_visible(tag)

    def data(self, text: str) -> None:
        if self._in_title:
            self._title.append(text)
        elif self._dropped:
            return
        elif self._elements and self._elements[-1].is_hidden:
            self._assembly.hidden_words += len(text.split())
        elif self._math.is_open:
            self._math.data(text)
        elif self._select:
            self._select.data(text)
        elif not self._graphic.is_open or self._graphic.is_text:
            is_behind = self._equation_end == len(self._text)
            self._equation_end = self._deletion_end = -1
            self._text.append(beside(last_of(self._text), text) if is_behind else text)

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
        elif tag in _CONTAINERS:
            self._open(tag, attributes)
        elif tag == "a":
            self._link = (attributes.get("href", ""), self._text, len(self._text))
        elif tag in _APART:
            self._text.append(_APART[tag][0])
        elif tag in SPANS:
            self._spans.append((self._text, len(self._text), attributes))
        elif tag == "select":
            self._select = Select(attributes)
        elif tag == "ins" and self._deletion_end == len(self._text):
            self._apart(" ")
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
        elif tag in SPANS:
            self._end_span(tag)
        elif tag == "select":
            self._apart(f" {self._select.chosen() if self._select else ''} ")
            self._select = None
        elif tag == "del":
            self._deletion_end = len(self._text)
        elif tag in HEADINGS and self._cell() is None:
            self._assembly.heading(HEADINGS[tag], _collapsed(self._taken()))
        elif tag in {"tr", "td", "th"}:
            self._end_row_or_cell(tag)
        elif tag in BREAKS:
            self._break()
        if tag in _CONTAINERS and self._containers and self._containers.pop():
            self._assembly.close()

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Opens a list, an item or a quotation; inside a table's cell there is only text."""
        in_flow = self._cell() is None
        self._containers.append(in_flow)
        if not in_flow:
            return
        match tag:
            case "ol":
                step = -1 if "reversed" in attributes else 1
                start = number_in(attributes.get("start"))
                first = self._items if step < 0 else 1
                self._assembly.open_list(ordered=True, start=first if start is None else start, step=step)
            case "ul" | "menu" | "dl":
                self._assembly.open_list(ordered=False)
            case "li":
                number = number_in(attributes.get("value"))
                self._assembly.open_item(number=number, style=MARKERS.get(self._elements[-1].marker, "decimal"))
            case "dt":
                self._assembly.open_item()
            case "dd":
                self._assembly.open_item(" ")
            case _:
                self._assembly.open_quote()

    def _read_frame(self, page: str) -> None:
        """Reads the page that a frame holds in an attribute, where the frame stands."""
        if self._depth >= DEEPEST_FRAME:
            raise too_deep(self._limits)
        inner = Assembly(self._limits)
        read_into(inner, page, self._limits, depth=self._depth + 1)
        document = ParsedDocument(inner.take_blocks(), hidden_words=inner.hidden_words)
        if self._elements[-1].is_hidden:
            words = sum(len(block.text.split()) for block in document.blocks)
            self._assembly.hidden_words += words + document.hidden_words
        elif self._cell():
            self._assembly.hidden_words += document.hidden_words
            self._text.append(f" {' '.join(block.text for block in document.blocks)} ")
        else:
            self._paragraph()
            self._assembly.include(document, 0)

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

    def _end_span(self, tag: str) -> None:
        """Marks a power, for example, so that it does not become part of the number before it."""
        text, place, attributes = self._spans.pop() if self._spans else (None, 0, {})
        if text is self._text:
            self._text[place:] = [span_text(tag, attributes, last_of(text, place), "".join(text[place:]))]

    def _apart(self, text: str) -> None:
        if text:
            self._text.append(text)

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


def _collapsed(runs: list[str]) -> str:
    """Collapses white space to single spaces; keeps the line breaks of the page."""
    lines = (" ".join(line.split()) for line in "".join(runs).split(_BREAK))
    return "\n".join(line for line in lines if line)


_APART = {"button": (" ", " "), "textarea": (" ", " "), "rt": ("（", "）"), "q": ("“", "”")}
"""What stands around the words of elements that would be glued to those beside them."""

_BREAK = "\x00"
"""Stands for a line break until white space is collapsed; decoded text holds no such character."""

_CONTAINERS = _names("ul ol menu dl li dt dd blockquote")
"""Lists, their items, and quotations."""
