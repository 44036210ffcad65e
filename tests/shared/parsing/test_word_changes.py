"""Accepted changes, headers, lists in words, diagrams and imported parts of Word documents."""

import re

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from shared.parsing.docling.diagrams import diagram_lines
from shared.parsing.docling.word.numbering import Numbering
from tests.documents import make
from tests.documents.make import saved
from tests.documents.routed import read, text_of
from tests.shared.parsing.test_office_words import RELATIONS, REVISION, W, run

MARK = "<w:p {}><w:pPr><w:rPr><w:{} {}/></w:rPr></w:pPr>{}</w:p>"


def blocks(*elements: str) -> list[str]:
    document = docx.Document()
    for element in elements:
        document.element.body.insert(-1, parse_xml(element.replace("<w:p>", f"<w:p {W}>", 1)))
    return [block.text for block in read("a.docx", saved(document)).blocks]


@pytest.mark.parametrize(
    ("mark", "texts"),
    [("del", ["The harbour master."]), ("moveFrom", ["The harbour master."]), ("ins", ["The harbour mas", "ter."])],
)
def test_a_deleted_mark_of_a_paragraph_joins_it_with_the_next(mark: str, texts: list[str]) -> None:
    first = MARK.format(W, mark, REVISION, run("The harbour mas"))
    assert blocks(first, f"<w:p>{run('ter.')}</w:p>") == texts


def test_paragraphs_that_are_deleted_whole_leave_nothing_between_the_others() -> None:
    deleted = f"<w:del {REVISION}><w:r><w:delText>gone words</w:delText></w:r></w:del>"
    middle = MARK.format(W, "del", REVISION, deleted)
    assert blocks(f"<w:p>{run('First.')}</w:p>", middle, middle, f"<w:p>{run('Last.')}</w:p>") == ["First.", "Last."]
    table = f"<w:tbl {W}><w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:trPr><w:del {REVISION}/></w:trPr><w:tc>"
    assert blocks(f"{table}<w:p>{run('old')}</w:p></w:tc></w:tr></w:tbl>", f"<w:p>{run('New.')}</w:p>") == ["New."]


def test_a_deleted_cell_leaves_no_empty_one() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p>{run(text)}</w:p></w:tc>"

    gone = f"<w:cellDel {REVISION}/>"
    rows = [
        [cell("Name"), cell("old", gone), cell("Role")],
        [cell("Ann"), cell("x", gone), cell("Cook")],
        [cell("y", gone)],
    ]
    inner = "".join(f"<w:tr>{''.join(row)}</w:tr>" for row in rows)
    document = docx.Document()
    document.element.body.insert(
        -1, parse_xml(f"<w:tbl {W}><w:tblPr/><w:tblGrid>{'<w:gridCol/>' * 3}</w:tblGrid>{inner}</w:tbl>")
    )
    (table,) = (found := read("a.docx", saved(document))).blocks
    assert table.rows == (("Name", "Role"), ("Ann", "Cook")) and found.hidden_words == 3


@pytest.mark.parametrize("grid", ["", "<w:tblGrid/>", "<w:tblGrid><w:gridCol/></w:tblGrid>"])
def test_a_table_whose_grid_has_too_few_columns_is_read_whole(grid: str) -> None:
    wide = f'<w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr><w:p>{run("Sum")}</w:p></w:tc>'
    cells = [f"<w:tc><w:p>{run(text)}</w:p></w:tc>" for text in ("Rope", "7", "kg", "9")]
    rows = f"<w:tr>{''.join(cells[:3])}</w:tr><w:tr>{wide}{cells[3]}</w:tr>"
    document = docx.Document()
    document.element.body.insert(-1, parse_xml(f"<w:tbl {W}><w:tblPr/>{grid}{rows}</w:tbl>"))
    (table,) = read("a.docx", saved(document)).blocks
    assert table.rows == (("Rope", "7", "kg"), ("Sum", "Sum", "9"))


