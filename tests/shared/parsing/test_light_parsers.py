"""What the parsers of light formats read, and what they refuse."""

import json
from itertools import chain

import pytest

from shared.parsing.document import Block, ParsedDocument
from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

MEDIA = {
    "md": "text/markdown",
    "txt": "text/plain",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
}


def read(kind: str, content: str | bytes, limits: ParsingLimits | None = None) -> ParsedDocument:
    data = content.encode() if isinstance(content, str) else content
    return parse_light(MEDIA[kind], data, limits or ParsingLimits())


def contents(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in document.blocks]


def refusal(kind: str, content: str | bytes, limits: ParsingLimits | None = None) -> str:
    with pytest.raises(Rejected) as caught:
        read(kind, content, limits)
    return caught.value.code


def test_markdown_is_read_with_its_structure() -> None:
    document = read(
        "md",
        "# Guide\n\nSome *text*\nwith `code`.\n\n- one\n  1. inner\n- two\n\n> said\n\n```py\nx = 1\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 \\| 3 |\n\nEnd ![a cat](cat.png)",
    )
    assert document.title == "Guide"
    assert contents(document) == [
        ("heading", "Guide"),
        ("paragraph", "Some text with code."),
        ("list", "- one\n  1. inner\n- two"),
        ("quote", "said"),
        ("code", "x = 1"),
        ("table", "| a | b |\n| --- | --- |\n| 1 | 2 \\| 3 |"),
        ("paragraph", "End a cat"),
    ]
    assert document.blocks[5].rows == (("a", "b"), ("1", "2 | 3"))


def test_html_inside_markdown_keeps_its_text() -> None:
    document = read("md", "<div><b>Bold</b> claim</div>\n\nA<br>B <i>c</i>\n\n<script>alert(1)</script>\n")
    assert contents(document) == [("paragraph", "Bold claim"), ("paragraph", "A\nB c")]


def test_a_markdown_file_is_named_by_its_front_matter() -> None:
    document = read("md", '---\ntitle: "The plan"\nauthor: Ada\n---\n# Heading\n')
    assert document.title == "The plan"
    assert "author: Ada" in document.blocks[0].text
    assert read("md", "---\n\nNo front matter, two rules.\n\n---\n").title == ""


def test_a_heading_inside_a_quotation_heads_nothing() -> None:
    assert contents(read("md", "> # Note\n> text\n\nafter")) == [
        ("quote", "Note\n\ntext"),
        ("paragraph", "after"),
    ]


def test_html_is_read_as_a_reader_sees_it() -> None:
    document = read(
        "html",
        """<!doctype html><html><head><title> The  page </title><style>p{}</style></head><body>
        <nav><a href=/>Home</a></nav><h1>Top</h1><p>One<br>two &amp; <b>three</b></p>loose text
        <ul><li>a<ul><li>b</ul><li>c</ul><ol start=3><li>x<li>y</ol><blockquote>said</blockquote>
        <pre>  keep\n    this</pre><p hidden>unseen</p><script>var x = "no"</script>
        <dl><dt>Term<dd>Meaning</dl></body></html>""",
    )
    assert document.title == "The page"
    assert contents(document) == [
        ("heading", "Top"),
        ("paragraph", "One\ntwo & three"),
        ("paragraph", "loose text"),
        ("list", "- a\n  - b\n- c"),
        ("list", "3. x\n4. y"),
        ("quote", "said"),
        ("code", "keep\n  this"),
        ("list", "- Term\n  Meaning"),
    ]


def test_an_html_table_keeps_its_cells_in_their_columns() -> None:
    document = read(
        "html",
        "<table><caption>Towns</caption><tr><th>Town<th>Year<th>People"
        "<tr><td rowspan=2>Bonn<td>1990<td>290<tr><td>2020<td>330<tr><td colspan=2>all<td>620</table>",
    )
    assert document.blocks[0].text == "Towns"
    assert document.blocks[1].rows == (
        ("Town", "Year", "People"),
        ("Bonn", "1990", "290"),
        ("Bonn", "2020", "330"),
        ("all", "all", "620"),
    )


def test_a_table_that_only_arranges_the_page_is_read_as_text() -> None:
    document = read(
        "html", "<table><tr><td><h2>Left</h2><p>words</p></td><td><table><tr><td>a<td>b</table></td></tr></table>"
    )
    assert contents(document) == [
        ("heading", "Left"),
        ("paragraph", "words"),
        ("table", "| a | b |\n| --- | --- |"),
    ]


