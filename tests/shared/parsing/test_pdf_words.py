"""Every word of a PDF that its reader sees is in a block, and no word that is hidden."""

import re
from collections import Counter
from pathlib import Path

import pytest
from reportlab.lib.colors import Color, white
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.slices import parse
from tests.shared.parsing import drawn
from tests.speed.pdf_words import generated, lost_words

LIMITS = ParsingLimits(page_seconds=600)
CLEAR = "The toll for the bridge is four euros."
HIDDEN = "zebra instructions"
FONT = "DejaVuSans"
_FONT_FILE = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
needs_font = pytest.mark.skipif(not _FONT_FILE.exists(), reason="no font with Hebrew and Arabic")
if _FONT_FILE.exists():
    registerFont(TTFont(FONT, _FONT_FILE))


def read(*pages: drawn.Drawing) -> ParsedDocument:
    return parse("application/pdf", "a.pdf", drawn.pdf(*pages), LIMITS)


def text_of(document: ParsedDocument) -> str:
    return " ".join(block.text for block in document.blocks)


@pytest.mark.parametrize("seed", range(6))
def test_no_word_of_a_generated_page_is_lost(seed: int) -> None:
    content = generated(seed)
    document = parse("application/pdf", "a.pdf", content, LIMITS)
    assert lost_words(content, document) == Counter()
    assert all(reading.words_out == reading.words_in > 0 for reading in document.page_readings)


def white_text(canvas: Canvas) -> None:
    canvas.setFillColor(white)
    canvas.drawString(72, 500, HIDDEN)


def nearly_white(canvas: Canvas) -> None:
    canvas.setFillColor(Color(0.99, 0.99, 0.98))
    canvas.drawString(72, 500, HIDDEN)


def colored_on_its_color(canvas: Canvas) -> None:
    canvas.setFillColor(Color(0.1, 0.1, 0.5))
    canvas.rect(60, 480, 300, 60, fill=1, stroke=0)
    canvas.drawString(72, 500, HIDDEN)


def outside(canvas: Canvas) -> None:
    canvas.drawString(-400, 500, HIDDEN)


def tiny(canvas: Canvas) -> None:
    canvas.setFontSize(0.3)
    canvas.drawString(72, 500, HIDDEN)


def unpainted(canvas: Canvas) -> None:
    text = canvas.beginText(72, 500)
    text.setTextRenderMode(3)
    text.textLine(HIDDEN)
    canvas.drawText(text)


def transparent(canvas: Canvas) -> None:
    canvas.setFillAlpha(0)
    canvas.drawString(72, 500, HIDDEN)


def covered(canvas: Canvas) -> None:
    canvas.drawString(72, 500, HIDDEN)
    canvas.setFillColor(white)
    canvas.rect(60, 480, 300, 60, fill=1, stroke=0)


@pytest.mark.parametrize(
    "hide", [white_text, nearly_white, colored_on_its_color, outside, tiny, unpainted, transparent, covered]
)
def test_hidden_words_are_counted_and_left_out(hide: drawn.Drawing) -> None:
    document = read(drawn.together(drawn.lines(CLEAR), hide))
    assert (text_of(document), document.hidden_words) == (CLEAR, 2)


_CLEAR = b"BT /F 12 Tf 72 760 Td (The toll for the bridge is four euros.) Tj ET "
_HIDDEN = b"BT /F 12 Tf 72 500 Td (zebra instructions) Tj ET "
_SEEN = b"BT /F 12 Tf 72 500 Td (Closed on Mondays) Tj ET "


