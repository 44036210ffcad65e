"""Pages with tables of five kinds, whose cells are known, and pages of prose that hold none."""

import random
from collections.abc import Callable, Sequence
from io import BytesIO

from msgspec import Struct
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table, TableStyle

KINDS = ("ruled", "plain", "spans", "wrapped", "booktabs")
Rows = tuple[tuple[str, ...], ...]

_WIDTH, _HEIGHT = A4
_NAMES = ("Aurora", "Borealis", "Cygnus", "Dorado", "Equuleus", "Fornax", "Gemini", "Hydra", "Lepus", "Musca", "Norma")
_CARGO = ("grain", "timber", "ore", "coal", "salt", "wool", "sugar", "cement", "fish", "rubber", "copper", "tea")
_PORTS = ("North quay", "South pier", "Old basin", "Dock 4", "Mole", "East wharf")
_TITLES = ("Vessel", "Cargo", "Tonnes", "Berth", "Crew", "Dues in EUR", "Share")
_SENTENCE = (
    "the harbour master keeps a record of every crane and of every vessel that it has served since the spring "
    "when the quay was dredged and the pilots moved to the new station by the lighthouse"
)
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9, leading=11)


class TablePage(Struct, frozen=True):
    """A page of one kind with the tables on it, from the top."""

    kind: str
    content: bytes
    tables: tuple[Rows, ...]


def table_pages(each: int = 8) -> list[TablePage]:
    """`each` pages of every kind; every fourth has two tables, every third stands beside a column of text."""
    return [_page(kind, number) for kind in KINDS for number in range(each)]


def prose_pages() -> list[bytes]:
    """Two columns, a table of contents, numbered lists, addresses side by side, a form letter with a signature."""
    return [_drawn(draw) for draw in (_columns, _contents, _lists, _addresses, _letter)]


def _page(kind: str, number: int) -> TablePage:
    chance = random.Random(f"{kind}{number}")
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=1)
    beside = number % 3 == 2
    top = _text(canvas, _sentences(chance, 3), 60, 60, 475)
    found = []
    for place in range(2 if number % 4 == 3 else 1):
        rows, table = _table(kind, chance, narrow=beside)
        top = _text(canvas, f"Table {place + 1}. {_sentences(chance, 1)}", 60, top + 16, 475)
        width, height = table.wrapOn(canvas, 475, 600)
        table.drawOn(canvas, 60, _HEIGHT - top - 8 - height)
        if beside:
            _text(canvas, _sentences(chance, 6), 60 + width + 30, top + 8, 445 - width)
        top += 14 + height
        found.append(rows)
    _text(canvas, _sentences(chance, 4), 60, max(top + 14, 330), 475)
    canvas.save()
    return TablePage(kind, written.getvalue(), tuple(found))


def _sentences(chance: random.Random, count: int) -> str:
    words = _SENTENCE.split()
    return " ".join(" ".join(chance.sample(words, 14)).capitalize() + "." for _ in range(count))


def _text(canvas: Canvas, text: str, left: float, top: float, width: float) -> float:
    """Draws a paragraph and returns where it ends, in points from the top."""
    paragraph = Paragraph(text, _BODY)
    _, height = paragraph.wrap(width, 600)
    paragraph.drawOn(canvas, left, _HEIGHT - top - height)
    return float(top + height)


def _table(kind: str, chance: random.Random, *, narrow: bool) -> tuple[Rows, Table]:
    columns = 3 if narrow else chance.randint(3, 6)
    rows = _cells(chance, columns, chance.randint(4, 9))
    style: list[tuple[object, ...]] = [("FONTSIZE", (0, 0), (-1, -1), 9), ("ALIGN", (2, 0), (2, -1), "RIGHT")]
    style.append(("VALIGN", (0, 0), (-1, -1), chance.choice(("TOP", "MIDDLE", "BOTTOM"))))
    if chance.random() < 0.5:
        style.append(("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"))
    printed: list[list[object]] = [list(row) for row in rows]
    if kind == "ruled":
        style.append(("GRID", (0, 0), (-1, -1), chance.choice((0.25, 0.5, 1)), colors.black))
        if chance.random() < 0.4:
            style.append(("BACKGROUND", (0, 0), (-1, 0), colors.lightgrey))
    elif kind == "spans":
        rows, printed = _spanned(rows, style)
    elif kind == "wrapped":
        rows, printed = _wrapped(rows, chance, style)
    elif kind == "booktabs":
        rows, printed = _two_headers(rows, chance, style)
    for down in range(1, len(rows)):
        if kind in ("ruled", "plain") and chance.random() < 0.15:
            rows[down][-1] = printed[down][-1] = ""
    widths: list[float] | None = None
    if narrow:
        widths = [70.0] * columns
    elif kind == "wrapped":
        widths = [475 / columns] * columns
    return tuple(map(tuple, rows)), Table(printed, colWidths=widths, style=TableStyle(style))


def _cells(chance: random.Random, columns: int, count: int) -> list[list[str]]:
    makers: tuple[Callable[[], str], ...] = (
        lambda: chance.choice(_NAMES),
        lambda: chance.choice(_CARGO),
        lambda: f"{chance.randint(20, 99_999):,}",
        lambda: chance.choice(_PORTS),
        lambda: str(chance.randint(2, 40)),
        lambda: f"{chance.random() * 3000:.2f}",
    )
    return [list(_TITLES[:columns]), *([make() for make in makers[:columns]] for _ in range(count))]


