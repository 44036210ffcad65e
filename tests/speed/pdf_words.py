"""Counts the words of generated PDFs that are missing from their documents.

    python -m tests.speed.pdf_words [COUNT]

The words of a file are those that PDFium's own text extraction returns for its pages.
"""

import random
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from io import BytesIO

import pypdfium2
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.slices import parse

WIDTH, HEIGHT = A4
_STEMS = ("harbour", "crane", "vessel", "anchor", "tide", "cargo", "pilot", "quay", "barge", "lantern", "winch", "rope")
TABLES = ("ruled", "plain", "booktabs", "wrapped", "spans")
KINDS = (*(f"{kind}-table" for kind in TABLES), "columns", "rotated", "sideways", "header", "footnote")


class Writer:
    """Draws words that all differ, so that a lost one is found."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.written = BytesIO()
        self.canvas = Canvas(self.written, pagesize=A4, invariant=1)
        self._words = 0

    def words(self, count: int) -> str:
        self._words += count
        first = self._words - count
        return " ".join(f"{self.random.choice(_STEMS)}{place}" for place in range(first, self._words))

    def paragraph(self, left: float, top: float, lines: int, words: int = 8, size: float = 10) -> None:
        self.canvas.setFont("Helvetica", size)
        for place in range(lines):
            self.canvas.drawString(left, HEIGHT - top - place * 1.3 * size, self.words(words))

    def table(self, kind: str, top: float) -> None:
        columns, rows = self.random.randint(2, 4), self.random.randint(3, 7)
        width, height = 440 / columns, 34 if kind == "wrapped" else 20
        self.canvas.setFont("Helvetica", 10)
        for down in range(rows):
            y = HEIGHT - top - down * height
            for across in range(columns):
                if kind == "spans" and across == 0 and down % 2 == 0 and down:
                    continue
                self.canvas.drawString(76 + across * width, y, self.words(1))
                if kind == "wrapped":
                    self.canvas.drawString(76 + across * width, y - 12, self.words(1))
            if kind in ("ruled", "wrapped", "spans") or (kind == "booktabs" and down < 2):
                self.canvas.line(72, y + 14, 512, y + 14)
        if kind != "plain":
            self.canvas.line(72, HEIGHT - top - rows * height + 14, 512, HEIGHT - top - rows * height + 14)
        if kind == "ruled":
            for across in range(columns + 1):
                x = 72 + across * width
                self.canvas.line(x, HEIGHT - top + 14, x, HEIGHT - top - rows * height + 14)


def generated(seed: int) -> bytes:
    """Returns a PDF with a page of one of `KINDS`, by turns."""
    writer, kind = Writer(seed), KINDS[seed % len(KINDS)]
    if kind == "rotated":
        writer.canvas.setPageRotation(writer.random.choice((90, 180, 270)))
    _BODIES.get(kind, _table_page)(writer, kind)
    writer.canvas.save()
    return writer.written.getvalue()


def _table_page(writer: Writer, kind: str) -> None:
    writer.paragraph(72, 80, 3)
    writer.table(kind.removesuffix("-table"), 170)
    writer.paragraph(72, 460, 3)


def _columns(writer: Writer, kind: str) -> None:
    writer.paragraph(72, 40, 1, words=4)
    writer.paragraph(60, 80, 30, words=4)
    writer.paragraph(320, 80, 30, words=4)


def _sideways(writer: Writer, kind: str) -> None:
    writer.paragraph(72, 80, 3)
    writer.canvas.rotate(90)
    writer.canvas.translate(150, -HEIGHT - 100)
    writer.table("plain", 170)


def _header(writer: Writer, kind: str) -> None:
    writer.paragraph(72, 30, 1, words=3, size=8)
    writer.paragraph(72, 100, 12)
    writer.paragraph(72, HEIGHT - 30, 1, words=2, size=8)


def _footnote(writer: Writer, kind: str) -> None:
    writer.paragraph(72, 80, 20)
    writer.canvas.line(72, 120, 200, 120)
    writer.paragraph(72, HEIGHT - 100, 2, size=7)


_BODIES: dict[str, Callable[[Writer, str], None]] = {
    "columns": _columns,
    "sideways": _sideways,
    "header": _header,
    "footnote": _footnote,
}


def lost_words(content: bytes, document: ParsedDocument) -> Counter[str]:
    """Returns the words of the file that are missing from its document."""
    pages = pypdfium2.PdfDocument(content)
    texts = [page.get_textpage().get_text_bounded() for page in pages]
    return _counted(" ".join(texts)) - _counted(" ".join(block.text for block in document.blocks))


def _counted(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def main(count: int) -> None:
    lost: Counter[str] = Counter()
    for seed in range(count):
        content = generated(seed)
        document = parse("application/pdf", "a.pdf", content, ParsingLimits(page_seconds=600))
        missing = lost_words(content, document).total()
        lost[KINDS[seed % len(KINDS)]] += missing
    for kind in KINDS:
        print(f"{kind:16} {lost[kind]} words lost")
    print(f"{count} files, {lost.total()} words lost")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
