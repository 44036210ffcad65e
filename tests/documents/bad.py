"""Files that are damaged, disguised or made to harm, with the ends that each of them may come to.

`python -m tests.documents.bad` runs all of them and prints what became of them.
"""

import asyncio
import json
import random
import struct
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from msgspec import Struct

from shared.formats.router import HEAD_BYTES, FormatRouter
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.types.errors import EmptyFile, Rejected, UnsupportedFormat
from tests.documents import legacy, make
from tests.documents.compound import MAGIC, compound
from tests.shared.parsing import drawn

PARSED = "parsed"
UNREADABLE = frozenset({"corrupt", "empty", "unsupported-format"})
ANYTHING = UNREADABLE | {PARSED, "encrypted", "too-large-expanded", "too-deep"}
TOO_MUCH = frozenset({"too-large-expanded"})

ARCHIVES = ("docx", "pptx", "xlsx", "odt", "ods", "odp", "epub")
BINARIES = (*ARCHIVES, "doc", "xls", "ppt", "msg")
_WORDS = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'"


class Bad(Struct, frozen=True):
    name: str
    content: bytes
    ends: frozenset[str]


def corpus(pages: bool = False) -> Iterator[Bad]:
    """The same every time. With `pages`, those with pages too."""
    extensions = [each for each in make.EXTENSIONS if pages or each != "pdf"]
    yield from _cut(extensions)
    yield from _flipped()
    yield from _disguised()
    yield from _encrypted()
    yield from _archives()
    yield from _markup()
    yield from _deep()
    yield from _garbage()
    if pages:
        yield from _paged()