def test_a_page_is_decoded_as_it_says() -> None:
    page = '<meta charset="koi8-r"><p>Привет</p>'
    assert read("html", page.encode("koi8-r")).blocks[0].text == "Привет"


def test_entities_that_a_page_defines_are_not_expanded() -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    page = f'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">{lines}]><lolz>&l9; text</lolz>'
    assert sum(len(block.text) for block in read("html", page).blocks) < 2000


def test_no_file_of_this_machine_gets_into_a_page() -> None:
    page = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><p>&f; words</p><iframe src="file:///etc/passwd">'
    assert "root:" not in read("html", page).blocks[0].text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_of_values_is_read_whatever_separates_them(delimiter: str) -> None:
    rows = [("name", "price"), ("a b", "1"), ('say "x"', "2")]
    lines = [f"{name}{delimiter}{price}" for name, price in rows[:2]] + [f'"say ""x"""{delimiter}2']
    (block,) = read("csv", "\r\n".join(lines)).blocks
    assert block.rows == tuple(rows)


@pytest.mark.parametrize(
    ("text", "before", "rows"),
    [
        ('sep=;\nname;note\nAda;"one, two"\n', [], (("name", "note"), ("Ada", "one, two"))),
        ('\ufeff"sep=|"\r\na|b\r\n1|2\r\n', [], (("a", "b"), ("1", "2"))),
        ("Fees\n\nname,fee\nAda,5\nBo,7\n", ["Fees"], (("name", "fee"), ("Ada", "5"), ("Bo", "7"))),
        (
            "Sales\nMade:,2026-01-05\n\nid,name,fee,town\n1,Ada,5,Oslo\n2,Bo,7,Vik\n",
            ["Sales", "Made: 2026-01-05"],
            (("id", "name", "fee", "town"), ("1", "Ada", "5", "Oslo"), ("2", "Bo", "7", "Vik")),
        ),
        ('a\tb\n"5 inch\t3\n"6 inch\t4\n', [], (("a", "b"), ('"5 inch', "3"), ('"6 inch', "4"))),
        (
            'a\tb\n"tall" one\t5\n3" pipe\t7\n"8 inch\t9\n"x"\t1',
            [],
            (
                ("a", "b"),
                ('"tall" one', "5"),
                ('3" pipe', "7"),
                ('"8 inch', "9"),
                ("x", "1"),
            ),
        ),
        ('a,b\n"1,5",3" pipe\n"2\n2",4\n', [], (("a", "b"), ("1,5", '3" pipe'), ("2\n2", "4"))),
    ],
)
def test_a_table_of_values_is_read_without_what_only_surrounds_it(
    text: str, before: list[str], rows: tuple[tuple[str, ...], ...]
) -> None:
    *lines, table = read("csv", text).blocks
    assert [line.text for line in lines] == before
    assert table.rows == rows


def test_a_comma_inside_a_quoted_cell_separates_nothing() -> None:
    assert read("csv", 'a;b\n"1,5\nlines";2\n3,5;4\n').blocks[0].rows == (("a", "b"), ("1,5\nlines", "2"), ("3,5", "4"))


def test_a_huge_table_becomes_several_that_all_have_the_header() -> None:
    content = "name,text\n" + "".join(f"row {n},{'x' * 100}\n" for n in range(5000))
    blocks = read("csv", content).blocks
    assert len(blocks) > 1
    assert {block.rows[0] for block in blocks} == {("name", "text")}
    assert sum(len(block.rows) - 1 for block in blocks) == 5000


def test_json_becomes_lines_that_say_where_they_stand() -> None:
    value = {
        "name": "Ada",
        "tags": ["a", "b"],
        "home": {"city": "Bonn", "zip": 53111},
        "jobs": [{"at": "X", "now": True}],
    }
    document = read("json", json.dumps(value))
    assert document.title == "Ada"
    assert [block.text for block in document.blocks] == [
        "name: Ada\ntags: a, b",
        "home.city: Bonn\nhome.zip: 53111",
        "jobs[0].at: X\njobs[0].now: true",
    ]


def test_numbers_in_json_stay_as_they_are_written() -> None:
    text = read("json", '{"a": 1.10, "b": 1e400, "c": NaN, "d": ' + "9" * 5000 + "}").blocks[0].text
    assert text.startswith("a: 1.10\nb: 1e400\nc: NaN\nd: 999")


