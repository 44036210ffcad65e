"""Pages and places of Office documents, as far as the files themselves tell them, up to the citation."""

from functions.chunk.splitter import split
from shared.parsing.docling.parsers import parse
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from tests.documents import make

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
LAID_OUT = "<w:lastRenderedPageBreak/>"
ASKED_FOR = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'


def paragraph(text: str, before: str = "") -> str:
    return f'<w:p><w:r>{before}<w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def word(body: str) -> ParsedDocument:
    return parse(WORD, "a.docx", make.docx_of(body), ParsingLimits())


def pages(document: ParsedDocument) -> list[tuple[str, int | None]]:
    return [(block.text, block.page) for block in document.blocks]


def test_pages_of_a_word_document_are_those_that_word_laid_out() -> None:
    over = f'<w:r><w:t xml:space="preserve">half </w:t></w:r><w:r><w:rPr><w:b/></w:rPr>{LAID_OUT}<w:t>bold</w:t></w:r>'
    document = word(paragraph("one") + ASKED_FOR + paragraph("two", LAID_OUT) + f"<w:p>{over}</w:p>" + paragraph("end"))
    assert pages(document) == [("one", 1), ("two", 2), ("half bold", 2), ("end", 3)]
    assert document.pages == 3


def test_a_table_over_two_pages_begins_on_the_first() -> None:
    rows = "".join(
        f"<w:tr><w:tc>{paragraph(name, LAID_OUT if name == 'c' else '')}</w:tc><w:tc>{paragraph('x')}</w:tc></w:tr>"
        for name in "abcd"
    )
    grid = '<w:tblPr/><w:tblGrid><w:gridCol w:w="1"/><w:gridCol w:w="1"/></w:tblGrid>'
    document = word(f"<w:tbl>{grid}{rows}</w:tbl>{paragraph('after')}")
    assert [page for _, page in pages(document)] == [1, 2]
    assert document.blocks[0].rows == (("a", "x"), ("b", "x"), ("c", "x"), ("d", "x"))


def test_breaks_that_were_asked_for_count_where_nothing_was_laid_out() -> None:
    assert pages(word(paragraph("one") + ASKED_FOR + paragraph("two"))) == [("one", 1), ("two", 2)]


def test_a_word_document_without_breaks_has_no_pages() -> None:
    document = word(paragraph("one") + paragraph("two"))
    assert pages(document) == [("one", None), ("two", None)] and document.pages == 0


def test_what_stands_on_a_slide_has_its_page_and_its_place() -> None:
    document = parse(SLIDES, "a.pptx", make.make("pptx"), ParsingLimits())
    assert all(block.page == 1 and block.box for block in document.blocks)


def test_page_and_place_reach_the_passages_that_are_cited() -> None:
    def passages(document: ParsedDocument) -> list[tuple[int | None, bool]]:
        pieces = split(
            document,
            title="",
            count_tokens=lambda texts: [len(text.split()) for text in texts],
            detect_language=lambda _: "en",
            max_tokens=12,
        )
        return [(piece.page, piece.box is not None) for piece in pieces]

    long = "The harbour crane lifts forty tonnes of timber every day."
    assert passages(word(paragraph(long) + ASKED_FOR + paragraph(long))) == [(1, False), (2, False)]
    assert set(passages(parse(SLIDES, "a.pptx", make.make("pptx"), ParsingLimits()))) == {(1, True)}