def _cut(extensions: list[str]) -> Iterator[Bad]:
    for extension in extensions:
        whole = make.make(extension)
        yield Bad(f"cut-0.{extension}", b"", frozenset({"empty"}))
        for share in (1, 50, 99):
            yield Bad(f"cut-{share}.{extension}", whole[: max(1, len(whole) * share // 100)], ANYTHING)


def _flipped() -> Iterator[Bad]:
    dice = random.Random(11)
    for extension in BINARIES:
        for turn in range(3):
            yield Bad(f"flipped-{turn}.{extension}", _damaged(make.make(extension), 8**turn, dice), ANYTHING)


def _disguised() -> Iterator[Bad]:
    """The content decides, whatever the name says."""
    for extension in ("docx", "xlsx", "odt", "epub", "doc", "msg", "rtf", "html"):
        for name in ("txt", "pdf", "json", "xml"):
            yield Bad(f"{extension}-in.{name}", make.make(extension), frozenset({PARSED}))
    for extension in ("txt", "md"):
        for name in ("docx", "doc", "epub", "eml", "ipynb"):
            yield Bad(f"{extension}-in.{name}", make.make(extension), ANYTHING)


def _encrypted() -> Iterator[Bad]:
    locked = frozenset({"encrypted"})
    package = compound({"EncryptedPackage": b"x" * 5000, "EncryptionInfo": b"\x04\x00\x04\x00"})
    for extension in ("docx", "xlsx", "pptx"):
        yield Bad(f"locked.{extension}", package, locked)
    manifest = "<manifest:encryption-data/>"
    for kind, extension in (("text", "odt"), ("spreadsheet", "ods"), ("presentation", "odp")):
        yield Bad(f"locked.{extension}", make.odf(kind, "<text:p>x</text:p>", manifest), locked)
    for extension in ("docx", "epub"):
        yield Bad(f"flagged.{extension}", _flagged(make.make(extension)), locked)
    page = "<CipherData><CipherReference URI='book/one page.xhtml'/></CipherData>"
    drm = f"<encryption><EncryptedData>{page}</EncryptedData></encryption>"
    yield Bad("drm.epub", _with(make.make("epub"), {"META-INF/encryption.xml": drm}), locked)
    word = bytearray(make.make("doc"))
    start = word.index(b"\xec\xa5\xc1\x00")
    struct.pack_into("<H", word, start + 10, 0x0300)
    yield Bad("locked.doc", bytes(word), locked)
    secret = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0, 0, 0, 6) + struct.pack("<HHHHH", 0x2F, 6, 1, 1, 1)
    yield Bad("locked.xls", compound({"Workbook": secret}), locked)
    yield Bad("locked of 1995.xls", compound({"Book": secret}), locked)
    yield Bad("locked.ppt", compound({"PowerPoint Document": b"\x0f\x00", "EncryptedSummary": b"x"}), locked)


def _flagged(archive: bytes) -> bytes:
    """With the bit that says so on every entry."""
    content = bytearray(archive)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        found = content.find(mark)
        while found >= 0:
            content[found + place] |= 1
            found = content.find(mark, found + 4)
    return bytes(content)


def _with(archive: bytes, parts: dict[str, str | bytes]) -> bytes:
    file = BytesIO(archive)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _archives() -> Iterator[Bad]:
    yield Bad("paragraphs.docx", make.docx_of("<w:p/>" * 1_500_000), TOO_MUCH)
    for extension in ARCHIVES:
        whole = make.make(extension)
        yield Bad(f"zeros.{extension}", _with(whole, {"zeros.bin": bytes(12_000_000)}), TOO_MUCH)
        yield Bad(f"outside.{extension}", _with(whole, {"../../outside.txt": "x"}), frozenset({"corrupt"}))
        yield Bad(f"rooted.{extension}", _with(whole, {"/etc/passwd": "x"}), frozenset({"corrupt"}))
    yield Bad("entries.docx", _with(make.make("docx"), {f"{n}.xml": "" for n in range(10_001)}), TOO_MUCH)
    yield Bad("entries.epub", _with(make.make("epub"), {f"{n}.txt": "" for n in range(10_001)}), TOO_MUCH)
    yield Bad("lying.docx", _lying(make.make("docx")), TOO_MUCH)
    nested = make.zipped({"zeros.bin": bytes(5_000_000)})
    for _ in range(5):
        nested = make.zipped({f"{n}.zip": nested for n in range(8)})
    yield Bad("nested.zip", nested, frozenset({"unsupported-format"}))
    yield Bad("nested.docx", _with(make.make("docx"), {"word/embeddings/more.zip": nested}), frozenset({PARSED}))
    yield Bad("archive.docx", make.zipped({"readme.txt": "hello"}), UNREADABLE)
    yield Bad("empty.docx", make.docx_of(""), frozenset({"empty"}))
    yield Bad("empty.xlsx", make.xlsx_of(""), frozenset({"empty"}))
    yield Bad("corner.xlsx", make.xlsx_of(_corner("A1", "XFD1048576")), frozenset({PARSED}))
    yield Bad("long.xlsx", make.xlsx_of(_rows(20_000)), frozenset({PARSED}))


def _lying(archive: bytes) -> bytes:
    """It says that one of its parts is 4 GB."""
    content = bytearray(archive)
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 0xFFFFFFF0)
    return bytes(content)


def _corner(first: str, last: str) -> str:
    row = "".join(filter(str.isdigit, last))
    return f'<row r="1">{make.cell(first, "here")}</row><row r="{row}">{make.cell(last, "there")}</row>'


def _rows(count: int) -> str:
    return "".join(
        f'<row r="{n}">{make.cell(f"A{n}", f"row {n}")}{make.cell(f"B{n}", "words")}</row>' for n in range(1, count)
    )


def laughs(root: str = "a", doctype: str = "") -> str:
    entities = '<!ENTITY e0 "ha">' + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE {root}{doctype} [{entities}]><{root}><p>&e11;</p></{root}>'


def _markup() -> Iterator[Bad]:
    outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y SYSTEM "http://127.0.0.1:9/y">]>'
    jats = ' PUBLIC "-//NLM//DTD JATS (Z39.96)" "x.dtd"'
    yield Bad("laughs.xml", laughs().encode(), TOO_MUCH)
    yield Bad("laughs-16.xml", laughs().replace("1.0", "1.0").encode("utf-16"), TOO_MUCH)
    yield Bad("laughs.nxml", laughs("article", jats).encode(), TOO_MUCH)
    yield Bad("laughs-patent.xml", laughs("us-patent-grant", ' SYSTEM "us-patent-grant-v4.dtd"').encode(), TOO_MUCH)
    yield Bad("laughs.docx", make.docx_of("<w:p><w:r><w:t>&e11;</w:t></w:r></w:p>", _doctype(laughs())), TOO_MUCH)
    yield Bad("laughs.epub", make.epub_of(laughs("html")), TOO_MUCH)
    quadratic = f'<!DOCTYPE a [<!ENTITY e "{"x" * 50_000}">]><a>{"&e;" * 50_000}</a>'
    yield Bad("quadratic.xml", quadratic.encode(), TOO_MUCH)
    yield Bad("itself.xml", b'<!DOCTYPE a [<!ENTITY e "&f;"><!ENTITY f "&e;">]><a>&e;</a>', TOO_MUCH)
    yield Bad("outside.xml", f"{outside}<a><p>words &x; and &y; words</p></a>".encode(), ANYTHING)
    yield Bad(
        "outside.nxml",
        make.jats()
        .replace('.dtd">', '.dtd" [<!ENTITY x SYSTEM "file:///etc/passwd">]>')
        .replace("crane", "&x;")
        .encode(),
        ANYTHING,
    )
    yield Bad("outside.docx", make.docx_of("<w:p><w:r><w:t>words &x;</w:t></w:r></w:p>", outside), ANYTHING)
    yield Bad(
        "included.xml",
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><p>w</p><xi:include href="/etc/passwd" parse="text"/></a>',
        ANYTHING,
    )
    yield Bad(
        "included.tex", b"\\documentclass{article}\\begin{document}words \\input{/etc/passwd}\\end{document}", ANYTHING
    )
    yield Bad(
        "looped.tex", b"\\documentclass{article}\\def\\a{\\a\\a}\\begin{document}words \\a\\end{document}", ANYTHING
    )
    yield Bad("included.rst", b"words\n\n.. include:: /etc/passwd\n\n.. csv-table::\n   :file: /etc/passwd\n", ANYTHING)
    yield Bad("included.adoc", b"= Words\n\nmore words\n\ninclude::/etc/passwd[]\n", ANYTHING)
    yield Bad(
        "fetched.html", b"<html><img src='http://127.0.0.1:9/x.png'><p>words<link href='file:///etc/passwd'>", ANYTHING
    )
    yield Bad("fetched.odt", make.odf("text", "<text:p>words</text:p>", '<x href="http://127.0.0.1:9/"/>'), ANYTHING)
    for extension in ("xml", "nxml", "boxnote", "json", "ipynb"):
        yield Bad(f"half.{extension}", make.make(extension)[:-20] + b"<<<", UNREADABLE)


