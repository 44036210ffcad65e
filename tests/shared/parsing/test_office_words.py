"""What is seen in an office document is read, what is hidden is not."""

import re
import zipfile
from io import BytesIO

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from openpyxl import Workbook
from openpyxl.comments import Comment
from pptx import Presentation
from pptx.util import Inches

from shared.parsing.docling.parsers import parse
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.markdown import to_markdown
from shared.parsing.number_formats import formatted
from tests.documents.make import saved

OFFICE = "application/vnd.openxmlformats-officedocument"
WORD, SLIDES = f"{OFFICE}.wordprocessingml.document", f"{OFFICE}.presentationml.presentation"
SHEET = f"{OFFICE}.spreadsheetml.sheet"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
REVISION = 'w:id="7" w:author="Ann" w:date="2026-01-01T00:00:00Z"'


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def word(*elements: str) -> ParsedDocument:
    document = docx.Document()
    for element in elements:
        inner = element if element.startswith("<w:tbl") else f"<w:p>{element}</w:p>"
        document.element.body.insert(-1, parse_xml(inner.replace(">", f" {W}>", 1)))
    return parsed(WORD, document)


def parsed(media_type: str, document: object) -> ParsedDocument:
    return parse(media_type, "a", saved(document), ParsingLimits())


def cell(inner: str) -> str:
    head = "<w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>"
    cells = f"<w:tc><w:p>{run('Crane')}</w:p></w:tc><w:tc><w:p>{inner}</w:p></w:tc>"
    return f"<w:tbl>{head}<w:tr>{cells}</w:tr></w:tbl>"


@pytest.mark.parametrize(
    ("element", "seen"),
    [
        (f"<w:ins {REVISION}>{run('95')}</w:ins><w:del {REVISION}><w:r><w:delText>80</w:delText></w:r></w:del>", "95"),
        (f"<w:moveTo {REVISION}>{run('95')}</w:moveTo><w:moveFrom {REVISION}>{run('80')}</w:moveFrom>", "95"),
        (f"<w:sdt><w:sdtContent>{run('95')}</w:sdtContent></w:sdt>", "95"),
        (run("95") + run(" 80", "<w:vanish/>"), "95"),
        (run("95") + run(" 80", '<w:color w:val="FFFFFF"/>'), "95"),
        (run("95") + run(" 80", '<w:sz w:val="2"/>'), "95"),
        (run("9", "<w:b/>") + run("5", "<w:i/>"), "95"),
        ('<w:r><w:sym w:font="Symbol" w:char="F057"/></w:r>', "Ω"),
        (
            f"<w:r><w:ruby><w:rt>{run('きょうと')}</w:rt><w:rubyBase>{run('京都')}</w:rubyBase></w:ruby></w:r>",
            "京都（きょうと）",
        ),
        (
            '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData>'
            f'</w:fldChar></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>{run("Late")}',
            "[x] Late",
        ),
    ],
)
def test_a_word_is_read_as_it_is_seen_in_the_text_and_in_a_table(element: str, seen: str) -> None:
    assert [block.text for block in word(element).blocks] == [seen]
    assert word(cell(element)).blocks[0].rows == (("Crane", seen),)


def test_hidden_words_are_counted() -> None:
    assert word(run("seen") + run(" two words", "<w:vanish/>")).hidden_words == 2


