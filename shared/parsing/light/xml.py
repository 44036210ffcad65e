"""XML of any kind: prose where it looks like prose, and one `path: value` line for each value where it looks like data.

It is read as a stream of tags. Nothing is fetched.
"""

import re
from collections.abc import Mapping

from lxml import etree

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.document import ParsedDocument
from shared.parsing.light.html import HtmlPage, line_of, read_into
from shared.parsing.light.html_styles import StyleSheets
from shared.parsing.limits import ParsingLimits
from shared.parsing.raised import beside, last_of, raised
from shared.parsing.xml_entities import with_html_entities
from shared.types.errors import Rejected


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


HEADINGS = _names("title head heading subtitle articletitle article-title")
PARAGRAPHS = _names("p para simpara paragraph text abstract description summary note shortdesc pd stp l line cmd info")
ITEMS = _names("li item listitem sli step")
LISTS = _names("ul ol sl list itemizedlist orderedlist steps variablelist")
ROWS = _names("row tr strow sthead")
CELLS = _names("cell entry td th stentry")
TABLES = _names("table informaltable tgroup simpletable")
CODE = _names("code codeblock programlisting screen listing pre verbatim")
INLINE = _names(
    "b i u em emph emphasis bold italic sub sup strong hi xref ref ulink link a span ph term tt xref codeph uicontrol "
    "quote q name date persname placename citetitle keyword cite foreign abbr acronym userinput filepath"
)
PROSE = PARAGRAPHS | CODE | LISTS | TABLES

FEEDS = _names("rss feed rdf")
WRITTEN_IN_HTML = _names("encoded description summary content subtitle rights info title")
"""Elements of a feed whose text may be a part of a web page."""

ADDRESSES = {"link": "href", "enclosure": "url", "category": "term", "thumbnail": "url", "content": "src"}
"""The attributes of a feed that are text."""

_WEB = "{http://www.w3.org/1999/xhtml}"
_MATH = "{http://www.w3.org/1998/Math/MathML}math"
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:\w+|#\w+);")
_SPACE = re.compile(r"\s+")


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    target = _Tree(assembly, limits)
    parser = etree.XMLParser(
        target=target,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        resolve_entities="internal",
    )
    try:
        parser.feed(with_html_entities(content))
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _refusal(error, limits) from error
    return assembly.finish()


def _refusal(error: etree.XMLSyntaxError, limits: ParsingLimits) -> Rejected:
    message = str(error)
    if "depth" in message.lower():
        return too_deep(limits)
    if "amplification" in message or ("entity" in message.lower() and "loop" in message.lower()):
        return Rejected("too-large-expanded", "the entities that it declares multiply")
    return Rejected("corrupt", f"it is not valid XML: {message[:200]}")