@pytest.mark.parametrize(
    ("content", "seen", "hidden_words"),
    [
        (b"0 0 10 10 re W n " + _HIDDEN, "", 2),  # outside of what it is clipped to
        (b"0 0 105 800 re W n " + _HIDDEN, "zebra", 1),
        (b"300 300 m 400 300 l 350 400 l h W n " + _HIDDEN, "", 2),
        (b"0 0 600 800 re 60 480 200 60 re W* n " + _HIDDEN, "", 2),
        (b"0 0 10 10 re W n /Form Do", "", 2),
        (b"", "", 0),  # a form that is not drawn
        (_HIDDEN + b"q 300 0 0 60 60 480 cm /Photo Do Q", "", 2),  # below a picture
        (b"q 300 0 0 60 60 480 cm /Photo Do Q 1 g " + _SEEN, "Closed on Mondays", 0),
        (b"BT /T 12 Tf 72 500 Td (abcdef) Tj ET", "", 1),  # glyphs without a shape
        (b"/Clear gs " + _HIDDEN, "", 2),
        (b"/Masked gs " + _HIDDEN, "", 2),
        (b"BT 7 Tr ET " + _HIDDEN, "", 2),
        (b"1 G BT 1 Tr ET " + _HIDDEN, "", 2),  # outlines in white
        (b"1 g 0 G BT 2 Tr ET " + _SEEN, "Closed on Mondays", 0),
        (b"/Span <</ActualText(zebra instructions)>> BDC " + _SEEN + b"EMC", "Closed on Mondays", 2),
        (b"/Span <</ActualText(Closed on Mon days)>> BDC " + _SEEN + b"EMC", "Closed on Mon days", 0),
    ],
)
def test_what_a_reader_sees_decides_which_words_are_read(content: bytes, seen: str, hidden_words: int) -> None:
    document = parse("application/pdf", "a.pdf", drawn.painted(_CLEAR + content), LIMITS)
    assert (text_of(document), document.hidden_words) == (f"{CLEAR} {seen}".strip(), hidden_words)


def test_text_in_place_of_glyphs_is_not_read_beside_a_table_either() -> None:
    def draw(canvas: Canvas) -> None:
        drawn.table_page()(canvas)
        canvas._code.append(f"/Span <</ActualText ({HIDDEN})>> BDC")
        canvas.drawString(72, 250, CLEAR)
        canvas._code.append("EMC")

    document = read(draw)
    assert CLEAR in text_of(document) and "zebra" not in text_of(document)
    assert document.hidden_words == 2 and all(page.words_in == page.words_out for page in document.page_readings)


def test_light_text_on_a_dark_ground_is_read() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rect(60, 480, 300, 60, fill=1)
        canvas.setFillColor(white)
        canvas.drawString(72, 500, "Closed on Mondays")

    document = read(drawn.together(drawn.lines(CLEAR), draw))
    assert "Closed on Mondays" in text_of(document) and document.hidden_words == 0


def test_the_values_of_fields_stand_beside_their_labels() -> None:
    def draw(canvas: Canvas) -> None:
        drawn.lines("Owner:", "Engine:", "Insured:", top=60, pitch=40)(canvas)
        form, height = canvas.acroForm, drawn.HEIGHT
        form.textfield(name="owner", value="Ingrid Solberg", x=200, y=height - 76, width=150, height=20)
        form.choice(
            name="engine", value="diesel", options=["diesel", "petrol"], x=200, y=height - 116, width=90, height=20
        )
        form.checkbox(name="insured", checked=True, x=200, y=height - 154, size=16)

    text = " ".join(text_of(read(draw)).replace("|", " ").replace("---", " ").split())
    assert re.findall(r"\S+: (?:☒|\w+ Solberg|\w+)", text) == ["Owner: Ingrid Solberg", "Engine: diesel", "Insured: ☒"]


def test_the_address_of_a_link_stands_behind_its_words() -> None:
    def draw(canvas: Canvas) -> None:
        drawn.lines("tide tables", top=60)(canvas)
        canvas.linkURL("https://tides.example/tables", (70, drawn.HEIGHT - 76, 140, drawn.HEIGHT - 56))

    assert "tide tables (https://tides.example/tables)" in text_of(read(draw))


