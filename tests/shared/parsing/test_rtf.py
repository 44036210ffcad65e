"""RTF is read in the letters of its fonts, without marks inside its words and without what it hides."""

import re

from shared.parsing.legacy.parsers import parse
from shared.parsing.legacy.rtf import prepared
from shared.parsing.limits import ParsingLimits

FONTS = rb"{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}{\f2\fcharset128 Gothic;}{\f3\fcharset2 Symbol;}}"


def rtf(body: bytes) -> bytes:
    return rb"{\rtf1\ansi\ansicpg1252" + FONTS + rb"\f0 " + body + rb"\par}"


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
