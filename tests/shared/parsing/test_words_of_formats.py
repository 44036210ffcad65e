"""Every word that another reader finds in a document is in its content, once for each time that it stands there."""

import re
import zipfile
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from io import BytesIO
from xml.etree import ElementTree

import docx
from docx.oxml import parse_xml
from openpyxl import Workbook
from openpyxl.comments import Comment
from pptx import Presentation
from pptx.util import Inches

from shared.parsing.markdown import to_markdown
from tests.documents.make import saved
from tests.documents.routed import read

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
WP = 'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
WPS = 'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
COUNTED = {"docx", "pptx", "xlsx"}
TEXTS = {"text/plain", "text/csv"}
WORD = re.compile(r"[^\W\d_]{2,}")


def lost(name: str, content: bytes, stored: str) -> Counter[str]:
    """The words that an independent reader found and ours did not; of office documents ours says so itself."""
    document = read(name, content)
    assert document.words_in == document.words_out and (document.words_in > 0) == (name[2:] in COUNTED)
    return Counter(WORD.findall(stored)) - Counter(WORD.findall(to_markdown(document)))


def texts_in(content: bytes, parts: str) -> str:
    """What the elements named `t` and `v` of some parts hold, a line for each paragraph."""
    pattern, lines = re.compile(parts), []
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for name in filter(pattern.fullmatch, archive.namelist()):
            for element in ElementTree.fromstring(archive.read(name)).iter():
                kind = element.tag.rpartition("}")[2]
                if kind in {"p", "si", "is"}:
                    lines.append("".join(each.text or "" for each in element.iter() if each.tag.endswith("}t")))
    return "\n".join(lines)


def test_every_word_of_a_text_is_read() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Harbour rules"
    document.sections[0].footer.paragraphs[0].text = "Printed in Oslo"
    document.add_heading("Cranes", 1)
    document.add_paragraph("North crane lifts", style="List Number")
    document.add_paragraph("South crane waits", style="List Bullet")
    line = document.add_paragraph("Torn ")
    for piece in ("wo", "rd", " stays"):
        line.add_run(piece).bold = piece == "rd"
    document.add_comment(line.runs, text="Checked twice", author="Ann", initials="A")
    table = document.add_table(2, 2)
    for place, text in enumerate(("Goods", "Count", "Anchor", "fourteen")):
        table.cell(place // 2, place % 2).text = text
    table.cell(1, 1).add_table(1, 2).cell(0, 1).text = "nested"
    run = "<w:r><w:t>{}</w:t></w:r>"
    box = f"<w:txbxContent><w:p>{run.format('Boxed')}</w:p></w:txbxContent>"
    graphic = '<a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">'
    shape = f"<a:graphic>{graphic}<wps:wsp><wps:txbx>{box}</wps:txbx></wps:wsp></a:graphicData></a:graphic>"
    drawing = f'<w:drawing><wp:inline><wp:docPr id="9" name="b"/>{shape}</wp:inline></w:drawing>'
    document.element.body.insert(-1, parse_xml(f"<w:p {W} {WP} {A} {WPS}><w:r>{drawing}</w:r></w:p>"))
    control = f"<w:sdt {W}><w:sdtContent><w:p>{run.format('Controlled')}</w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(-1, parse_xml(control))
    field = f'<w:p {W}><w:fldSimple w:instr="REF x">{run.format("Referred")}</w:fldSimple></w:p>'
    document.element.body.insert(-1, parse_xml(field))
    content = saved(document)
    stored = texts_in(content, r"word/(document|comments|header1|footer1)\.xml")
    # A box lies in a paragraph that is a part of another one, and is found in both.
    assert not lost("a.docx", content, stored.replace("Boxed", "", 1))


def test_every_word_of_slides_is_read() -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Rescue chain"
    slide.placeholders[1].text = "Alarm the harbour office"
    place = (Inches(1), Inches(4), Inches(4), Inches(1))
    table = slide.shapes.add_table(2, 2, *place).table
    for number, text in enumerate(("Goods", "Count", "Anchor", "fourteen")):
        table.cell(number // 2, number % 2).text = text
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(*place).text_frame.text = "Grouped words"
    slide.notes_slide.notes_text_frame.text = "Spoken words"
    content = saved(show)
    assert not lost("a.pptx", content, texts_in(content, r"ppt/(slides|notesSlides)/[^/]+\.xml"))


def test_every_word_of_sheets_is_read() -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "Oslo prices"
    for row in (["Ferry", None, "price"], ["Tern", None, "forty euros"], [], [], ["Other", "table"], ["below", "it"]):
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    sheet["C2"].comment = Comment("without tax", "Ann")
    book.create_sheet("Bergen").append(["Second", "sheet"])
    content = saved(book)
    stored = texts_in(content, r"xl/(sharedStrings|comments/comment\d+|worksheets/sheet\d+)\.xml")
    assert not lost("a.xlsx", content, f"{stored}\nOslo prices\nBergen")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._out += [tag] if tag in {"style", "script", "head", "template"} else []
        self.texts += [value or "" for name, value in attrs if name in {"alt", "value"}]

    def handle_endtag(self, tag: str) -> None:
        if self._out and tag == self._out[-1]:
            self._out.pop()

    def handle_data(self, data: str) -> None:
        if not self._out:
            self.texts.append(data)


PAGE = """<html><head><style>p{color:black}</style></head><body><h1>Cranes</h1><p>Torn wo<b>rd</b> stays.</p>
<ul><li>First<ol><li>Deeper <a href="#x">linked</a></li></ol></li></ul><dl><dt>Term</dt><dd>Meaning</dd></dl>
<table><caption>Prices</caption><thead><tr><th colspan=2>Goods</th></tr></thead><tr><td>Anchor<td><p>one</p>
<ul><li>two</ul></table><table><tr><td><h2>Laid out</h2></td><td>beside</td></tr></table>
<details><summary>More</summary>inside</details>
<figure><img alt="Pictured"><figcaption>Caption</figcaption></figure><pre>kept  as code</pre>
<blockquote>Quoted</blockquote>
<ruby>Kanji<rt>reading</rt></ruby><p>H<sub>2</sub>O and <q>said</q> <abbr title=x>short</abbr></p>
<form><label>Name</label><input value=filled><button>Send</button><textarea>typed</textarea></form>
loose words<hr>last</body></html>"""


def test_every_word_of_a_page_is_read() -> None:
    reader = _Words()
    reader.feed(PAGE)
    assert not lost("a.html", PAGE.encode(), " ".join(reader.texts).replace("wo rd", "word"))


def test_every_word_of_a_mail_is_read() -> None:
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "Ole <ole@example.org>", "Crane moved"
    inner.set_content("Inner plain words.")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Rita <r@example.org>", "n@example.org", "Papers"
    message.set_content("Plain words.")
    message.add_alternative("<p>Plain <i>words</i>.</p>", subtype="html")
    message.add_attachment("Article,Price\nRope,twelve", subtype="csv", filename="prices.csv")
    message.add_attachment("Grüße aus Köln", filename="note.txt", charset="iso-8859-1")
    message.add_attachment(inner)
    content = message.as_bytes()
    stored = []
    for part in message_from_bytes(content, policy=policy.default).walk():
        stored += [str(part.get(name, "")) for name in ("From", "To", "Subject")]
        stored += [part.get_filename() or "", part.get_content() if part.get_content_type() in TEXTS else ""]
    assert not lost("a.eml", content, "\n".join(stored).replace("Plain words.", "", 1))