def _doctype(text: str) -> str:
    return text[text.index("<!DOCTYPE") : text.index("]>") + 2]


def _deep() -> Iterator[Bad]:
    deep = frozenset({"too-deep"})
    divs = b"<html><body>" + b"<div>" * 20_000 + b"x"
    yield Bad("deep.html", divs, deep)
    yield Bad("deep.mhtml", make.mhtml().replace("<h1>", "<div>" * 2000).encode(), deep)
    yield Bad("deep.epub", make.epub_of("<html><body>" + "<div>" * 20_000 + "x"), deep)
    yield Bad("deep.xml", b"<a>" * 5000 + b"x" + b"</a>" * 5000, deep)
    yield Bad("deep.json", b'{"a":' * 50_000, deep)
    yield Bad("deep.ipynb", b'{"cells":' + b"[" * 100_000, deep)
    yield Bad("deep.boxnote", b'{"doc":' + b'{"content":[' * 20_000, frozenset({"corrupt", "too-deep"}))
    yield Bad("deep.md", b">" * 5000 + b" x", deep)
    yield Bad("deep.org", b"".join(b" " * n + b"- x\n" for n in range(600)), deep)
    yield Bad("deep.rst", b"".join(b" " * n + b"- x\n\n" for n in range(600)), deep)
    yield Bad("deep.rtf", b"{\\rtf1 " + b"{" * 100_000 + b"words", ANYTHING)
    yield Bad("deep.tex", b"\\documentclass{article}\\begin{document}" + b"{" * 5000 + b"words", ANYTHING)
    yield Bad("deep.vtt", b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n" + b"<b>" * 3000 + b"words\n", ANYTHING)
    tables = "<w:tbl><w:tr><w:tc>" * 150
    yield Bad("deep.docx", make.docx_of(tables + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 150), ANYTHING)
    parts = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(400))
    yield Bad("deep.eml", b"From: a@example.org\r\nTo: b@example.org\r\n" + parts + b"\r\nwords", deep)


def _garbage() -> Iterator[Bad]:
    dice = random.Random(5)
    for extension in ("doc", "xls", "ppt", "msg"):
        yield Bad(f"noise.{extension}", MAGIC + dice.randbytes(5000), UNREADABLE)
        yield Bad(f"circle.{extension}", _circle(make.make(extension)), ANYTHING)
    yield Bad("other.msi", compound({"Something": b"else"}), frozenset({"unsupported-format"}))
    for extension in ("docx", "doc", "txt", "xml", "eml", "bin"):
        yield Bad(f"random.{extension}", dice.randbytes(5000), UNREADABLE)
        yield Bad(f"zeros.{extension}", bytes(5000), UNREADABLE)
        yield Bad(f"blank.{extension}", b" \r\n\t" * 500, UNREADABLE)
    yield Bad("program.docx", b"MZ\x90\x00" + bytes(500), UNREADABLE)
    yield Bad("page-and-archive.html", make.make("html") + make.make("docx"), ANYTHING)
    yield Bad("archive-and-page.docx", make.make("docx") + make.make("html"), ANYTHING)
    yield Bad("rtf-and-archive.rtf", make.make("rtf") + make.make("docx"), ANYTHING)
    yield Bad("two-kinds.docx", _with(make.make("docx"), {"xl/workbook.xml": "<workbook/>"}), frozenset({PARSED}))
    yield Bad("huge-number.json", json.dumps({"n": 1}).replace("1", "9" * 100_000).encode(), ANYTHING)
    yield Bad("many-slides.ppt", legacy.ppt([["words", "more"]] * 500), ANYTHING)