def _spanned(rows: list[list[str]], style: list[tuple[object, ...]]) -> tuple[list[list[str]], list[list[object]]]:
    """A title over two columns, and a first column whose cells span two rows; a cell that spans is repeated."""
    style.append(("GRID", (0, 0), (-1, -1), 0.5, colors.black))
    rows = [["Vessel", "Freight", "Freight", *rows[0][3:]], *rows]
    printed: list[list[object]] = [list(row) for row in rows]
    printed[0][2] = ""
    style.append(("SPAN", (1, 0), (2, 0)))
    for column in (0, *range(3, len(rows[0]))):
        style.append(("SPAN", (column, 0), (column, 1)))
        printed[1][column] = ""
    for down in range(2, len(rows) - 1, 2):
        style.append(("SPAN", (0, down), (0, down + 1)))
        rows[down + 1][0] = rows[down][0]
        printed[down + 1][0] = ""
    return rows, printed


def _wrapped(
    rows: list[list[str]], chance: random.Random, style: list[tuple[object, ...]]
) -> tuple[list[list[str]], list[list[object]]]:
    """The second column is a sentence; half of the tables have rules between rows, the others only space."""
    for row in rows[1:]:
        row[1] = " ".join(chance.sample(_SENTENCE.split(), chance.randint(4, 12)))
    if chance.random() < 0.4:
        style.append(("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.grey))
    elif chance.random() < 0.4:
        style.append(("GRID", (0, 0), (-1, -1), 0.4, colors.grey))
    printed: list[list[object]] = [[row[0], Paragraph(row[1], _BODY), *row[2:]] for row in rows]
    return rows, printed


def _two_headers(
    rows: list[list[str]], chance: random.Random, style: list[tuple[object, ...]]
) -> tuple[list[list[str]], list[list[object]]]:
    """Rules above, below the header and at the end; half of them have a title over two columns with its own rule."""
    head = 0
    printed: list[list[object]] = [list(row) for row in rows]
    if chance.random() < 0.5:
        rows = [["", "Freight", "Freight", *[""] * (len(rows[0]) - 3)], *rows]
        printed = [["", "Freight", "", *[""] * (len(rows[0]) - 3)], *printed]
        style += [("SPAN", (1, 0), (2, 0)), ("ALIGN", (1, 0), (2, 0), "CENTER")]
        style.append(("LINEBELOW", (1, 0), (2, 0), 0.4, colors.black))
        head = 1
    style += [("LINEABOVE", (0, 0), (-1, 0), 1, colors.black), ("LINEBELOW", (0, head), (-1, head), 0.5, colors.black)]
    style += [("LINEBELOW", (0, -1), (-1, -1), 1, colors.black), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return rows, printed


def _drawn(draw: Callable[[Canvas, random.Random], None]) -> bytes:
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=1)
    draw(canvas, random.Random(7))
    canvas.save()
    return written.getvalue()


def _lines(canvas: Canvas, texts: Sequence[str], left: float, top: float, pitch: float = 13) -> None:
    canvas.setFont("Helvetica", 10)
    for place, text in enumerate(texts):
        canvas.drawString(left, _HEIGHT - top - place * pitch, text)


def _columns(canvas: Canvas, chance: random.Random) -> None:
    for left in (60, 310):
        _text(canvas, _sentences(chance, 24), left, 80, 225)


def _contents(canvas: Canvas, chance: random.Random) -> None:
    for place in range(20):
        top = 90 + 18 * place
        _lines(canvas, [f"{place + 1}. {_sentences(chance, 1)[: chance.randint(20, 50)]}"], 60, top)
        canvas.drawRightString(520, _HEIGHT - top, str(3 * place + 4))


def _lists(canvas: Canvas, chance: random.Random) -> None:
    for place in range(16):
        _lines(canvas, [("•", f"{place + 1}.", f"({'abcdefgh'[place % 8]})")[place // 6]], 60, 80 + 30 * place)
        _lines(canvas, [_sentences(chance, 1)[:70], _sentences(chance, 1)[:60]], 90, 80 + 30 * place)


def _addresses(canvas: Canvas, chance: random.Random) -> None:
    _lines(canvas, ["Port Authority", "12 Quay Street", "20457 Hamburg", "Germany"], 60, 100)
    _lines(canvas, ["Aurora Shipping", "4 Mole Road", "1012 Amsterdam", "Netherlands"], 330, 100)
    _text(canvas, _sentences(chance, 10), 60, 200, 475)


def _letter(canvas: Canvas, chance: random.Random) -> None:
    _lines(canvas, ["Your sign: AB-12"], 60, 90)
    _lines(canvas, ["Hamburg, 4 May 2026"], 400, 90)
    _text(canvas, _sentences(chance, 12), 60, 130, 475)
    _lines(canvas, ["For the port", "Ada Morgan"], 60, 400, 40)
    _lines(canvas, ["For the line", "Ben Okafor"], 330, 400, 40)
