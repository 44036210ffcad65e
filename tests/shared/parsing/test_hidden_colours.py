"""Text of texts and sheets in the colour of what stands behind it is counted and not read, any other is."""

import re
import struct

import docx
from docx.oxml import parse_xml
from openpyxl import Workbook
from openpyxl.styles import Color, Font, PatternFill

from shared.parsing.dispatch import parse
from shared.parsing.limits import ParsingLimits
from tests.documents.compound import compound
from tests.documents.make import saved
from tests.documents.routed import read, text_of
from tests.shared.parsing.test_office_words import W
from tests.shared.parsing.test_old_workbooks import begin, record, shared

WHITE, DARK = '<w:color w:val="FFFFFF"/>', '<w:color w:val="003366"/>'
SHADE = '<w:shd w:val="clear" w:color="auto" w:fill="{}"/>'.format
RUN = "<w:r><w:rPr>{}</w:rPr><w:t>NAME</w:t></w:r>".format
DARK_STYLE = f'<w:style {W} w:type="paragraph" w:styleId="Dark"><w:pPr>{SHADE("003366")}</w:pPr></w:style>'


def paragraph(run: str, shade: str = "") -> str:
    return f"<w:p {W}><w:pPr>{shade}</w:pPr>{RUN(run)}</w:p>"


def cell(run: str, shade: str) -> str:
    head = f"<w:tbl {W}><w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:tc><w:tcPr>{shade}</w:tcPr>"
    return f"{head}<w:p>{RUN(run)}</w:p></w:tc></w:tr></w:tbl>"


HIDDEN = [
    paragraph(WHITE),
    paragraph(WHITE + SHADE("FFFFFF")),
    paragraph(WHITE + SHADE("auto")),
    paragraph(DARK + SHADE("003366")),
    paragraph(DARK, SHADE("013266")),
    paragraph(WHITE, SHADE("FEFEFE")),
    paragraph(WHITE + '<w:highlight w:val="white"/>', SHADE("003366")),
    cell(DARK, SHADE("003366")),
    cell(WHITE, SHADE("auto")),
    paragraph('<w:color w:val="auto" w:themeColor="background1"/>'),
]
VISIBLE = [
    paragraph(WHITE, SHADE("003366")),
    paragraph(WHITE, '<w:pStyle w:val="Dark"/>'),
    paragraph(WHITE + SHADE("003366"), SHADE("FFFFFF")),
    paragraph(WHITE + '<w:highlight w:val="darkBlue"/>'),
    paragraph(WHITE + '<w:shd w:val="pct50" w:color="auto" w:fill="FFFFFF"/>'),
    paragraph('<w:color w:val="auto"/>' + SHADE("000000")),
    cell(WHITE, SHADE("003366")),
    paragraph(DARK),
]


def test_a_word_of_a_text_is_read_where_it_has_another_colour_than_its_ground() -> None:
    document = docx.Document()
    document.styles.element.append(parse_xml(DARK_STYLE))
    for name, elements in (("hidden", HIDDEN), ("visible", VISIBLE)):
        for number, element in enumerate(elements):
            document.element.body.insert(-1, parse_xml(element.replace("NAME", f"{name}{number}")))
    found = read("a.docx", saved(document))
    assert re.findall(r"\w+\d", text_of(found)) == [f"visible{number}" for number in range(len(VISIBLE))]
    assert found.hidden_words == len(HIDDEN)


def test_a_word_of_a_sheet_is_read_where_it_has_another_colour_than_its_cell() -> None:
    cases: list[tuple[str, str | Color, str | None]] = [
        ("hidden", "FFFFFFFF", None),
        ("hidden", "FF003366", "FF003366"),
        ("hidden", Color(theme=0), "FFFFFFFF"),
        ("hidden", Color(indexed=8), "FF000000"),
        ("visible", "FFFFFFFF", "FF003366"),
        ("visible", Color(theme=0, tint=-0.5), None),
        ("visible", "FF003366", None),
    ]
    book = Workbook()
    for number, (name, font, fill) in enumerate(cases, 1):
        book.active.append([f"{name}{number}"])
        book.active[f"A{number}"].font = Font(color=font)
        if fill:
            book.active[f"A{number}"].fill = PatternFill("solid", fgColor=fill)
    found = read("a.xlsx", saved(book))
    assert re.findall(r"\w+\d", text_of(found)) == ["visible5", "visible6", "visible7"] and found.hidden_words == 4


def test_an_old_sheet_shows_powers_and_no_words_in_the_colour_of_their_cell() -> None:
    def style(font: int, pattern: int, colour: int) -> bytes:
        return record(0xE0, struct.pack("<HH", font, 0) + bytes(10) + struct.pack("<IH", pattern << 26, colour))

    fonts = ((8, 0), (56, 0), (8, 1), (8, 0), (8, 2))  # the colour, and where the letters stand; there is no font 4
    looks = (struct.pack("<HHHHH", 200, 0, each, 400, script) + bytes(4) for each, script in fonts)
    front = b"".join(record(0x31, look) for look in looks)
    front += style(0, 0, 0) + style(1, 1, 56) + style(1, 1, 57) + style(1, 2, 56)
    texts: list[tuple[str, tuple[tuple[int, int], ...]]] = [("10 and 106 m", ((9, 2), (10, 0))), ("xi", ((1, 5),))]
    texts.append(("tested words", ()))
    strings = struct.pack("<II", len(texts), len(texts))
    for text, runs in texts:
        strings += struct.pack("<HBH", len(text), 8, len(runs)) + text.encode()
        strings += b"".join(struct.pack("<HH", *run) for run in runs)
    front = begin(5) + front + record(0xFC, strings)
    place = len(front) + 4 + 8 + len("Oslo") + 4
    front += record(0x85, struct.pack("<IBBBB", place, 0, 0, 4, 0) + b"Oslo") + record(0x0A, b"")
    cells = shared(0, 0, 0) + shared(1, 0, 1)
    cells += shared(2, 1, 0, 1) + shared(2, 1, 1, 2) + shared(2, 1, 2, 3)
    content = compound({"Workbook": front + begin(16) + cells + record(0x0A, b"")})
    document = parse("legacy", "application/vnd.ms-excel", "a.xls", content, ParsingLimits())
    (table,) = (block.rows for block in document.blocks if block.rows)
    assert table == (("10 and 10^6 m", "x_i", ""), ("", "tested words", "tested words")) and document.hidden_words == 2
