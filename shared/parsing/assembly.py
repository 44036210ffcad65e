"""Builds a document from what a parser reads, in reading order."""

import re
from collections.abc import Sequence
from textwrap import dedent
from typing import NamedTuple

from msgspec import Struct

from shared.parsing.document import Block, ElementKind, ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.spelled_numbers import spelled
from shared.parsing.tables import rectangular, table_markdown
from shared.types.errors import Rejected
from shared.types.passage import Box, around
from shared.types.text import safe_title

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\xad\ud800-\udfff]")
MOST_TABLE_CHARACTERS = 100_000
"""A table with more text than this becomes several, each with the header."""


class _Container(Struct):
    """A list, one of its items, or a quotation that is open. `number` counts an ordered list's items by `step`."""

    kind: str
    number: int | None = None
    marker: str = ""
    step: int = 1


class _Place(NamedTuple):
    page: int | None
    box: Box | None
    aside: bool


class Assembly:
    """Lists and quotations, nested as they may be, become one block of lines; tables and headings stand alone.

    `page` and `box` are where the next text stands, for formats that have pages; `aside` whether it stands beside the
    document's own.
    """

    def __init__(self, limits: ParsingLimits) -> None:
        self._limits = limits
        self._blocks: list[Block] = []
        self._bytes = 0
        self._open: list[_Container] = []
        self._lines: list[str] = []
        self._places: list[_Place] = []
        self.title = ""
        self.page: int | None = None
        self.box: Box | None = None
        self.aside = False
        self.hidden_words = 0

    def finish(self, pages: int = 0) -> ParsedDocument:
        """Returns the document. Raises Rejected("empty") where no block has a letter or a digit."""
        self._flush()
        if not any(character.isalnum() for block in self._blocks for character in block.text):
            raise Rejected("empty", "the document holds no words")
        title = self.title or next((block.text for block in self._blocks if block.kind in {"title", "heading"}), "")
        return ParsedDocument(tuple(self._blocks), safe_title(title)[:300], pages, self.hidden_words)

    def take_blocks(self) -> tuple[Block, ...]:
        """Returns what has been added, even if it has no words, and holds it no longer."""
        self._flush()
        blocks, self._blocks = tuple(self._blocks), []
        return blocks

    def heading(self, level: int, text: str) -> None:
        """Adds a heading; inside a quotation it is a line like any other."""
        text = " ".join(text.split())
        if any(container.kind == "quote" for container in self._open):
            self._line(text)
            return
        self._flush()
        self._add(Block("heading", text, level=min(max(level, 1), 6)))

    def paragraph(self, text: str) -> None:
        text = text.strip()
        if self._open:
            self._line(text)
        else:
            self._add(Block("paragraph", text))

    def picture(self, text: str) -> None:
        """Adds a picture's caption or alternative text."""
        text = text.strip()
        if self._open:
            self._line(text)
        else:
            self._add(Block("picture", text))

    def code(self, text: str) -> None:
        text = dedent(text).strip("\n").rstrip()
        if self._open:
            self._line(text)
        else:
            self._add(Block("code", text))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Adds a table; the first row is the header."""
        self._flush()
        table = rectangular(tuple(map(_clean, row)) for row in rows)
        for part in _table_parts(table):
            self._add(Block("table", table_markdown(part), rows=part))

    def include(self, document: ParsedDocument, levels: int) -> None:
        """Adds another document's blocks, its headings below one of so many `levels`; what it hides is hidden."""
        self._flush()
        self.hidden_words += document.hidden_words
        for block in document.blocks:
            level = min(block.level + levels, 6) if block.level else 0
            place = self._place._replace(aside=self.aside or block.aside)
            self._add(Block(block.kind, block.text, level, block.rows), place)

    @property
    def bytes_left(self) -> int:
        """How much more text, in bytes of UTF-8, the document may have."""
        return max(self._limits.expanded_bytes - self._bytes, 0)

    def open_list(self, *, ordered: bool, start: int = 1, step: int = 1) -> None:
        self._enter(_Container("list", start if ordered else None, step=step))

    def open_item(self, mark: str = "", *, number: int | None = None, style: str = "decimal") -> None:
        """Opens a list item; `mark` replaces the marker that its list gives. In an ordered list, `number` is the item's
        where it does not follow on, and `style` that of its numbers, as `spelled` knows it."""
        holder = self._open[-1] if self._open else None
        if not mark and holder and holder.number is not None:
            holder.number = holder.number if number is None else number
            label = spelled(holder.number, style)
            mark = f"{label}." if label else ""
            holder.number += holder.step
        self._enter(_Container("item", marker=f"{mark or '-'} "))

    def open_quote(self) -> None:
        self._enter(_Container("quote"))

    def close(self) -> None:
        """Closes the container that was opened last."""
        if len(self._open) == 1:
            self._flush()
        if self._open:
            self._open.pop()

    def _enter(self, container: _Container) -> None:
        self._open.append(container)
        if len(self._open) > self._limits.depth:
            raise too_deep(self._limits)

    def _line(self, text: str) -> None:
        """Adds an entry to the open container: its marker before the first line, the other lines indented."""
        if not text:
            return
        items = [container for container in self._open if container.kind == "item"]
        prefix = "".join(item.marker for item in items)
        for item in items:
            item.marker = " " * len(item.marker)
        self._places.append(self._place)
        first, *rest = text.split("\n")
        self._lines.append("\n".join([prefix + first, *((" " * len(prefix) + line).rstrip() for line in rest)]))

    def _flush(self) -> None:
        """Ends the current block of lines; open containers continue in a new block."""
        if self._lines:
            quoted = self._open[0].kind == "quote"
            kind: ElementKind = "quote" if quoted else "list"
            lines, self._lines = self._lines, []
            places, self._places = self._places, []
            self._add(Block(kind, ("\n\n" if quoted else "\n").join(lines)), _around(places))

    @property
    def _place(self) -> _Place:
        return _Place(self.page, self.box, self.aside)

    def _add(self, block: Block, place: _Place | None = None) -> None:
        text = _clean(block.text)
        if not text.strip():
            return
        self._bytes += len(text.encode())
        if self._bytes > self._limits.expanded_bytes:
            raise Rejected("too-large-expanded", f"its text exceeds {self._limits.expanded_bytes} bytes")
        page, box, aside = place or self._place
        self._blocks.append(Block(block.kind, text, block.level, block.rows, page, box, aside))


def _around(places: Sequence[_Place]) -> _Place:
    """Returns the first page and the box around everything on it."""
    first = places[0]
    boxes = [place.box for place in places if place.page == first.page and place.box]
    return first._replace(box=around(boxes) if boxes else None)


def too_deep(limits: ParsingLimits) -> Rejected:
    return Rejected("too-deep", f"its elements are nested more than {limits.depth} deep")


def _clean(text: str) -> str:
    """Removes control characters and lone surrogates, which neither stores nor JSON accept, and soft hyphens, which
    would tear a word for those who look for it."""
    return _UNPRINTABLE.sub("", text)


def _table_parts(rows: tuple[tuple[str, ...], ...]) -> list[tuple[tuple[str, ...], ...]]:
    if not rows:
        return []
    header, parts, size = rows[0], [[rows[0]]], 0
    for row in rows[1:]:
        length = sum(map(len, row))
        if size and size + length > MOST_TABLE_CHARACTERS:
            parts.append([header])
            size = 0
        parts[-1].append(row)
        size += length
    return [tuple(part) for part in parts]
