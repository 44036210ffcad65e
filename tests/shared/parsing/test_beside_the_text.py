"""Links, notes, footnotes and reviews: what stands beside a text is kept, and told apart from it."""

from shared.parsing.docling.parsers import parse as parse_docling
from shared.parsing.document import Block, ParsedDocument
from shared.parsing.legacy.parsers import parse as parse_legacy
from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import LONGEST_ADDRESS, with_address
from shared.parsing.markdown import to_markdown
from tests.documents import make

JATS_HEAD = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.2 20190208//EN" '
    '"JATS-archivearticle1.dtd"><article><front><article-meta><title-group><article-title>Cranes</article-title>'
    "</title-group></article-meta></front>"
)


def light(media_type: str, text: str) -> list[str]:
    return [block.text for block in parse_light(media_type, text.encode(), ParsingLimits()).blocks]


def jats(rest: str) -> ParsedDocument:
    return parse_docling("application/jats+xml", "a.nxml", f"{JATS_HEAD}{rest}</article>".encode(), ParsingLimits())


def test_a_links_address_stands_behind_its_words() -> None:
    assert light("text/html", '<p>See the <a href="https://a.example/docs">docs</a>, please.</p>') == [
        "See the docs (https://a.example/docs), please."
    ]
    assert light("text/markdown", "See the [docs](https://a.example/docs), please.") == [
        "See the docs (https://a.example/docs), please."
    ]
    assert light("text/html", '<table><tr><td>a<td><a href="mailto:ann@a.example">Ann</a></table>') == [
        "| a | Ann (ann@a.example) |\n| --- | --- |"
    ]


def test_an_address_that_says_nothing_new_or_leads_nowhere_is_left_out() -> None:
    assert with_address("a.example/docs", "https://www.a.example/docs/") == "a.example/docs"
    assert with_address("Duck", "/wiki/Duck") == "Duck"
    assert with_address("top", "#top") == "top"
    assert with_address("run", "javascript:alert(1)") == "run"
    assert with_address(" ", "https://a.example") == " "
    assert with_address("news", "https://a.example/" + "t" * LONGEST_ADDRESS) == "news"
    assert with_address("docs ", "https://a.example") == "docs (https://a.example) "


def test_headings_carry_no_addresses() -> None:
    assert light("text/html", '<h1><a href="https://a.example">Home</a></h1><p>words</p>') == ["Home", "words"]
    assert light("text/markdown", "# [Home](https://a.example)\n\nwords") == ["Home", "words"]


def test_what_stands_beside_the_text_is_text_in_markdown_between_two_marks() -> None:
    document = ParsedDocument(
        (Block("paragraph", "said"), Block("paragraph", "note --> one", aside=True), Block("paragraph", "more"))
    )
    assert to_markdown(document) == ("said\n\n<!-- beside the text -->\n\nnote --> one\n\n<!-- end -->\n\nmore\n")


def test_footnotes_of_a_word_document_are_read() -> None:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = '<w:p><w:r><w:t>See here</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    note = '<w:footnote w:id="2"><w:p><w:r><w:t>The note says so.</w:t></w:r></w:p></w:footnote>'
    parts = {
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{word}">{note}</w:footnotes>',
        "word/_rels/document.xml.rels": make.links(rId1=("footnotes", "footnotes.xml")),
    }
    kinds = {"word/footnotes.xml": "wordprocessingml.footnotes"}
    content = make.office("word/document.xml", "wordprocessingml.document.main", parts, kinds)
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    blocks = parse_docling(media_type, "a.docx", content, ParsingLimits()).blocks
    assert [(block.text, block.aside) for block in blocks] == [("See here", False), ("The note says so.", True)]


def test_footnotes_of_rtf_stand_at_its_end() -> None:
    content = rb"{\rtf1\ansi See here{\super\chftn}{\footnote \pard{\super\chftn} A \{note\}.} and on.\par}"
    document = parse_legacy("application/rtf", "a.rtf", content, ParsingLimits())
    assert [block.text for block in document.blocks] == ["See here and on.", "A {note}."]


def test_rtf_that_ends_within_a_footnote_is_read_with_it() -> None:
    document = parse_legacy("application/rtf", "a.rtf", rb"{\rtf1 See here{\footnote never closed", ParsingLimits())
    assert [block.text for block in document.blocks] == ["See here", "never closed"]


def test_reviews_that_are_published_with_an_article_stand_beside_it() -> None:
    document = jats(
        "<body><p>The crane lifts.</p></body>"
        '<sub-article article-type="decision-letter"><front-stub><title-group><article-title>Decision letter'
        "</article-title></title-group></front-stub><body><p>Accepted.</p></body></sub-article>"
    )
    assert [(block.text, block.aside) for block in document.blocks] == [
        ("Cranes", False),
        ("The crane lifts.", False),
        ("Decision letter", True),
        ("Accepted.", True),
    ]


def test_formulas_of_an_article_stay_words_and_powers_stay_powers() -> None:
    document = jats("<body><p>CO<sub>2</sub> of 10<sup>6</sup> cranes and x<sub>i</sub>.</p></body>")
    assert document.blocks[-1].text == "CO2 of 10^6 cranes and x_i."


def test_an_article_that_docling_does_not_know_is_read_as_xml() -> None:
    content = b'<!DOCTYPE article PUBLIC "JATS v9" "a.dtd"><article><body><p>The crane lifts.</p></body></article>'
    document = parse_docling("application/jats+xml", "a.nxml", content, ParsingLimits())
    assert [block.text for block in document.blocks] == ["The crane lifts."]


def test_attributes_at_the_head_of_asciidoc_are_read() -> None:
    content = b":type: PROCEDURE\n:draft:\n\n[id=x]\n= Cranes\n\nThe crane lifts.\n\n:later: no\n"
    document = parse_docling("text/asciidoc", "a.adoc", content, ParsingLimits())
    assert document.blocks[0].text == ":type: PROCEDURE\n:draft:"
    assert document.title == "Cranes"


def test_a_report_in_xbrl_is_a_table_of_facts_and_its_texts() -> None:
    report = (
        '<x:xbrl xmlns:x="http://www.xbrl.org/2003/instance" xmlns:g="http://g.example" '
        'xmlns:d="http://xbrl.org/2006/xbrldi"><x:context id="c"><x:entity><x:identifier scheme="s">1</x:identifier>'
        '<x:segment><d:explicitMember dimension="g:RegionAxis">g:NorthMember</d:explicitMember></x:segment></x:entity>'
        "<x:period><x:startDate>2025-01-01</x:startDate><x:endDate>2025-12-31</x:endDate></x:period></x:context>"
        '<x:unit id="u"><x:measure>iso4217:USD</x:measure></x:unit>'
        '<g:NetIncomeLoss contextRef="c" unitRef="u" decimals="0">998</g:NetIncomeLoss>'
        '<g:PolicyTextBlock contextRef="c">&lt;p&gt;We lift &lt;b&gt;timber&lt;/b&gt;.&lt;/p&gt;</g:PolicyTextBlock>'
        "</x:xbrl>"
    )
    table, heading, text = parse_light("application/xbrl+xml", report.encode(), ParsingLimits()).blocks
    assert table.rows == (
        ("Fact", "Value", "Unit", "Period", "About"),
        ("Net Income Loss", "998", "USD", "2025-01-01 to 2025-12-31", "Region: North"),
    )
    assert (heading.text, text.text) == ("Policy Text Block", "We lift timber.")
