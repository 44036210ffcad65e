"""Mails with other parts than text, and texts whose encoding or entities nobody names."""

import pytest

from shared.formats.router import FormatRouter
from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits
from tests.documents.routed import text_of

HEAD = "From: Rita <r@example.org>\nTo: n@example.org\nSubject: Prices\nMIME-Version: 1.0\n"
MIXED = HEAD + "Content-Type: multipart/{}; boundary=b\n\n"
RUSSIAN = "Поезд прибывает в полночь, вход со двора."
JAPANESE = "会議は三月十日です。場所は第三会議室です。"
CHINESE = "港口起重机检查。\n时间：九点"
KOREAN = "기중기는 아홉 시에 점검합니다."
GERMAN = "Der Wärter heißt Aune."
FEED = "<rss><channel><item><title>Gate</title><description>{}</description></item></channel></rss>"


def read(name: str, content: bytes) -> str:
    routed = FormatRouter().route(name, None, content, len(content))
    return text_of(parse_light(routed.media_type, content, ParsingLimits()))


def part(kind: str, text: str) -> str:
    return f"--b\nContent-Type: {kind}\n\n{text}\n"


def test_every_part_of_a_mail_is_read_once() -> None:
    inner = "From: Ole <o@example.org>\nSubject: Moved\n\nThe crane moves."
    parts = part("text/plain", "See below.") + part("text/csv; name=p.csv", "Article,Price\nBuoy,88.00")
    text = read("a.eml", (MIXED.format("mixed") + parts + part("message/rfc822", inner) + "--b--").encode())
    places = [text.find(each) for each in ("See below.", "| Buoy | 88.00 |", "Moved", "From: Ole", "The crane")]
    assert -1 not in places and places == sorted(places) and text.count("The crane") == 1


def test_an_invitation_is_its_text_or_else_its_fields() -> None:
    event = "BEGIN:VEVENT\nSUMMARY:Dock\\, gate\nDTSTART;TZID=Europe/Oslo:20260310T100000\n"
    event += "DESCRIPTION:Bring\n  plans\nEND:VEVENT"
    both = part("text/plain", "Bring plans.") + part("text/calendar", event) + "--b--"
    assert "BEGIN" not in (text := read("a.eml", (MIXED.format("alternative") + both).encode())) and "plans." in text
    text = read("a.eml", (MIXED.format("mixed") + part("text/calendar", event) + "--b--").encode())
    assert "Dock, gate\nStart: 2026-03-10 10:00 (Europe/Oslo)\nBring plans" in text


def test_a_mail_in_a_mailbox_and_in_japanese_is_a_mail() -> None:
    mail = b"From 14@xxx Mon Mar 17 11:15:17 +0000 2026\n" + HEAD.encode()
    text = read("a.eml", mail + "Content-Type: text/plain; charset=iso-2022-jp\n\n会議です。".encode("iso-2022-jp"))
    assert "From: Rita" in text and "会議です。" in text and "14@xxx" not in text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(RUSSIAN, each) for each in ("koi8-r", "cp1251", "cp866", "utf-16-le", "utf-16-be", "utf-32-le", "utf-8")]
    + [(GERMAN, each) for each in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1252")]
    + [(text, each) for text in (JAPANESE, CHINESE, KOREAN) for each in ("utf-16-le", "utf-16-be", "utf-8")],
)
def test_a_short_text_is_read_in_its_encoding(text: str, encoding: str) -> None:
    assert read("a.txt", text.encode(encoding)) == text


@pytest.mark.parametrize(
    "written", ["<![CDATA[<p>18&nbsp;<b>tonnes</b></p><img onerror='x()'>]]>", "&lt;p>18&amp;nbsp;tonnes&lt;/p>"]
)
def test_html_in_a_feed_is_read_as_text(written: str) -> None:
    assert read("a.xml", FEED.format(written).encode()).split() == ["Gate", "18", "tonnes"]


def test_entities_of_html_are_known_in_xml_and_its_own_come_first() -> None:
    own = b'<!DOCTYPE a [<!ENTITY copy "by us">]><a><p>Caf&eacute; 9&ndash;17 &copy; &amp; <![CDATA[&eacute;]]></p></a>'
    assert read("a.xml", own) == "Café 9–17 by us & &eacute;"
