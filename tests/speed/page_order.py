"""Counts where generated pages with tables are read in another order than they are printed.

    python -m tests.speed.page_order [COUNT]

A page has one or two columns, tables in a column or across the page, short paragraphs, captions, lists, footnotes and
notes at the side. A fault is a part of the page that is read before the part that precedes it, or not at all.
"""

import random
import re
import sys
from collections.abc import Sequence
from io import BytesIO

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table, TableStyle

from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.slices import parse

WIDTH, HEIGHT = A4
_STEMS = ("harbour", "crane", "vessel", "anchor", "tide", "cargo", "pilot", "quay", "barge", "lantern", "winch", "rope")
_PARTS = ("long", "short", "table", "long", "captioned", "heading", "long", "list", "short", "table", "long")
_PAGE = (60.0, WIDTH - 60)
_LEFT, _RIGHT = (60.0, 285.0), (310.0, WIDTH - 60)
_NOTES = (440.0, WIDTH - 50)
Span = tuple[float, float]


class OrderedPage:
    """A page whose parts are known in reading order: `parts` are their words, which all differ."""

    def __init__(self, seed: int) -> None:
        self.has_columns = seed % 2 == 1
        self.parts: list[list[str]] = []
        self._random = random.Random(seed)
        self._written = BytesIO()
        self._canvas = Canvas(self._written, pagesize=A4, invariant=1)
        self._count = 0
        self._size = self._random.choice((9, 10, 11))

    def content(self) -> bytes:
        self._canvas.save()
        return self._written.getvalue()

    def part(self, kind: str, span: Span, top: float) -> float:
        """Draws a part between two places across the page and returns where it ends, in points from the top."""
        self.parts.append([])
        if kind == "table":
            return self._drawn(self._table(span), span, top)
        if kind == "captioned":
            top = self._drawn(self._table(span), span, top)
            self.parts.append([])
            return self._text(5, span, top - 4, size=self._size - 1)
        if kind == "list":
            for _ in range(3):
                top = self._text(5, span, top, before="• ") - 4
            return top + 4
        if kind == "heading":
            return self._text(3 if span != _PAGE else 8, span, top, size=self._size + 4)
        return self._text(self._random.randint(2, 5) if kind == "short" else self._random.randint(22, 40), span, top)

    def note(self, span: Span, top: float) -> None:
        """Draws a note at the side, which may stand anywhere in the order."""
        self._drawn(self._paragraph(self._words(9, []), 8), span, top)

    def footnote(self, span: Span) -> None:
        self.parts.append([])
        self._text(12, span, HEIGHT - 80, size=7)

    def _text(self, count: int, span: Span, top: float, size: float | None = None, before: str = "") -> float:
        words = self._words(count, self.parts[-1])
        return self._drawn(self._paragraph(before + words, size or self._size), span, top)

    def _paragraph(self, text: str, size: float) -> Paragraph:
        return Paragraph(text, ParagraphStyle("text", fontName="Helvetica", fontSize=size, leading=1.25 * size))

    def _drawn(self, flowable: Flowable, span: Span, top: float) -> float:
        _, height = flowable.wrapOn(self._canvas, span[1] - span[0], HEIGHT)
        flowable.drawOn(self._canvas, span[0], HEIGHT - top - height)
        return float(top + height + 10)

    def _words(self, count: int, into: list[str]) -> str:
        names = [f"{self._random.choice(_STEMS)}{self._count + place}" for place in range(count)]
        self._count += count
        into += names
        return " ".join(names)

    def _table(self, span: Span) -> Table:
        columns = self._random.randint(2, 3 if span[1] - span[0] < 300 else 5)
        rows = [[self._words(1, self.parts[-1]) for _ in range(columns)]]
        for _ in range(self._random.randint(2, 5)):
            rows.append([self._words(1, self.parts[-1]), *(f"{self._random.random():.2f}" for _ in range(columns - 1))])
        rule = self._random.choice((("GRID", 0), ("NONE", 0), ("LINEABOVE", 0), ("LINEABOVE", -1)))
        style: list[tuple[object, ...]] = [("FONTSIZE", (0, 0), (-1, -1), self._size)]
        if rule[0] == "GRID":
            style.append(("GRID", (0, 0), (-1, -1), 0.5, colors.black))
        elif rule[0] == "LINEABOVE":
            style += [
                ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
                ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
                ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
            ]
        share = 1.0 if self.has_columns and span == _PAGE else self._random.choice((0.5, 0.7, 1.0))
        width = max((span[1] - span[0]) * share / columns, 74)
        align = self._random.choice(("LEFT", "CENTER"))
        return Table(rows, colWidths=[width] * columns, style=TableStyle(style), hAlign=align)