class _Tree:
    """The target of lxml's parser. `_path` holds the open elements' names, `_text` what stands since the last tag."""

    def __init__(self, assembly: Assembly, limits: ParsingLimits) -> None:
        self._assembly = assembly
        self._limits = limits
        self._path: list[str] = []
        self._text: list[str] = []
        self._rows: list[list[str]] = []
        self._tables = 0
        self._lines: list[str] = []
        self._opened: list[bool] = []
        self._page: _EmbeddedPage | None = None
        self._page_end = -1
        self._spans: list[tuple[list[str], int]] = []
        self._is_html = True

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._page or (self._path and (tag.startswith(_WEB) or tag == _MATH)):
            self._start_page(tag, attributes)
            return
        name = _local(tag)
        if name not in INLINE or not self._in_prose():
            self._loose()
        self._path.append(name)
        if len(self._path) > self._limits.depth:
            raise too_deep(self._limits)
        if self._path[0] == "feed" and name in WRITTEN_IN_HTML:
            self._is_html = attributes.get("type", "text") in {"html", "text/html"}
        if name in {"sup", "sub"}:
            self._spans.append((self._text, len(self._text)))
        self._attributes(name, attributes)
        self._opened.append(self._open(name))

    def end(self, tag: str) -> None:
        if self._page:
            self._end_page(tag)
            return
        name = self._path[-1]
        if name in {"sup", "sub"}:
            text, place = self._spans.pop()
            if text is self._text:
                text[place:] = [raised(last_of(text, place), "".join(text[place:]), name)]
        if name in INLINE and self._in_prose(1):
            self._path.pop()
            self._opened.pop()
            return
        self._close(name)
        self._path.pop()
        if self._opened.pop():
            self._assembly.close()

    def data(self, text: str) -> None:
        if self._page:
            self._page.data(text)
        else:
            self._text.append(beside(last_of(self._text), text) if self._page_end == len(self._text) else text)
            self._page_end = -1

    def close(self) -> None:
        self._loose()
        self._flush()

    def _start_page(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._page = self._page or _EmbeddedPage(self._limits)
        self._page.start(_local(tag), attributes, len(self._path))

    def _end_page(self, tag: str) -> None:
        """Ends an element of an embedded page; with the last one, its text is that of the element around it."""
        page = self._page
        if page is None or not page.end(_local(tag)):
            return
        self._page = None
        document = page.finish()
        is_line = (
            self._path[0] not in FEEDS
            and self._in_prose()
            and [block.kind for block in document.blocks] == ["paragraph"]
        )
        if not (is_line or self._tables or self._path[-1] in HEADINGS):
            self._loose()
            self._flush()
            self._assembly.include(document, 0)
            return
        self._assembly.hidden_words += document.hidden_words
        text = " ".join(block.text for block in document.blocks)
        self._text.append(beside(last_of(self._text), text))
        self._page_end = len(self._text)

    def _open(self, name: str) -> bool:
        """Whether it opened a list or an item, which its end must close."""
        if name in TABLES:
            self._tables += 1
        if self._tables:
            if name in ROWS:
                self._rows.append([])
            return False
        if name in LISTS or name in ITEMS:
            self._flush()
        if name in LISTS:
            self._assembly.open_list(ordered=name in {"ol", "orderedlist", "steps"})
        elif name in ITEMS and LISTS.intersection(self._path):
            self._assembly.open_item()
        else:
            return False
        return True

    def _close(self, name: str) -> None:
        if name in TABLES:
            self._end_table()
        elif self._is_written_in_html(name):
            self._flush()
            if name in HEADINGS:
                text, hidden = line_of("".join(self._take()), self._limits)
                self._assembly.hidden_words += hidden
                self._assembly.heading(max(1, len(self._path) - 1), text)
                return
            read_into(self._assembly, "".join(self._take()), self._limits)
        elif self._tables and name in CELLS and self._rows:
            self._rows[-1].append(self._taken())
        elif self._tables and self._rows:
            self._text.append(" ")
        elif name in HEADINGS:
            self._flush()
            self._assembly.heading(max(1, len(self._path) - 1), self._taken())
        elif name in CODE:
            self._flush()
            self._assembly.code("".join(self._take()))
        elif name in PARAGRAPHS or (self._path[0] not in FEEDS and ITEMS.intersection(self._path)):
            self._flush()
            self._assembly.paragraph(self._taken())
        elif value := self._taken():
            self._lines.append(f"{name}: {value}")
        else:
            self._flush()

    def _is_written_in_html(self, name: str) -> bool:
        is_part = self._is_html and name in WRITTEN_IN_HTML and self._path[0] in FEEDS
        return is_part and _TAG.search("".join(self._text)) is not None

    def _end_table(self) -> None:
        self._loose()
        self._tables -= 1
        if not self._tables:
            rows, self._rows = self._rows, []
            self._assembly.table(rows)

    def _attributes(self, name: str, attributes: Mapping[str, str]) -> None:
        """Adds attributes as values where the document is data; in prose and in feeds they only describe."""
        if self._path[0] in FEEDS:
            if address := attributes.get(ADDRESSES.get(name, ""), "").strip():
                self._lines.append(f"{name}: {address}")
        elif not PROSE.intersection(self._path) and not self._tables:
            self._lines += [
                f"{name}.{_local(key)}: {value.strip()}" for key, value in attributes.items() if value.strip()
            ]

    def _in_prose(self, above: int = 0) -> bool:
        path = self._path[: len(self._path) - above]
        return any(name in PARAGRAPHS or name in HEADINGS or name in ITEMS or name in CELLS for name in path[-6:])

    def _loose(self) -> None:
        """Writes text between elements, which belongs to the element around it."""
        if self._tables and self._rows:
            self._text.append(" ")
        elif text := self._taken():
            self._flush()
            self._assembly.paragraph(text)

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._assembly.paragraph("\n".join(lines))

    def _taken(self) -> str:
        return _SPACE.sub(" ", "".join(self._take())).strip()

    def _take(self) -> list[str]:
        taken, self._text = self._text, []
        return taken


class _EmbeddedPage:
    """A part of a web page, or an equation, inside of XML: read as it would be alone."""

    def __init__(self, limits: ParsingLimits) -> None:
        self._assembly = Assembly(limits)
        self._page = HtmlPage(self._assembly, limits, StyleSheets.of(""))
        self._limits = limits
        self._depth = 0

    def start(self, name: str, attributes: Mapping[str, str], above: int) -> None:
        self._depth += 1
        if self._depth + above > self._limits.depth:
            raise too_deep(self._limits)
        self._page.start(name, {_local(key): value for key, value in attributes.items()})

    def data(self, text: str) -> None:
        self._page.data(text)

    def end(self, name: str) -> bool:
        """Whether it was the outermost element."""
        self._page.end(name)
        self._depth -= 1
        return not self._depth

    def finish(self) -> ParsedDocument:
        self._page.close()
        return ParsedDocument(self._assembly.take_blocks(), hidden_words=self._assembly.hidden_words)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].lower()
