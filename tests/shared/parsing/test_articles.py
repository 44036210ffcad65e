"""Every word of an article in JATS is read, in its order, and its equations are lines of text."""

import pytest

from shared.parsing.docling.parsers import parse
from shared.parsing.limits import ParsingLimits

HEAD = (
    '<?xml version="1.0"?><!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD '
    'v1.2 20190208//EN" "JATS-archivearticle1.dtd"><article xmlns:m="http://www.w3.org/1998/Math/MathML"><front>'
    "<article-meta><title-group><article-title>Cranes of 10<sup>6</sup> <italic>N</italic><xref>*</xref>"
    "</article-title></title-group></article-meta></front><body>"
)
SQUARE = "<m:math><m:msup><m:mi>y</m:mi><m:mn>2</m:mn></m:msup></m:math>"


def lines(body: str, rest: str = "") -> list[str]:
    content = f"{HEAD}{body}</body>{rest}</article>".encode()
    title, *blocks = parse("application/jats+xml", "a.nxml", content, ParsingLimits()).blocks
    assert title.text == "Cranes of 10^6 N"
    return [block.text for block in blocks]


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("<p>Ten 10<sup>6</sup>, N<sub>2</sub>O, x<sub>i</sub>&nbsp;m</p>", ["Ten 10^6, N2O, x_i\xa0m"]),
        (f"<p>Side <inline-formula>{SQUARE}</inline-formula> of</p>", ["Side y^2 of"]),
        (
            "<p>A<inline-formula><alternatives><tex-math>\\frac{1}{2}</tex-math>"
            f"{SQUARE}</alternatives></inline-formula>b</p>",
            ["A y^2 b"],
        ),
        (
            "<p><inline-formula><tex-math>\\documentclass{x}\\begin{document}$$a_1$$\\end{document}</tex-math>"
            "</inline-formula></p>",
            ["a_1"],
        ),
        (f"<p>One</p><disp-formula><label>(1)</label>{SQUARE}</disp-formula><p>Two</p>", ["One", "y^2 (1)", "Two"]),
        (f"<p>Where <disp-formula>{SQUARE}</disp-formula> holds.</p>", ["Where y^2 holds."]),
        ("<sec><label>1</label><title>Load m<sup>2</sup></title><p>a</p></sec>", ["1 Load m^2", "a"]),
        (
            "<sec><title>S</title><list><list-item><p>a 5<sup>2</sup></p><disp-quote><p>said</p></disp-quote>"
            "</list-item></list><fig><label>Fig 1</label></fig><p>After.</p></sec>",
            ["S", "- a 5^2 said", "Fig 1", "After."],
        ),
        (
            "<table-wrap><label>Table 1</label><caption><p>Loads 10<sup>6</sup></p></caption><table><tr><td>10<sup>6"
            f"</sup></td><td>{SQUARE}</td></tr></table><table-wrap-foot><fn><label>a</label><p>Foot.</p></fn>"
            "</table-wrap-foot></table-wrap><p>After.</p>",
            ["Table 1 Loads 10^6", "| 10^6 | y^2 |\n| --- | --- |", "a Foot.", "After."],
        ),
        (
            "<def-list><def-item><term>TEU</term><def><p>a box</p></def></def-item></def-list><p>After.</p>",
            ["- TEU: a box", "After."],
        ),
        (
            "<boxed-text><caption><title>Box</title></caption><p>In it.</p></boxed-text><verse-group><verse-line>Up"
            "</verse-line></verse-group><preformat>x = 1</preformat>",
            ["Box", "In it.", "Up", "x = 1"],
        ),
    ],
)
def test_what_an_article_says_is_read(body: str, read: list[str]) -> None:
    assert lines(body) == read


def test_what_stands_behind_or_apart_from_the_text_of_an_article_is_read() -> None:
    back = (
        "<back><ref-list><title>Sources</title><ref><mixed-citation>Ada. 2020.</mixed-citation></ref></ref-list>"
        "<app-group><app><title>Appendix A</title><p>More.</p></app></app-group></back>"
        "<floats-group><fig><label>Fig 9</label><caption><p>Afloat.</p></caption></fig></floats-group>"
    )
    assert lines("<p>Text.</p>", back) == ["Text.", "Fig 9 Afloat.", "Sources", "- Ada. 2020.", "Appendix A", "More."]


def test_styled_letters_tear_no_word_and_the_keywords_are_read() -> None:
    keywords = "<kwd-group><title>Key words:</title><kwd>crane</kwd><kwd>quay <bold>wall</bold></kwd></kwd-group>"
    body = "<body><p>un<bold>believ</bold><italic>ably</italic> <italic>p</italic>-values</p></body>"
    content = f"{HEAD}{body}</article>".replace("</article-meta>", f"{keywords}</article-meta>").replace(
        "<body><body>", "<body>"
    )
    blocks = parse("application/jats+xml", "a.nxml", content.encode(), ParsingLimits()).blocks
    assert [block.text for block in blocks][1:] == ["Key words: crane, quay wall", "unbelievably p-values"]
