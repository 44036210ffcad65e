"""What Outlook packs into one attachment is read like any other part of a mail."""

import struct
from base64 import b64encode

import pytest

from shared.parsing.light.tnef import packed_mail
from tests.documents.routed import read, text_of

NARROW, WIDE, LONG, BINARY, OBJECT = 0x1E, 0x1F, 0x03, 0x102, 0x0D
HEAD = "From: Rita <r@example.org>\nTo: n@example.org\nSubject: Prices\nMIME-Version: 1.0\n"
RICH = rb"{\rtf1\ansi The crane moves to K\'f6ln.\par}"
SHEET = b"Article,Price\nBuoy,88.00\n"


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("<BII", 1, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def prop(kind: int, tag: int, value: bytes | int, name: str = "") -> bytes:
    written = struct.pack("<HH", kind, tag)
    if name:
        text = (name + "\0").encode("utf-16-le")
        written += bytes(16) + struct.pack("<II", 1, len(text)) + text + bytes(-len(text) % 4)
    if isinstance(value, int):
        return written + struct.pack("<I", value)
    return written + struct.pack("<II", 1, len(value)) + value + bytes(-len(value) % 4)


def props(*listed: bytes) -> bytes:
    return struct.pack("<I", len(listed)) + b"".join(listed)


def file(name: str, content: bytes, *, as_object: bytes = b"") -> bytes:
    data = prop(OBJECT, 0x3701, as_object) if as_object else b""
    listed = props(prop(WIDE, 0x3707, f"{name}\0".encode("utf-16-le")), *([data] if data else []))
    written = attribute(0x69002, bytes(14)) + attribute(0x68010, b"SHORT~1.TXT\0")
    return written + (attribute(0x6800F, content) if content else b"") + attribute(0x69005, listed)


def packed(*parts: bytes, body: bytes = b"") -> bytes:
    listed = props(prop(LONG, 0x0017, 1), prop(LONG, 0x8005, 7, "Keywords"), *([body] if body else []))
    head = struct.pack("<IH", 0x223E9F78, 1) + attribute(0x69007, struct.pack("<II", 1252, 0))
    return head + attribute(0x69003, listed) + b"".join(parts)


def mail(content: bytes, text: str = "") -> bytes:
    plain = f"--b\nContent-Type: text/plain\n\n{text}\n" if text else ""
    part = "--b\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
    written = f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{plain}{part}{b64encode(content).decode()}\n--b--"
    return written.encode()


@pytest.mark.parametrize(
    "body",
    [
        prop(WIDE, 0x1000, "The crane moves to Köln.\0".encode("utf-16-le")),
        prop(NARROW, 0x1000, "The crane moves to Köln.\0".encode("cp1252")),
        prop(BINARY, 0x1013, b"<p>The <b>crane</b> moves to K\xf6ln.</p>"),
        prop(BINARY, 0x1009, struct.pack("<II4sI", 60, 45, b"MELA", 0) + RICH),
    ],
)
def test_the_text_and_the_files_of_a_packed_mail_are_read(body: bytes) -> None:
    text = text_of(read("a.eml", mail(packed(file("prices.csv", SHEET), body=body))))
    places = [text.find(each) for each in ("The crane moves to Köln.", "prices.csv\n| Art", "| Buoy | 88.00 |")]
    assert -1 not in places and places == sorted(places) and text.count("crane") == 1 and "SHORT" not in text


def test_the_packed_text_is_read_only_where_the_mail_has_no_other() -> None:
    body = prop(WIDE, 0x1000, "Said again.\0".encode("utf-16-le"))
    text = text_of(read("a.eml", mail(packed(file("prices.csv", SHEET), body=body), "Said once.")))
    assert "Said once." in text and "again" not in text and "| Buoy | 88.00 |" in text


def test_a_mail_in_a_packed_mail_is_a_mail_below_it() -> None:
    subject = prop(WIDE, 0x0037, "Inner subject\0".encode("utf-16-le"))
    inner = packed(file("prices.csv", SHEET), attribute(0x2800C, b"Inner words.\0"), body=subject)
    text = text_of(read("a.eml", mail(packed(file("inner", b"", as_object=bytes(16) + inner)), "Outer.")))
    places = [text.find(each) for each in ("Outer.", "Inner subject", "Inner words.", "| Buoy | 88.00 |")]
    assert -1 not in places and places == sorted(places)


def test_a_packed_mail_that_is_damaged_or_empty_loses_only_itself() -> None:
    whole = packed(file("prices.csv", SHEET), body=prop(WIDE, 0x1000, "Words.\0".encode("utf-16-le")))
    for cut in range(6, len(whole), 7):
        packed_mail(whole[:cut])
    assert "Outer." in text_of(read("a.eml", mail(whole[:40], "Outer.")))
