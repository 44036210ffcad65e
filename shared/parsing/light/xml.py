"""XML of any kind: prose where it looks like prose, and one `path: value` line for each value where it looks like data.

It is read as a stream of tags. Nothing is fetched.
"""

import re
from collections.abc import Mapping

from lxml import etree

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.document import ParsedDocument
from shared.parsing.light.html import read_into
from shared.parsing.limits import ParsingLimits
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
WRITTEN_IN_HTML = _names("encoded description summary content subtitle")
"""Elements of a feed whose text is a part of a web page."""

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

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = _local(tag)
        if name not in INLINE or not self._in_prose():
            self._loose()
        self._path.append(name)
        if len(self._path) > self._limits.depth:
            raise too_deep(self._limits)
        self._attributes(name, attributes)
        self._opened.append(self._open(name))

    def end(self, tag: str) -> None:
        name = self._path[-1]
        if name in INLINE and self._in_prose(1):
            self._path.pop()
            self._opened.pop()
            return
        self._close(name)
        self._path.pop()
        if self._opened.pop():
            self._assembly.close()

    def data(self, text: str) -> None:
        self._text.append(text)

    def close(self) -> None:
        self._loose()
        self._flush()

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
        elif name in WRITTEN_IN_HTML and self._path[0] in FEEDS and _TAG.search("".join(self._text)):
            self._flush()
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
        elif name in PARAGRAPHS or ITEMS.intersection(self._path):
            self._flush()
            self._assembly.paragraph(self._taken())
        elif value := self._taken():
            self._lines.append(f"{name}: {value}")
        else:
            self._flush()

    def _end_table(self) -> None:
        self._loose()
        self._tables -= 1
        if not self._tables:
            rows, self._rows = self._rows, []
            self._assembly.table(rows)

    def _attributes(self, name: str, attributes: Mapping[str, str]) -> None:
        """Adds attributes as values where the document is data; in prose they only describe."""
        if not PROSE.intersection(self._path) and not self._tables:
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


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].lower()
