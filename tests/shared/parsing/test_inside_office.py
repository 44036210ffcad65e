"""Equations, charts and documents inside of office documents, and what these hide."""

import struct
from typing import Any

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from lxml import etree
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font, PatternFill
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from shared.parsing.dispatch import parse
from shared.parsing.document import ParsedDocument
from shared.parsing.equations import mathml_text, omml_text
from shared.parsing.limits import ParsingLimits
from tests.documents.compound import compound
from tests.documents.make import saved
from tests.documents.routed import text_of

OFFICE = "application/vnd.openxmlformats-officedocument"
WORD, SLIDES = f"{OFFICE}.wordprocessingml.document", f"{OFFICE}.presentationml.presentation"
SHEET = f"{OFFICE}.spreadsheetml.sheet"
PACKAGE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/package"
M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A14 = 'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"'


def read(media_type: str, document: Any) -> ParsedDocument:
    return parse("docling", media_type, "a", saved(document), ParsingLimits())


def letters(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def part(name: str, text: str) -> str:
    return f"<m:{name}>{letters(text)}</m:{name}>"


FRACTION = f"<m:f>{part('num', 'mass')}{part('den', 'volume')}</m:f>"
SUM = f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>{part("sub", "i=1")}{part("sup", "n")}{part("e", "x")}</m:nary>'


@pytest.mark.parametrize(
    ("equation", "text"),
    [
        (letters("p=") + FRACTION, "p= mass/volume"),
        (f"<m:sSup>{part('e', 'x')}{part('sup', 'n+1')}</m:sSup>", "x^(n+1)"),
        (f"<m:rad>{part('deg', '3')}{part('e', 'x')}</m:rad>", "root(3, x)"),
        (SUM, "sum_(i=1)^n x"),
        (f"<m:d>{part('e', 'a')}</m:d>", "(a)"),
        (f"<m:m><m:mr>{part('e', 'a')}{part('e', 'b')}</m:mr><m:mr>{part('e', 'c')}</m:mr></m:m>", "[a, b; c]"),
    ],
)
def test_an_equation_is_a_line_of_text(equation: str, text: str) -> None:
    assert omml_text(etree.fromstring(f"<m:oMath {M}>{equation}</m:oMath>")) == text


def test_an_equation_of_mathml_is_a_line_of_text() -> None:
    inner = "<msub><mi>v</mi><mn>0</mn></msub><mo>+</mo><msqrt><mi>g</mi></msqrt><mfrac><mi>a</mi><mi>b</mi></mfrac>"
    equation = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inner}</math>'
    assert mathml_text(etree.fromstring(equation)) == "v_0+sqrt(g) a/b"


def test_equations_and_embedded_documents_of_a_text_are_read() -> None:
    document = docx.Document()
    run = "<w:r><w:t>{}</w:t></w:r>"
    inline = f"<w:p {W} {M}>{run.format('Density:')}<m:oMath>{FRACTION}</m:oMath>{run.format('end.')}</w:p>"
    document.element.body.insert(-1, parse_xml(inline))
    book = Workbook()
    book.active.append(["Article", "Price"])
    book.active.append(["Rope", 12.5])
    note = b"Note words."
    native = bytes(6) + b"note.txt\0C:\\note.txt\0" + struct.pack("<II", 3, 2) + b"x\0" + struct.pack("<I", len(note))
    files = {"prices.xlsx": saved(book), "oleObject1.bin": compound({"\x01Ole10Native": native + note})}
    for name, content in files.items():
        embedded = Part(PackURI(f"/word/embeddings/{name}"), "application/octet-stream", content, document.part.package)
        document.part.relate_to(embedded, PACKAGE)
    text = text_of(read(WORD, document))
    assert "Density: mass/volume end." in " ".join(text.split())
    assert "prices.xlsx" in text and "| Rope | 12.5 |" in text and "note.txt\nNote words." in text


def test_slides_show_equations_titles_of_axes_and_no_white_text() -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["North"]
    data.add_series("Cargo", (12.5,))  # type: ignore[no-untyped-call]
    place = (Inches(1), Inches(1), Inches(5), Inches(3))
    axis = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart.value_axis
    axis.has_title = True
    axis.axis_title.text_frame.text = "kilotonnes"
    box = slide.shapes.add_textbox(*place).text_frame
    box.text = "Density:"
    math = f"<a14:m {A14} {M}><m:oMath>{FRACTION}</m:oMath></a14:m>"
    box.paragraphs[0]._p.append(etree.fromstring(math))
    plain, dark = show.slides.add_slide(show.slide_layouts[6]), show.slides.add_slide(show.slide_layouts[6])
    dark.background.fill.solid()
    dark.background.fill.fore_color.rgb = RGBColor(0, 51, 102)  # type: ignore[no-untyped-call]
    for each, words in ((plain, "secret words"), (dark, "open words")):
        run = each.shapes.add_textbox(*place).text_frame.paragraphs[0].add_run()
        run.text = words
        run.font.color.rgb = RGBColor(255, 255, 255)  # type: ignore[no-untyped-call]
    document = read(SLIDES, show)
    text = text_of(document)
    assert "kilotonnes" in text and "Density: mass/volume" in " ".join(text.split()) and "12.5" in text
    assert "secret" not in text and "open words" in text and document.hidden_words == 2


def test_sheets_show_charts_and_neither_hidden_sheets_nor_white_cells() -> None:
    book = Workbook()
    sheet = book.active
    for row in (["Quay", "Tonnes"], ["North", 3], ["white secret", 4711], ["on dark", 5]):
        sheet.append(row)
    for cell in (sheet["A3"], sheet["A4"]):
        cell.font = Font(color="FFFFFFFF")
    sheet["A4"].fill = PatternFill("solid", fgColor="FF003366")
    sheet["B3"].number_format = ";;;"
    chart = BarChart()
    chart.y_axis.title = "kilotonnes"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2), titles_from_data=True)
    sheet.add_chart(chart, "E5")
    book.create_sheet("Archive").append(["secret sheet"])
    book["Archive"].sheet_state = "hidden"
    document = read(SHEET, book)
    text = text_of(document)
    assert "secret" not in text and "4711" not in text and "Archive" not in text
    assert "on dark" in text and "kilotonnes" in text and document.hidden_words == 5


def test_a_sheet_too_large_for_docling_is_read_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "Oslo"
    for row in (["Region", "Share", "Net"], ["North", 0.25, "=B2*2"], ["Old secret", 1, 1], [], ["Fine", True, "x"]):
        sheet.append(row)
    sheet["B2"].number_format = "0%"
    sheet.row_dimensions[3].hidden = True
    book.create_sheet("Archive").append(["secret sheet"])
    book["Archive"].sheet_state = "hidden"
    book.create_sheet("Bergen").append(["Ferry", 55])
    monkeypatch.setattr("shared.parsing.docling.sheets.MOST_CELLS", 5)
    document = read(SHEET, book)
    assert [block.rows or block.text for block in document.blocks] == [
        "Oslo",
        (("Region", "Share", "Net"), ("North", "25%", "=B2*2")),
        (("Fine", "TRUE", "x"),),
        "Bergen",
        (("Ferry", "55"),),
    ]
    assert document.hidden_words == 6 and document.pages == 3
