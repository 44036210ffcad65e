"""What a document carries is read as a part of it; what is not read is named."""

import base64
import ctypes
import re
import signal
import struct
from email.message import EmailMessage

import docx
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from openpyxl import Workbook

from shared.parsing.attachments import DEEPEST, attachments_left_out
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.messages import Parse, Parsed, WorkerAnswer, WorkerJob
from shared.parsing.pool import ParserPool
from shared.parsing.process import WorkerDied
from shared.types.errors import Rejected
from tests.documents.compound import Storage, compound
from tests.documents.make import saved
from tests.documents.routed import read, text_of
from tests.shared.parsing import drawn

HEAD = "From: Rita <r@example.org>\nTo: n@example.org\nSubject: {}\nMIME-Version: 1.0\n"


def word(text: str) -> bytes:
    document = docx.Document()
    document.add_paragraph(text)
    return saved(document)


def sheet(*rows: list[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    return saved(book)


def mail(subject: str, *files: tuple[str, bytes, str]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Rita <r@example.org>", "n@example.org", subject
    message.set_content("See below.")
    for name, content, kind in files:
        message.add_attachment(content, *kind.split("/"), filename=name)
    return message.as_bytes()


def test_every_file_of_a_mail_is_read_below_its_name_by_its_content() -> None:
    inner = mail("Lock", ("deep.txt", "Die Schleuse öffnet um neun.".encode(), "text/plain"))
    files = (
        ("plan.pdf", drawn.pdf(drawn.lines("The crane stands on quay nine.")), "application/octet-stream"),
        ("note", word("The buoy is yellow."), "application/msword"),
        ("prices.dat", sheet(["Article", "Price"], ["Rope", 12.5]), "application/octet-stream"),
        ("page.html", b"<h1>Tides</h1><p>High at noon.</p><p hidden>Never seen.</p>", "application/octet-stream"),
        ("kept.log", b"09:00 gate opened", "application/x-log"),
        ("old.eml", inner, "application/octet-stream"),
    )
    document = read("a.eml", mail("Papers", *files))
    text = text_of(document)
    seen = (
        "See below.",
        "crane stands",
        "buoy is yellow",
        "| Rope | 12.5 |",
        "High at noon",
        "gate opened",
        "öffnet um",
    )
    places = [text.find(each) for each in seen]
    assert -1 not in places and places == sorted(places)
    headings = [block.text for block in document.blocks if block.kind == "heading"]
    assert [name for name, _, _ in files] == [
        each for each in headings if each in dict.fromkeys(n for n, _, _ in files)
    ]
    assert "Not read" not in text and "Never seen" not in text and document.hidden_words == 2
    assert {block.page for block in document.blocks} == {None}


def test_what_is_not_read_is_named_with_its_reason_and_counted() -> None:
    files = (
        ("a.bin", bytes(range(256)) * 9, "application/pdf"),
        ("locked.pdf", drawn.pdf(drawn.text_page(), password="secret"), "application/pdf"),
        ("good.txt", b"Good words.", "text/plain"),
        ("cut.docx", word("lost")[:900], "application/octet-stream"),
    )
    text = text_of(read("a.eml", mail("Papers", *files)))
    assert "Not read: 3 of 4 attachments" in text and "locked.pdf: it is encrypted" in text and "Good words." in text
    assert re.search(r"^a\.bin: .+$", text, re.M) and re.search(r"^cut\.docx: .+$", text, re.M)


@pytest.mark.parametrize("kind", ["message/rfc822", "application/octet-stream"])
def test_a_mail_is_read_in_a_mail_however_it_is_attached(kind: str) -> None:
    inner = base64.encodebytes(mail("Crane moved")).decode()
    part = f'Content-Type: {kind}; name="x.eml"\nContent-Transfer-Encoding: base64\n\n{inner}'
    whole = f"{HEAD.format('Outer')}Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi.\n--b\n{part}\n--b--\n"
    assert "Crane moved\nFrom: Rita <r@example.org>" in text_of(read("a.eml", whole.encode()))


def test_attachments_have_bounds_of_depth_text_and_repetition() -> None:
    nested = b"innermost words"
    for depth in range(DEEPEST + 1):
        nested = mail(f"Level {depth}", ("inner.eml" if depth else "inner.txt", nested, "application/octet-stream"))
    text = text_of(read("a.eml", nested))
    assert "innermost words" not in text and "files deep" in text
    same = (("a.txt", b"once only", "text/plain"), ("b.txt", b"once only", "text/plain"))
    assert "b.txt: it is the same file as a.txt" in (text := text_of(read("a.eml", mail("Two", *same))))
    assert text.count("once only") == 1
    long = ("long.txt", b"many words " * 900, "text/plain")
    assert "Not read: 1 of 1" in text_of(read("a.eml", mail("Long", long), ParsingLimits(expanded_bytes=5_000)))


def test_a_document_is_read_without_attachments_where_these_end_its_parser() -> None:
    with attachments_left_out("reading them ended their parser"):
        text = text_of(read("a.eml", mail("Papers", ("a.txt", b"words", "text/plain"))))
    assert "See below." in text and "a.txt: reading them ended their parser" in text


def test_a_mailbox_is_read_as_many_mails() -> None:
    box = b"".join(
        f"From r@example.org Mon Mar 17 11:15:17 2026\n{HEAD.format(name)}\n>From here on: {name} words.\n\n".encode()
        for name in ("First", "Second", "Third")
    )
    blocks = read("a.mbox", box).blocks
    assert [block.text for block in blocks if block.kind == "heading"] == ["First", "Second", "Third"]
    assert "From here on: Second words." in [block.text for block in blocks]


def test_a_report_on_a_mail_and_an_invitation_are_read() -> None:
    head = HEAD.format("No") + "Content-Type: multipart/mixed; boundary=b\n\n"
    report = "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; n@example.org\nStatus: 5.1.1\n"
    event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Dock\nLOCATION:Hall 3\nDESCRIPTION:Bring plans\nEND:VEVENT\n"
    parts = (
        f"--b\nContent-Type: message/delivery-status\n\n{report}\n--b\nContent-Type: multipart/alternative; boundary=c"
    )
    parts += f"\n\n--c\n\nBring plans.\n--c\nContent-Type: text/calendar\n\n{event}END:VCALENDAR\n--c--\n--b--\n"
    text = text_of(read("a.eml", (head + parts).encode()))
    assert "Status: 5.1.1" in text and "Place: Hall 3" in text and text.count("Bring plans") == 1
    alone = text_of(read("a.ics", event.encode() + b"END:VCALENDAR"))
    assert alone == "Dock\nPlace: Hall 3\nBring plans"


def test_files_in_a_pdf_are_read_behind_its_pages() -> None:
    document = pypdfium2.PdfDocument(drawn.pdf(drawn.lines("First page words."), drawn.lines("Second page words.")))
    document.new_attachment("invoice.xml").set_data(b"<?xml version='1.0'?><invoice><total>EUR 99</total></invoice>")
    page = document[0]
    note = pdfium.FPDFPage_CreateAnnot(page, pdfium.FPDF_ANNOT_FILEATTACHMENT)
    name = ctypes.create_string_buffer("pinned.txt\0".encode("utf-16-le"))
    pinned = pdfium.FPDFAnnot_AddFileAttachment(note, ctypes.cast(name, ctypes.POINTER(pdfium.FPDF_WCHAR)))
    pdfium.FPDFAttachment_SetFile(pinned, document, b"Pinned words.", 13)
    pdfium.FPDFPage_CloseAnnot(note)
    text = text_of(read("a.pdf", saved(document)))
    places = [
        text.find(each) for each in ("First page", "Second page", "invoice.xml", "EUR 99", "pinned.txt", "Pinned")
    ]
    assert -1 not in places and places == sorted(places)


def test_a_mail_of_outlook_is_read_with_its_files_and_the_mails_in_it() -> None:
    def texts(values: dict[int, str]) -> dict[str, bytes]:
        return {f"__substg1.0_{tag:04X}001F": value.encode("utf-16-le") for tag, value in values.items()}

    page = drawn.pdf(drawn.lines("The crane stands on quay nine."))
    inner = texts({0x0037: "Inner", 0x1000: "Inner words."}) | {"__properties_version1.0": bytes(24)}
    person = struct.pack("<HHIQ", 3, 0x0C15, 6, 2)
    streams = texts({0x0037: "Papers", 0x0C1A: "Rita", 0x5D01: "r@example.org"})
    streams |= {"__substg1.0_10130102": b"<html><p>Page words.</p></html>", "__properties_version1.0": bytes(32)}
    storages: dict[str, Storage] = {
        "__recip_version1.0_#00000000": texts({0x3001: "Nils", 0x39FE: "n@example.org"})
        | {"__properties_version1.0": bytes(8) + person},
        "__attach_version1.0_#00000000": texts({0x3707: "plan.pdf"}) | {"__substg1.0_37010102": page},
        "__attach_version1.0_#00000001": {"__substg1.0_3701000D": inner},
    }
    text = text_of(read("a.msg", compound(streams, storages)))
    assert "From: Rita <r@example.org>\nCc: Nils <n@example.org>\nAttachments: plan.pdf" in text
    assert "Page words." in text and "The crane stands" in text and "Inner\nInner words." in text


class _Fragile(ParserPool):
    """Its workers die on any attachment."""

    async def _attempt(self, order: WorkerJob, content: bytes) -> WorkerAnswer:
        if not isinstance(order, Parse) or order.with_attachments:
            raise WorkerDied(-signal.SIGSEGV)
        return Parsed(ParsedDocument(()), 0)


async def test_a_mail_whose_attachment_kills_its_parser_is_read_and_other_documents_are_rejected() -> None:
    pool = _Fragile(ParsingLimits())
    assert (await pool.parse("light", "message/rfc822", "a.eml", mail("Papers"))).parser == "light"
    with pytest.raises(Rejected, match="crashed"):
        await pool.parse("light", "text/plain", "a.txt", b"words")