def _paged() -> Iterator[Bad]:
    dice = random.Random(3)
    written, locked = drawn.pdf(drawn.text_page()), frozenset({"encrypted"})
    images = {kind: drawn.encoded(drawn.picture("Forty tonnes of timber."), kind) for kind in ("PNG", "JPEG", "TIFF")}
    for kind, content in {"pdf": written, **images}.items():
        yield Bad(f"cut-50.{kind.lower()}", content[: len(content) // 2], ANYTHING)
        for turn in range(3):
            yield Bad(f"flipped-{turn}.{kind.lower()}", _damaged(content, 8**turn, dice), ANYTHING)
    yield Bad("locked.pdf", drawn.pdf(drawn.text_page(), password="secret"), locked)
    yield Bad("open.pdf", drawn.pdf(drawn.text_page(), password=""), frozenset({PARSED}))
    yield Bad("many-pages.pdf", drawn.declared_pages(100_000), frozenset({"too-many-pages"}))
    yield Bad("vast-picture.pdf", drawn.declared_picture(60_000), TOO_MUCH)
    yield Bad("vast.png", drawn.declared_png(60_000), TOO_MUCH)
    yield Bad("vast-and-real.png", make.png_of(20_000, 20_000), TOO_MUCH)
    yield Bad("blank.png", make.png_of(400, 400), frozenset({"empty"}))
    yield Bad("circle.pdf", written.replace(b"/Kids [", b"/Kids [ 1 0 R 2 0 R 3 0 R 4 0 R 5 0 R 6 0 R "), ANYTHING)
    yield Bad("nested.pdf", written.replace(b"/Type /Catalog", b"/Type /Catalog /X " + b"[" * 100_000), ANYTHING)
    yield Bad("calling.pdf", _calling(written), ANYTHING)


def _calling(written: bytes) -> bytes:
    """What runs when it is opened fetches an address and starts a program."""
    action = b"/OpenAction <</S /URI /URI (http://127.0.0.1:9/x) /Next <</S /Launch /F (/bin/sh)>>>>"
    return written.replace(b"/Type /Catalog", b"/Type /Catalog " + action)


def _damaged(content: bytes, bits: int, dice: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(bits):
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    return bytes(damaged)


def _circle(file: bytes) -> bytes:
    """Its table of sectors leads every chain back to its beginning."""
    content = bytearray(file)
    (table,) = struct.unpack_from("<I", content, 76)
    struct.pack_into("<32I", content, (table + 1) * 512, *[0] * 32)
    return bytes(content)


async def end_of(pool: ParserPool, bad: Bad, folder: Path) -> str:
    """What became of it, as an upload would."""
    path = folder / "file"
    path.write_bytes(bad.content)
    try:
        routed = FormatRouter().route(bad.name, None, bad.content[:HEAD_BYTES], len(bad.content), path)
        document = await pool.parse(routed.parser, routed.media_type, bad.name, bad.content)
    except EmptyFile:
        return "empty"
    except UnsupportedFormat:
        return "unsupported-format"
    except Rejected as rejected:
        return rejected.code
    return "leaked" if any("root:" in block.text for block in document.blocks) else PARSED


async def _run_all() -> int:
    ends, wrong = Counter[str](), 0
    pool = ParserPool(ParsingLimits(seconds=30))
    with tempfile.TemporaryDirectory() as folder:
        for bad in corpus(pages=True):
            started = time.monotonic()
            end = await end_of(pool, bad, Path(folder))
            ends[end] += 1
            wrong += end not in bad.ends
            seconds = time.monotonic() - started
            if end not in bad.ends or seconds > 5:
                print(f"{bad.name}: {end} in {seconds:.1f} s; it may end {', '.join(sorted(bad.ends))}")
    await pool.close()
    print(f"{ends.total()} files: {dict(ends)}; {wrong} ended otherwise")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(asyncio.run(_run_all()))
