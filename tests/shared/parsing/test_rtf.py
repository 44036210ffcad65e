"""RTF is read in the letters of its fonts, without marks inside its words and without what it hides."""

import re

import pytest

from shared.parsing.legacy.parsers import parse
from shared.parsing.legacy.rtf import prepared
from shared.parsing.limits import ParsingLimits

COLOURS = rb"{\colortbl;\red255\green255\blue255;\red0\green0\blue0;\red250\green255\blue255;\red0\green0\blue128;}"
FONTS = rb"{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}{\f2\fcharset128 Gothic;}{\f3\fcharset2 Symbol;}}"


def rtf(body: bytes) -> bytes:
    return rb"{\rtf1\ansi\ansicpg1252" + FONTS + COLOURS + rb"\f0 " + body + rb"\par}"


def lines(body: bytes) -> list[str]:
    return [block.text for block in parse("application/rtf", "a.rtf", rtf(body), ParsingLimits()).blocks]


def test_letters_of_other_code_pages_become_unicode() -> None:
    body = rb"{\f1 \'cf\'ee}{\f2 \'93\'fa}{\f3 W} na\'efve \uc1\u8364?5"
    codes = {chr(int(code)) for code in re.findall(rb"\\u(\d+)", prepared(rtf(body)).content)}
    assert codes == set("По日Ωï€")


def test_what_is_hidden_or_deleted_is_counted_and_not_read() -> None:
    done = prepared(rtf(rb"seen {\v two words}{\deleted gone}\v three\v0  seen"))
    assert done.hidden_words == 4
    assert not any(word in done.content for word in (b"two", b"gone", b"three"))


def test_words_that_are_partly_bold_stay_whole_and_asterisks_stay() -> None:
    document = parse("application/rtf", "a.rtf", rtf(rb"un{\b believ}{\i ably} 2*3*4"), ParsingLimits())
    assert [block.text for block in document.blocks] == ["unbelievably 2*3*4"]


def test_headers_footers_and_annotations_are_read_once_each() -> None:
    furniture = rb"{\headerf First head\par}{\header\pard Gate report\par}{\footer\pard\chpgn\par}"
    again = rb"{\header\pard Gate report\par}{\footerr {\b Vik} yard\par}{\footer Page 1 of 2\par}"
    remark = rb"{\*\atnid AB}{\*\atnauthor Ada Bo}\chatn{\*\annotation{\*\atnref 7}\pard {\chatn }Not so.\par}"
    body = furniture + rb"\pard One" + remark + rb" line.\par\sect " + again + rb"\pard Two."
    assert lines(body) == ["First head", "Gate report", "One line.", "Two.", "Ada Bo: Not so.", "Vik yard"]


def test_an_old_text_box_is_read() -> None:
    box = rb"{\*\do\dobxpage\dptxbx{\dptxbxtext\pard Boxed.\par}\dpx1}"
    assert lines(box + rb"\pard Body.") == ["Body.", "Boxed."]


@pytest.mark.parametrize(
    "body",
    [
        rb"seen {\cf1 two words} seen",
        rb"seen \cf3 two words\cf0  seen",
        rb"seen {\fs0 two words} seen",
        rb"seen {\fs1 two words} seen",
        rb"seen {\fs2 two words}\fs20  seen",
        rb"seen {\highlight4\cf4 two words} seen",
        rb"seen {\cb2\cf2 two words} seen",
        rb"seen {\chcbpat4\cf4 two words} seen",
        rb"seen {\mvf two words} seen",
        rb"seen {\cf1 tw\'6f wor{\b ds}} seen",
        rb"seen {\cf1 \u116?wo words} seen",
    ],
)
def test_what_nobody_can_see_is_counted_and_not_read(body: bytes) -> None:
    document = parse("application/rtf", "a.rtf", rtf(body), ParsingLimits())
    assert " ".join(document.blocks[0].text.split()) == "seen seen"
    assert document.hidden_words == 2


@pytest.mark.parametrize(
    "body",
    [
        rb"{\cf2 open words}",
        rb"{\cf0 open words}",
        rb"{\cf1\highlight4 open words}",
        rb"{\cf1\chcbpat2 open words}",
        rb"{\cf1\chshdng5000\chcfpat2 open words}",
        rb"\cbpat2{\cf1 open words}",
        rb"\cf1\plain open words",
        rb"{\cf9 open words}",
        rb"{\fs16 open words}",
    ],
)
def test_what_can_be_seen_is_read(body: bytes) -> None:
    document = parse("application/rtf", "a.rtf", rtf(body), ParsingLimits())
    assert (document.blocks[0].text, document.hidden_words) == ("open words", 0)


def test_white_letters_of_a_cell_are_seen_where_its_fill_is_dark() -> None:
    row = rb"\trowd\clcbpat4\cellx1000\cellx2000\pard\intbl{\cf1 open\cell}{\cf1 hidden}x\cell\row\pard "
    document = parse("application/rtf", "a.rtf", rtf(row + b"{\\cf1 gone} end"), ParsingLimits())
    assert document.blocks[0].rows == (("open", "x"),)
    assert document.hidden_words == 2


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"10{\super 6} litres, 5{\up6 2}, 2\super 8\nosupersub  more", "10^6 litres, 5^2, 2^8 more"),
        (rb"H{\sub 2}O, x{\dn6 i}, 1{\super st}, e{\super x + 1}", "H2O, x_i, 1st, e^(x + 1)"),
        (rb"10{\super\u8722?3} m", "10^−3 m"),
        (rb"\u-10179?\u-8704? smile {\uc2\u-10179\'3f\'3f\u-8704??}", "😀 smile 😀"),
        (rb"\uc0\u-10179 \u-8704  and \u55357 \u56832 ", "😀 and 😀"),
        (rb"a\u8212\emdash b \u8364\'80 5", "a—b € 5"),
        (rb"{\f2 \'83J\'83\'81\'83\'89}", "カメラ"),
        (b"caf\xe9", "café"),
        (rb"{\upr{Stra?e}{\*\ud Stra\u223\'3fe}}", "Straße"),
        (rb"{\pict\bin4 }{\\x}seen", "seen"),
    ],
)
def test_letters_and_powers_are_read_as_they_are_seen(body: bytes, text: str) -> None:
    assert lines(body) == [text]


def test_only_the_numbers_of_pages_are_left_out_of_headers() -> None:
    field = r"{\field{\*\fldinst {\lang1 %s }}{\fldrslt {\lang1 77}}}"
    header = r"{\header 4711\par}{\footer Page " + field % "PAGE" + " of " + field % "NUMPAGES" + r"\par}"
    document = parse("application/rtf", "a.rtf", (r"{\rtf1 " + header + r"Body.\par}").encode(), ParsingLimits())
    assert [block.text for block in document.blocks] == ["4711", "Body."]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" ", b" \r\n"])
def test_a_line_break_behind_a_control_word_ends_it(end: bytes) -> None:
    words = (rb"First\b0", rb"line.\par", rb"Second\par\pard", rb"Third\line", rb"fourth\tab", b"fifth")
    assert " ".join(lines(end.join(words))).split() == ["Firstline.", "Second", "Third", "fourth", "fifth"]