def test_json_lines_are_read_too() -> None:
    assert [block.text for block in read("json", '{"a": "x"}\n{"a": "y"}\n').blocks] == ["[0].a: x", "[1].a: y"]


def test_halves_of_characters_do_not_get_through() -> None:
    assert read("json", '{"a": "x\\ud800y\\u0000z"}').blocks == (Block("paragraph", "a: xyz"),)


def test_plain_text_is_read_in_paragraphs_with_its_few_headings() -> None:
    text = (
        "Report\r\n======\r\n\r\nFirst line\r\nsecond line.\r\n\r\n\r\n"
        "MAIN RESULTS\r\n\r\n* one\r\n* two\r\n\r\n1) a\r\n2) b"
    )
    document = read("txt", text)
    assert document.title == "Report"
    assert contents(document) == [
        ("heading", "Report"),
        ("paragraph", "First line\nsecond line."),
        ("heading", "MAIN RESULTS"),
        ("list", "- one\n- two"),
        ("list", "1) a\n2) b"),
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe – “schön” für 5 €, naïve Café", "cp1252"),
        ("L'été à Nîmes, ça allait très bien déjà.", "latin-1"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "cp1251"),
        ("これは日本語の文章です。文字コードを調べます。", "shift_jis"),
        ("Grüße an alle", "utf-16"),
        ("Grüße an alle", "utf-8-sig"),
        ("Grüße an alle", "utf-32"),
    ],
)
def test_text_is_decoded_from_every_usual_encoding(text: str, encoding: str) -> None:
    assert read("txt", text.encode(encoding)).blocks[0].text == text


def test_a_few_bad_bytes_do_not_turn_the_rest_into_something_else() -> None:
    text = (
        read("txt", "Grüße aus Köln und Düsseldorf, schöne Wünsche für später".encode() * 20 + b"\xff end")
        .blocks[0]
        .text
    )
    assert text.startswith("Grüße aus Köln") and text.endswith("\ufffd end")


@pytest.mark.parametrize("kind", MEDIA)
@pytest.mark.parametrize(
    "content", [b"words \x00\x01\x02" * 50, bytes(range(256)) * 20, b"\xff\xfe" + b"\x00\xd8" * 50]
)
def test_binary_data_is_corrupt(kind: str, content: bytes) -> None:
    assert refusal(kind, content) == "corrupt"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("md", "# \n\n---\n"),
        ("txt", "... !!\n"),
        ("html", "<p></p><script>x</script>"),
        ("csv", ",,\n,,\n"),
        ("json", "{}"),
    ],
)
def test_a_document_without_a_word_is_empty(kind: str, content: str) -> None:
    assert refusal(kind, content) == "empty"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("json", "[" * 300 + "1" + "]" * 300),
        ("json", '{"a":' * 100_000),
        ("html", "<div>" * 20_000 + "x"),
        ("md", ">" * 5000 + " x"),
        ("md", "- " * 300 + "x"),
        ("md", "<div>" * 20_000 + "x"),
    ],
)
def test_what_is_nested_too_deep_is_refused(kind: str, content: str) -> None:
    assert refusal(kind, content) == "too-deep"


@pytest.mark.parametrize("content", ['{"a": 1', '{"a" 1}', "{'a': 1}", '{"a": "x'])
def test_broken_json_is_corrupt(content: str) -> None:
    assert refusal("json", content) == "corrupt"


@pytest.mark.parametrize(
    ("kind", "content"), [("txt", "word " * 3000), ("csv", "a,b\n" * 3000), ("md", "word\n\n" * 4000)]
)
def test_text_beyond_the_limit_is_refused(kind: str, content: str) -> None:
    assert refusal(kind, content, ParsingLimits(expanded_bytes=10_000)) == "too-large-expanded"


def test_a_long_path_cannot_blow_up_json() -> None:
    content = json.dumps({"k" * 10_000: [{"a": n} for n in range(1000)]})
    assert refusal("json", content, ParsingLimits(expanded_bytes=1_000_000)) == "too-large-expanded"


def test_a_spanning_cell_cannot_blow_up_a_table() -> None:
    document = read("html", "<table><tr><td colspan=999999999 rowspan=999999999>x<td>y<tr><td>z</table>")
    assert sum(map(len, chain.from_iterable(block.rows for block in document.blocks))) < 200