def test_a_header_loses_only_the_numbers_of_pages() -> None:
    def field(code: str, result: str) -> str:
        return (
            f'<w:r {W}><w:fldChar w:fldCharType="begin"/></w:r>|<w:r {W}><w:instrText> {code} </w:instrText></w:r>|'
            f'<w:r {W}><w:fldChar w:fldCharType="separate"/></w:r>|<w:r {W}><w:t>{result}</w:t></w:r>|'
            f'<w:r {W}><w:fldChar w:fldCharType="end"/></w:r>'
        )

    document = docx.Document()
    header, footer = document.sections[0].header, document.sections[0].footer
    table = header.add_table(3, 2, docx.shared.Inches(6))
    for place, text in enumerate(("Document", "4711", "Revision", "3", "Page", "")):
        table.cell(place // 2, place % 2).text = text
    header.add_paragraph("2026")
    for holder in (table.cell(2, 1).paragraphs[0], footer.paragraphs[0]):
        for part in field("PAGE", "77").split("|"):
            holder._p.append(parse_xml(part))
    footer.paragraphs[0].add_run(" of ")
    footer.paragraphs[0]._p.append(
        parse_xml(f'<w:fldSimple {W} w:instr="NUMPAGES"><w:r><w:t>88</w:t></w:r></w:fldSimple>')
    )
    document.add_paragraph("Body.")
    text = text_of(read("a.docx", saved(document)))
    assert text.split("\n") == ["Document: 4711", "Revision: 3", "2026", "Body."]


def test_the_note_of_a_deleted_reference_is_deleted() -> None:
    word = W.removeprefix("xmlns:w=").strip('"')
    reference = '<w:r><w:footnoteReference w:id="{}"/></w:r>'
    body = f"<w:p>{run('See')}{reference.format(2)}<w:del {REVISION}>{reference.format(3)}</w:del></w:p>"
    note = '<w:footnote w:id="{}"><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:footnote>'
    notes = note.format(2, "The note stays.") + note.format(3, "secret words")
    parts = {
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{word}">{notes}</w:footnotes>',
        "word/_rels/document.xml.rels": make.links(rId1=("footnotes", "footnotes.xml")),
    }
    kinds = {"word/footnotes.xml": "wordprocessingml.footnotes"}
    document = read("a.docx", make.office("word/document.xml", "wordprocessingml.document.main", parts, kinds))
    assert text_of(document).split("\n") == ["See", "The note stays."] and document.hidden_words == 2


@pytest.mark.parametrize(
    ("style", "number", "language", "label"),
    [
        ("cardinalText", 1, "en-GB", "Part One"),
        ("cardinalText", 21, "", "Part Twenty-one"),
        ("cardinalText", 312, "en-US", "Part Three hundred twelve"),
        ("ordinalText", 1, "en-US", "Part First"),
        ("ordinalText", 12, "en-US", "Part Twelfth"),
        ("ordinalText", 30, "en-US", "Part Thirtieth"),
        ("ordinalText", 43, "en-US", "Part Forty-third"),
        ("cardinalText", 2, "de-DE", "Part 2"),
    ],
)
def test_a_list_in_words_has_its_numbers_in_words(style: str, number: int, language: str, label: str) -> None:
    level = (
        f'<w:lvl w:ilvl="0"><w:start w:val="{number}"/><w:numFmt w:val="{style}"/><w:lvlText w:val="Part %1"/></w:lvl>'
    )
    part = f'<w:numbering {W}><w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
    part += '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    assert Numbering(parse_xml(part), {}, language).label("1", 0) == label


def test_a_diagram_is_read_in_the_order_that_it_shows() -> None:
    names = 'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
    names += ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    point = '<dgm:pt modelId="{}"><dgm:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></dgm:t></dgm:pt>'
    texts = {"c": "Third", "b": "Second", "d": "Child of second", "a": "First", "x": "Loose", "e": "Its child"}
    points = '<dgm:pt modelId="0" type="doc"/>' + "".join(point.format(*each) for each in texts.items())
    links = (("0", "c", 2), ("0", "a", 0), ("b", "d", 0), ("0", "b", 1), ("d", "e", 0), ("e", "b", 0))
    link = '<dgm:cxn srcId="{}" destId="{}" srcOrd="{}"/>'
    cxns = "".join(link.format(*each) for each in links) + '<dgm:cxn type="presOf" srcId="c" destId="a" srcOrd="0"/>'
    part = f"<dgm:dataModel {names}><dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst>{cxns}</dgm:cxnLst></dgm:dataModel>"
    assert diagram_lines(part.encode()) == ["First", "Second", "- Child of second", "- - Its child", "Third", "Loose"]


def test_what_an_imported_part_hides_is_counted() -> None:
    page = b"<p>Seen.</p><p style='display:none'>secret words</p>"
    document = docx.Document()
    part = Part(PackURI("/word/afchunk.html"), "text/html", page, document.part.package)
    reference = document.part.relate_to(part, f"{RELATIONS}/aFChunk")
    document.element.body.insert(0, parse_xml(f'<w:altChunk {W} xmlns:r="{RELATIONS}" r:id="{reference}"/>'))
    found = read("a.docx", saved(document))
    assert re.findall(r"\w+", text_of(found)) == ["Seen"] and found.hidden_words == 2
