"""What the router promises about files by their content and their names."""

import random

import pytest

from shared.formats.router import HEAD_BYTES, FormatRouter, Routed
from shared.types.errors import EmptyFile, UnsupportedFormat
from tests.documents.compound import compound

ROUTER = FormatRouter()
HTML = b"<!-- made by hand -->\n<!DOCTYPE html><html><body><p>Hello</p></body></html>"


def route(name: str, content: bytes, declared: str | None = None) -> Routed:
    return ROUTER.route(name, declared, content[:HEAD_BYTES], len(content))


@pytest.mark.parametrize(
    ("name", "content", "extension", "media_type"),
    [
        ("notes.md", b"# Notes\n\ntext", "md", "text/markdown"),
        ("notes.TXT", b"some words", "txt", "text/plain"),
        ("page.html", b"<p>a fragment", "html", "text/html"),
        ("page.htm", b"<p>a fragment", "htm", "text/html"),
        ("prices.csv", b"a,b\n1,2\n", "csv", "text/csv"),
        ("data.json", b'\xef\xbb\xbf {"a": 1}', "json", "application/json"),
        ("data.json", b"[1, 2, 3]", "json", "application/json"),
        (r"C:\files\notes.md", b"# Notes", "md", "text/markdown"),
    ],
)
def test_every_listed_format_is_recognised(name: str, content: bytes, extension: str, media_type: str) -> None:
    assert route(name, content) == Routed(media_type, extension, "light", "cpu")


@pytest.mark.parametrize(
    ("content", "extension"),
    [
        (b"%PDF-1.7\n1 0 obj", "pdf"),
        (b"\n %PDF-1.4\n", "pdf"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "jpg"),
        (b"II*\x00\x08\x00\x00\x00", "tiff"),
        (b"BM\x36\x00\x0c\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", "bmp"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
    ],
)
@pytest.mark.parametrize("name", ["innocent.txt", "innocent.docx", "innocent"])
def test_what_has_pages_is_known_by_its_content(name: str, content: bytes, extension: str) -> None:
    assert (route(name, content).extension, route(name, content).parser) == (extension, "paged")


def test_a_text_called_pdf_is_a_text() -> None:
    assert route("notes.pdf", b"BMW and PNG are letters").extension == "txt"


@pytest.mark.parametrize("name", ["page.txt", "page.md", "page", "page.xyz"])
def test_a_whole_web_page_is_html_whatever_its_name(name: str) -> None:
    assert route(name, HTML).extension == "html"


@pytest.mark.parametrize("content", [b"not json at all", b"{curly} words", b"[1] a footnote", b"[see below] words"])
def test_a_file_called_json_that_does_not_look_like_it_is_plain_text(content: bytes) -> None:
    assert route("data.json", content).extension == "txt"


def test_json_in_a_text_file_stays_text() -> None:
    assert route("data.txt", b'{"a": 1}').extension == "txt"


def test_a_file_without_an_extension_is_known_by_its_content_or_its_media_type() -> None:
    assert route("README", b"Read me first.").extension == "txt"
    assert route("README", b"# Read me", "text/markdown; charset=utf-8").extension == "md"
    assert route("answer", b'{"a": [1]}').extension == "json"
    assert route(".gitignore", b"*.pyc\n").extension == "txt"


def test_an_unknown_extension_is_refused_unless_something_speaks_for_the_text() -> None:
    with pytest.raises(UnsupportedFormat, match=r"\.xyz are not supported; supported are: md, txt"):
        route("notes.xyz", b"some words")
    assert route("server.log", b"some words", "text/plain").extension == "txt"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00readme", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "a legacy Office document"),
        (b"GIF89a\x00\x00\x01", "a GIF image"),
        (b"MZ\x90\x00\x03\x00", "a Windows program"),
    ],
)
@pytest.mark.parametrize("name", ["innocent.txt", "innocent.md", "innocent.json", "innocent.html"])
def test_a_binary_file_is_refused_by_its_true_name(name: str, content: bytes, what: str) -> None:
    with pytest.raises(UnsupportedFormat, match=what):
        route(name, content, "text/plain")