def test_a_table_in_a_cell_a_drop_cap_and_a_header_are_read_in_their_place() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Policy HR-207"
    document.sections[0].footer.paragraphs[0].text = "Page 1 of 2"
    inner = document.add_table(1, 1).rows[0].cells[0]
    inner.text = "list"
    outer = document.add_table(1, 2).rows[0].cells
    outer[0].text = "Goods"
    nested = outer[1].add_table(2, 2)
    for place, text in enumerate(("Anchor", "14", "Fender", "6")):
        nested.cell(place // 2, place % 2).text = text
    cap = f'<w:p {W}><w:pPr><w:framePr w:dropCap="drop"/></w:pPr>{run("L")}</w:p>'
    document.element.body.insert(-1, parse_xml(cap))
    document.add_paragraph("ights")
    text = to_markdown(parsed(WORD, document))
    assert re.sub(r"\s+", " ", text).startswith("Policy HR-207")
    assert "Anchor: 14; Fender: 6" in text and "Lights" in text and "Page 1" not in text


def test_numbers_are_read_as_their_format_shows_them() -> None:
    cases = [
        (0.0325, "0.00%", "3.25%"),
        (12.5, '#,##0.00 "€"', "12.50 €"),
        (1234.5, "_-* #,##0.00\\ [$€-407]_-;\\-* #,##0.00\\ [$€-407]_-", "1,234.50 €"),
        (-3.0, "0;[Red](0)", "(3)"),
        (45000.5, "dd.mm.yyyy hh:mm", "15.03.2023 12:00"),
        (0.75, "h:mm AM/PM", "6:00 PM"),
        (1.5, "[h]:mm", "36:00"),
        (1.25, "# ?/?", "1 1/4"),
        (12345.0, "0.00E+00", "1.23E+04"),
        (7.0, '"Nr. "000', "Nr. 007"),
        (1500000.0, '0.0,,"M"', "1.5M"),
        (150.0, '[>100]"high";"low"', "high"),
        (5551234.0, "000-0000", "555-1234"),
        (3.5, "General", None),
    ]
    assert [formatted(value, code) for value, code, _ in cases] == [text for _, _, text in cases]


def test_a_sheet_is_read_as_it_is_shown() -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "Oslo"
    for row in (
        ["Region", None, "Share", "Net"],
        ["North", None, 0.25, "=B2*2"],
        ["South", None, 0.5, 3],
        ["Old", None, 1, 1],
    ):
        sheet.append(row)
    sheet["C2"].number_format = "0%"
    sheet["A1"].comment = Comment("price without tax", "Ann")
    sheet.row_dimensions[4].hidden = True
    book.create_sheet("Bergen").append(["Ferry", 55])
    document = parsed(SHEET, book)
    assert document.blocks[1].rows == (("Region", "Share", "Net"), ("North", "25%", "=B2*2"), ("South", "0.5", "3"))
    assert document.hidden_words == 3
    assert [block.text for block in document.blocks if block.kind == "heading" and not block.aside] == [
        "Oslo",
        "Bergen",
    ]


def test_a_link_of_a_slide_has_its_address_and_a_hidden_slide_is_not_read() -> None:
    show = Presentation()
    for text in ("Order here", "Secret plan"):
        slide = show.slides.add_slide(show.slide_layouts[6])
        box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(3), Inches(1))
        part = box.text_frame.paragraphs[0].add_run()
        part.text = text
        part.hyperlink.address = "https://tides.example.org/order"
    slide._element.set("show", "0")
    document = parsed(SLIDES, show)
    assert [block.text for block in document.blocks] == ["Order here (https://tides.example.org/order)"]
    assert document.hidden_words == 2


@pytest.mark.parametrize("media_type", [WORD, SLIDES, SHEET])
def test_every_word_of_the_package_is_read(media_type: str) -> None:
    """The independent reader takes every text of the main parts, whatever holds it."""
    content = saved(_sample(media_type))
    part = re.compile(r"word/document\.xml|ppt/slides/slide\d+\.xml|xl/(sharedStrings|worksheets/sheet\d+)\.xml")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        xml = " ".join(archive.read(name).decode() for name in archive.namelist() if part.fullmatch(name))
    words = set(re.findall(r"\w+", " ".join(re.findall(r"<(?:\w+:)?t(?:\s[^>]*)?>([^<]+)<", xml))))
    text = to_markdown(parse(media_type, "a", content, ParsingLimits()))
    assert words and words <= set(re.findall(r"\w+", text))


def _sample(media_type: str) -> object:
    if media_type == WORD:
        document = docx.Document()
        document.add_heading("Cranes", 1)
        document.add_paragraph("North crane lifts", style="List Number")
        document.add_table(1, 2).cell(0, 1).add_table(1, 1).cell(0, 0).text = "inner words"
        return document
    if media_type == SHEET:
        book = Workbook()
        book.active.append(["Ferry", None, "price"])
        book.active.append(["Tern", None, "forty euros"])
        return book
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Rescue chain"
    slide.placeholders[1].text = "Alarm the harbour office"
    return show


def test_an_imported_table_is_read_as_a_table() -> None:
    page = b"<p>The bridge carries 18 tonnes.</p>"
    page += b"<table><tr><th>Bridge</th><th>Load</th></tr><tr><td>North</td><td>18</td></tr></table>"
    document = docx.Document()
    part = Part(PackURI("/word/afchunk.html"), "text/html", page, document.part.package)
    reference = document.part.relate_to(part, f"{RELATIONS}/aFChunk")
    document.element.body.insert(0, parse_xml(f'<w:altChunk {W} xmlns:r="{RELATIONS}" r:id="{reference}"/>'))
    blocks = parsed(WORD, document).blocks
    assert blocks[0].text == "The bridge carries 18 tonnes."
    assert blocks[1].rows == (("Bridge", "Load"), ("North", "18"))


def test_an_imported_document_is_read_where_it_is_imported() -> None:
    inner = docx.Document()
    inner.add_paragraph("The weir is 4 m high.")
    inner.add_table(1, 2).cell(0, 1).text = "18 tonnes"
    document = docx.Document()
    part = Part(PackURI("/word/afchunk.docx"), f"{WORD}.main+xml", saved(inner), document.part.package)
    reference = document.part.relate_to(part, f"{RELATIONS}/aFChunk")
    document.element.body.insert(0, parse_xml(f'<w:altChunk {W} xmlns:r="{RELATIONS}" r:id="{reference}"/>'))
    document.add_paragraph("After it.")
    before, table, after = parsed(WORD, document).blocks
    assert (before.text, table.rows, after.text) == ("The weir is 4 m high.", (("", "18 tonnes"),), "After it.")
