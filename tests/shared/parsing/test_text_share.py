"""The share of the words of an office document that is in its content is counted by another reader."""

from collections import Counter

import docx
from lxml import etree
from openpyxl import Workbook

from shared.parsing.docling.package_words import counted, words_of_open, words_of_sheet, words_of_slide, words_of_word
from shared.parsing.document import Block, ParsedDocument
from tests.documents.make import saved
from tests.documents.routed import read
from tests.shared.parsing.test_open_documents import NAMES

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def test_words_that_are_not_in_the_content_are_missed() -> None:
    document = ParsedDocument((Block("paragraph", "one two two"),))
    found = counted(document, Counter({"one": 1, "two": 1, "three": 2}))
    assert (found.words_in, found.words_out) == (4, 2)


def test_words_are_those_that_a_reader_sees() -> None:
    run = "<w:r><w:t>{}</w:t></w:r>".format
    fallback = f"<mc:AlternateContent><mc:Choice/><mc:Fallback>{run('twice')}</mc:Fallback></mc:AlternateContent>"
    inner = f"<w:r><w:txbxContent><w:p>{run('boxed')}</w:p></w:txbxContent></w:r>"
    text = f"<w:body {W} {MC}><w:p>{run('to')}{run('rn')}<w:r><w:tab/></w:r>{run('x')}{fallback}{inner}</w:p></w:body>"
    assert words_of_word([etree.fromstring(text)]) == Counter(["torn", "x", "boxed"])
    shape = "<p:sp><p:nvSpPr><p:nvPr>{}</p:nvPr></p:nvSpPr><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sp>".format
    shapes = shape("", "seen") + shape('<p:ph type="ftr"/>', "again") + shape('<p:ph type="body"/>', "notes")
    tree = etree.fromstring(f"<p:sld {P} {A}>{shapes}</p:sld>")
    assert words_of_slide(tree, is_notes=False) == Counter(["seen", "notes"])
    assert words_of_slide(tree, is_notes=True) == Counter(["notes"])
    cells = "".join(f'<c r="{name}"><v>{name}</v></c>' for name in ("A1", "B1", "C1", "A2", "AA1"))
    sheet = etree.fromstring(f'<sheet {S}><row>{cells}</row><mergeCells><mergeCell ref="A1:B2"/></mergeCells></sheet>')
    assert words_of_sheet(sheet, lambda cell: cell[0].text) == Counter(["A1", "C1", "AA1"])
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>noted</text:p></text:note-body>"
    )
    body = f"<text:p>to<text:span>rn</text:span>{note}</text:note>, <text:span>a<text:tab/>b</text:span></text:p>"
    assert words_of_open(etree.fromstring(f"<body {NAMES}>{body}</body>")) == Counter(["torn", "noted", "a", "b"])


def test_a_merged_cell_and_a_truth_value_are_no_lost_words() -> None:
    book = Workbook()
    for line in (["Quay", "Tonnes", True], ["North", 3, False]):
        book.active.append(line)
    book.active.merge_cells("A1:B1")
    document = read("a.xlsx", saved(book))
    assert document.words_in == document.words_out == 3
    text = docx.Document()
    text.add_paragraph("One two.").add_run(" Three").bold = True
    assert read("a.docx", saved(text)).words_out == 3