def test_words_that_begin_like_a_binary_file_are_still_text() -> None:
    assert route("bmw.txt", b"BMW and MZ and GIF8 are words").extension == "txt"
    assert route("zones.txt", b"MZ is a zone").extension == "txt"


@pytest.mark.parametrize(
    "content",
    [b"text with a \x00 byte", bytes(range(256)), random.Random(7).randbytes(5000), b"\xef\xbb\xbf\xff\xfe\xff broken"],
)
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match="not text in a known encoding"):
        route("notes.md", content)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252", "cp1251", "koi8-r"]
)
def test_text_is_taken_in_every_usual_encoding(encoding: str) -> None:
    text = "Привет, мир" if encoding in {"cp1251", "koi8-r"} else "Grüße aus Köln, garçon"
    assert route("notes.txt", text.encode(encoding)).extension == "txt"


def test_a_character_cut_at_the_end_of_the_head_does_no_harm() -> None:
    content = b"a" + "ü".encode() * HEAD_BYTES
    assert route("notes.md", content).extension == "md"


@pytest.mark.parametrize(
    "content", [b"", b"  \n\t\r\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", "\u200b \u00a0".encode(), b"\xff\xfe \x00"]
)
def test_a_file_with_nothing_to_read_is_empty(content: bytes) -> None:
    with pytest.raises(EmptyFile):
        route("notes.md", content)


def test_a_head_of_white_space_alone_does_not_make_a_long_file_empty() -> None:
    assert route("notes.md", b" " * HEAD_BYTES + b"words").extension == "md"


LISTED = (
    "pdf docx pptx xlsx png jpg jpeg tiff bmp html xml json csv ipynb epub rtf tex md rst adoc org odt msg txt htm "
    "mhtml eml doc xls ppt ods odp nxml vtt boxnote asciidoc mht tsv"
)


def test_the_list_of_formats_has_one_row_for_each_extension() -> None:
    listed = [row.extension for row in ROUTER.formats()]
    assert set(LISTED.split()) <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("name", "content", "extension", "parser"),
    [
        ("a.txt", b"{\\rtf1\\ansi words}", "rtf", "legacy"),
        ("a", b"{\\rtf1\\ansi words}", "rtf", "legacy"),
        ("a.txt", b"PK\x03\x04\x14\x00\x06\x00word/document.xml", "docx", "docling"),
        ("a.docx", b"PK\x03\x04 cut off", "docx", "docling"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", "doc", "legacy"),
        ("a.txt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nwords", "vtt", "docling"),
        ("a.txt", b"<?xml version='1.0'?><book/>", "xml", "light"),
        ("a.xml", b"<book/>", "xml", "light"),
        ("a.xml", b"<!DOCTYPE article PUBLIC '-//NLM//DTD JATS'><article/>", "nxml", "docling"),
        ("a.xml", b"<?xml version='1.0'?><!DOCTYPE us-patent-grant><us-patent-grant/>", "xml", "docling"),
        ("a.svg", b"<?xml version='1.0'?><html></html>", "html", "light"),
        ("a", b"\\documentclass{article}", "tex", "docling"),
        ("a", b"From: a@b.c\nTo: d@e.f\n\nwords", "eml", "light"),
        ("a", b"MIME-Version: 1.0\nContent-Type: multipart/related\n\nwords", "mhtml", "light"),
        ("a", b'{"cells": []}', "ipynb", "light"),
        ("a.eml", b"Nobody wrote this.", "txt", "light"),
        ("a.boxnote", b"not json", "txt", "light"),
    ],
)
def test_what_a_file_holds_decides_and_its_name_only_helps(
    name: str, content: bytes, extension: str, parser: str
) -> None:
    routed = route(name, content)
    assert (routed.extension, routed.parser) == (extension, parser)


@pytest.mark.parametrize("stream", ["Workbook", "Book"])
def test_a_workbook_is_known_by_its_stream_in_every_version_of_excel(stream: str) -> None:
    assert route("a.doc", compound({stream: b"cells"})).extension == "xls"


def test_an_archive_of_anything_else_is_refused() -> None:
    with pytest.raises(UnsupportedFormat, match="a ZIP archive"):
        route("a.txt", b"PK\x03\x04\x14\x00\x06\x00readme.txt")