def ordered_page(seed: int) -> tuple[bytes, Sequence[Sequence[str]]]:
    """Returns a PDF of one page and the words of its parts in reading order."""
    page, chance = OrderedPage(seed), random.Random(f"order{seed}")
    top = 60.0
    if chance.random() < 0.6:
        top = page.part("heading", _PAGE, top) + 8
    if page.has_columns:
        _two_columns(page, chance, top)
    else:
        _one_column(page, chance, top)
    if chance.random() < 0.4:
        page.footnote(_PAGE)
    return page.content(), page.parts


def _one_column(page: OrderedPage, chance: random.Random, top: float) -> None:
    noted = chance.random() < 0.3
    span = (_PAGE[0], _NOTES[0] - 25) if noted else _PAGE
    first = chance.randrange(len(_PARTS))
    for place in range(chance.randint(3, 7)):
        if noted and place % 2:
            page.note(_NOTES, top)
        top = page.part(_PARTS[(first + place) % len(_PARTS)], span, top)
        if top > HEIGHT - 230:
            break


def _two_columns(page: OrderedPage, chance: random.Random, top: float) -> None:
    """Two columns once, or twice with a table or a heading across the page between them."""
    divider = chance.choice(("", "", "table", "captioned", "heading", "end"))
    if chance.random() < 0.3:
        top = page.part("table", _PAGE, top)
    if divider in ("", "end"):
        top = _columns(page, chance, top, HEIGHT - (280 if divider else 200))
        if divider:
            page.part("table", _PAGE, top)
        return
    top = _columns(page, chance, top, top + 170)
    top = page.part(divider, _PAGE, top)
    _columns(page, chance, top, HEIGHT - 200)


def _columns(page: OrderedPage, chance: random.Random, top: float, until: float) -> float:
    ends = []
    for span in (_LEFT, _RIGHT):
        down = page.part("long", span, top)
        first = chance.randrange(len(_PARTS))
        for place in range(chance.randint(1, 5)):
            if down > until:
                break
            down = page.part(_PARTS[(first + place) % len(_PARTS)], span, down)
        ends.append(down)
    return max(ends)


def order_faults(parts: Sequence[Sequence[str]], document: ParsedDocument) -> int:
    """Returns how many parts are read before the part that precedes them, in pieces, or not at all."""
    read = {word: place for place, word in enumerate(re.findall(r"\w+", " ".join(b.text for b in document.blocks)))}
    faults, last = 0, -1
    for words in parts:
        places = [read.get(word, -1) for word in words]
        faults += min(places) <= last or max(places) - min(places) > 4 * len(places) + 40
        last = max(last, *places)
    return faults


def main(count: int) -> None:
    pages = [0, 0]
    faults = [0, 0]
    for seed in range(count):
        content, parts = ordered_page(seed)
        found = order_faults(parts, parse("application/pdf", "a.pdf", content, ParsingLimits(page_seconds=600)))
        pages[seed % 2] += found > 0
        faults[seed % 2] += found
        if found:
            print(f"page {seed}: {found} faults")
    for columns, (wrong, total) in enumerate(zip(pages, faults, strict=True), 1):
        print(f"{columns} columns: {total} faults on {wrong} of {(count + 2 - columns) // 2} pages")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