def test_a_table_printed_sideways_keeps_its_rows() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rotate(90)
        for down, row in enumerate(drawn.TABLE):
            for across, cell in enumerate(row):
                canvas.drawString(80 + 150 * across, -100 - 20 * down, cell)

    assert [block.rows for block in read(draw).blocks] == [drawn.TABLE]


def test_a_line_at_the_edge_of_one_page_is_not_a_running_head() -> None:
    document = read(drawn.text_page(1), drawn.together(drawn.lines("Case 44/2026 B", top=30), drawn.lines(CLEAR)))
    assert "Case 44/2026 B" in text_of(document)


def from_right(*lines: str) -> drawn.Drawing:
    """Draws lines of Hebrew or Arabic as they are seen, from the left."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont(FONT, 12)
        for place, line in enumerate(lines):
            canvas.drawRightString(520, drawn.HEIGHT - 72 - 20 * place, line[::-1])

    return draw


@needs_font
@pytest.mark.parametrize(
    ("seen", "read_as"),
    [
        ("\ufe8d\ufedf\ufeb4\ufefc\ufee1", "السلام"),
        ("\ufe8d\ufef7\ufeed\ufefb\ufea9", "الأولاد"),
        ("\ufef5 \ufef7 \ufef9", "لآ لأ لإ"),
        ("\ufb2a\u05dc\u05d5\u05dd", "\u05e9\u05c1\u05dc\u05d5\u05dd"),
        ("שלום )עולם(", "שלום (עולם)"),  # a bracket is drawn as its mirror
    ],
)
def test_letters_of_a_form_from_right_to_left_are_in_reading_order(seen: str, read_as: str) -> None:
    assert read_as in text_of(read(from_right(seen)))


@needs_font
def test_the_columns_of_a_table_from_right_to_left_are_read_from_the_right() -> None:
    rows = (("اسم", "ميناء كبير", "رسم"), ("نورس", "شمال", "12"), ("سنونو", "جنوب", "340"), ("بجع", "شرق", "7"))

    def draw(canvas: Canvas) -> None:
        from_right("\ufe8d\ufedf\ufeb4\ufefc\ufee1 שׁלום")(canvas)
        for down, row in enumerate(rows):
            for across, cell in enumerate(row):
                canvas.drawRightString(520 - 150 * across, 600 - 20 * down, cell if cell.isdigit() else cell[::-1])

    blocks = read(draw).blocks
    assert [block.rows for block in blocks if block.kind == "table"] == [rows]
    assert [block.text for block in blocks if block.kind != "table"] == ["السلام שׁלום"]


_TEMPLATE = b"""<template xmlns="http://www.xfa.org/schema/xfa-template/3.3/"><subform>
<draw><value><text>Boat registration</text></value></draw>
<field name="owner"><caption><value><text>Owner</text></value></caption></field>
<field name="trap" presence="hidden"><caption><value><text>zebra</text></value></caption></field>
</subform></template>"""
_DATA = b"""<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><xfa:data><form>
<owner>Sigrid Moe</owner><fuel>hydrogen</fuel><trap>instructions</trap></form></xfa:data></xfa:datasets>"""


@pytest.mark.parametrize(
    ("packets", "lines"),
    [
        ((b"<xdp>", _TEMPLATE, _DATA, b"</xdp>"), ["Boat registration", "Owner: Sigrid Moe", "fuel: hydrogen"]),
        ((b"<xdp>" + _TEMPLATE + _DATA + b"</xdp>",), ["Boat registration", "Owner: Sigrid Moe", "fuel: hydrogen"]),
        ((b"<xdp <<<",), []),
        ((b"",), []),
    ],
)
def test_a_form_in_xml_is_read_with_what_was_filled_in(packets: tuple[bytes, ...], lines: list[str]) -> None:
    document = parse("application/pdf", "a.pdf", drawn.xml_form(*packets), LIMITS)
    assert [block.text for block in document.blocks] == ["Please wait", *lines]
