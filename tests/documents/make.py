"""One valid file of every format, made with nothing but Python; every one says SENTENCE."""

import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from tests.documents import apple, legacy

SENTENCE = "The harbour crane lifts forty tonnes of timber."
TITLE = "Harbour"
HEADER = ("Crane", "Load")
ROW = ("Northern", "forty tonnes")

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument"
_MIME = "MIME-Version: 1.0\r\n"


def zipped(parts: Mapping[str, str | bytes], stored: str = "") -> bytes:
    """`stored` is a part that must come first and uncompressed."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            method = zipfile.ZIP_STORED if name == stored else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def saved(document: Any) -> bytes:
    """The file of a document of python-docx, python-pptx, openpyxl or pypdfium2."""
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def links(**targets: tuple[str, str]) -> str:
    """Of a part's relationships: the id, the kind and the target."""
    rows = "".join(
        f'<Relationship Id="{key}" Type="{_LINKS}/{kind}" Target="{to}"/>' for key, (kind, to) in targets.items()
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def office(main: str, kind: str, parts: Mapping[str, str], others: Mapping[str, str] | None = None) -> bytes:
    """An Office package: `kind` is the type of its main part, `others` those of the rest."""
    types = {main: kind, **(others or {})}
    listed = "".join(f'<Override PartName="/{name}" ContentType="{_TYPE}.{each}+xml"/>' for name, each in types.items())
    return zipped(
        {
            "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{listed}</Types>',
            "_rels/.rels": links(rId1=("officeDocument", main)),
            **parts,
        }
    )


def docx_of(body: str, front: str = "") -> bytes:
    text = f'<?xml version="1.0"?>{front}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    styles = (
        f'<?xml version="1.0"?><w:styles xmlns:w="{_WORD}"><w:style w:type="paragraph" w:default="1" '
        'w:styleId="Normal"><w:name w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="Heading1">'
        '<w:name w:val="heading 1"/>'
        '<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style></w:styles>'
    )
    parts = {
        "word/document.xml": text,
        "word/styles.xml": styles,
        "word/_rels/document.xml.rels": links(rId1=("styles", "styles.xml")),
    }
    return office(
        "word/document.xml", "wordprocessingml.document.main", parts, {"word/styles.xml": "wordprocessingml.styles"}
    )


def docx() -> bytes:
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>".format
    rows = "".join(f"<w:tr>{''.join(map(cell, row))}</w:tr>" for row in (HEADER, ROW))
    return docx_of(
        f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>{TITLE}</w:t></w:r></w:p>'
        f"<w:p><w:r><w:t>{SENTENCE}</w:t></w:r></w:p><w:tbl><w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>{rows}</w:tbl>"
    )


def pptx() -> bytes:
    """One slide with a title and a text."""
    names = f'xmlns:a="{_DRAWING}" xmlns:p="{_SLIDES}" xmlns:r="{_LINKS}"'
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    tree = f"<p:cSld><p:spTree>{group}{{}}</p:spTree></p:cSld>".format
    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="{0}" name="s{0}"/><p:cNvSpPr/><p:nvPr>{1}</p:nvPr></p:nvSpPr><p:spPr><a:xfrm>'
        '<a:off x="914400" y="{2}"/><a:ext cx="7315200" cy="914400"/></a:xfrm><a:prstGeom prst="rect"/></p:spPr>'
        "<p:txBody><a:bodyPr/><a:p><a:r><a:t>{3}</a:t></a:r></a:p></p:txBody></p:sp>"
    ).format
    shapes = shape(2, '<p:ph type="title"/>', 914400, TITLE) + shape(3, "", 2743200, SENTENCE)
    head = '<?xml version="1.0"?>'
    parts = {
        "ppt/presentation.xml": f'{head}<p:presentation {names}><p:sldMasterIdLst><p:sldMasterId id="2147483648" '
        'r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst>'
        '<p:sldSz cx="9144000" cy="6858000"/>'
        '<p:notesSz cx="6858000" cy="9144000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": links(
            rId1=("slideMaster", "slideMasters/m.xml"), rId2=("slide", "slides/s.xml")
        ),
        "ppt/slides/s.xml": f"{head}<p:sld {names}>{tree(shapes)}</p:sld>",
        "ppt/slides/_rels/s.xml.rels": links(rId1=("slideLayout", "../slideLayouts/l.xml")),
        "ppt/slideLayouts/l.xml": f"{head}<p:sldLayout {names}>{tree('')}</p:sldLayout>",
        "ppt/slideLayouts/_rels/l.xml.rels": links(rId1=("slideMaster", "../slideMasters/m.xml")),
        "ppt/slideMasters/m.xml": f"{head}<p:sldMaster {names}>{tree('')}<p:sldLayoutIdLst>"
        '<p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>',
        "ppt/slideMasters/_rels/m.xml.rels": links(rId1=("slideLayout", "../slideLayouts/l.xml")),
    }
    others = {"slides/s.xml": "slide", "slideLayouts/l.xml": "slideLayout", "slideMasters/m.xml": "slideMaster"}
    types = {f"ppt/{name}": f"presentationml.{kind}" for name, kind in others.items()}
    return office("ppt/presentation.xml", "presentationml.presentation.main", parts, types)


def xlsx_of(sheet: str, strings: str = "") -> bytes:
    """`sheet` is what stands in the sheet's data, `strings` are the elements of those that cells share."""
    head = '<?xml version="1.0"?>'
    parts = {
        "xl/workbook.xml": f'{head}<workbook xmlns="{_SHEETS}" xmlns:r="{_LINKS}"><sheets>'
        f'<sheet name="{TITLE}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": links(
            rId1=("worksheet", "worksheets/sheet1.xml"), rId2=("sharedStrings", "sharedStrings.xml")
        ),
        "xl/sharedStrings.xml": f'{head}<sst xmlns="{_SHEETS}">{strings}</sst>',
        "xl/worksheets/sheet1.xml": f'{head}<worksheet xmlns="{_SHEETS}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    kinds = {
        "xl/worksheets/sheet1.xml": "spreadsheetml.worksheet",
        "xl/sharedStrings.xml": "spreadsheetml.sharedStrings",
    }
    return office("xl/workbook.xml", "spreadsheetml.sheet.main", parts, kinds)


def cell(name: str, text: str) -> str:
    return f'<c r="{name}" t="inlineStr"><is><t>{text}</t></is></c>'


def xlsx() -> bytes:
    rows = (HEADER, ROW, (SENTENCE, "yes"))
    return xlsx_of(
        "".join(
            f'<row r="{number}">{cell(f"A{number}", row[0])}{cell(f"B{number}", row[1])}</row>'
            for number, row in enumerate(rows, 1)
        )
    )


def odf(kind: str, body: str, manifest: str = "") -> bytes:
    """OpenDocument of `kind` (text, spreadsheet, presentation)."""
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for name, long in (
            ("office", "office"),
            ("text", "text"),
            ("table", "table"),
            ("draw", "drawing"),
            ("presentation", "presentation"),
            ("style", "style"),
            ("svg", "svg-compatible"),
        )
    )
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    content = (
        f'<?xml version="1.0"?><office:document-content{names} office:version="1.2"><office:automatic-styles/>'
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    listed = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>'
        f'<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{manifest}'
        "</manifest:file-entry>"
        "</manifest:manifest>"
    )
    empty = f'<?xml version="1.0"?><office:{{}}{names} office:version="1.2"/>'.format
    return zipped(
        {
            "mimetype": media_type,
            "content.xml": content,
            "styles.xml": empty("document-styles"),
            "meta.xml": empty("document-meta"),
            "settings.xml": empty("document-settings"),
            "META-INF/manifest.xml": listed,
        },
        stored="mimetype",
    )


def odt() -> bytes:
    return odf("text", f'<text:h text:outline-level="1">{TITLE}</text:h><text:p>{SENTENCE}</text:p>')


def ods() -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'.format
    lines = ("".join(map(cell, row)) for row in (HEADER, ROW, (SENTENCE, "yes")))
    rows = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    return odf("spreadsheet", f'<table:table table:name="{TITLE}">{rows}</table:table>')


def odp() -> bytes:
    frame = "<draw:frame{}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>".format
    return odf(
        "presentation",
        f'<draw:page draw:name="one">{frame("", TITLE)}{frame("", SENTENCE)}</draw:page>',
    )


def epub_of(page: str) -> bytes:
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<?xml version="1.0"?><container version="1.0" '
            'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="book/a.opf" '
            'media-type="application/oebps-package+xml"/></rootfiles></container>',
            "book/a.opf": '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{TITLE}</dc:title></metadata><manifest>'
            '<item id="p" href="one%20page.xhtml" media-type="application/xhtml+xml"/></manifest><spine>'
            '<itemref idref="p"/></spine></package>',
            "book/one page.xhtml": page,
        },
        stored="mimetype",
    )


def html() -> str:
    rows = "".join(f"<tr><td>{row[0]}</td><td>{row[1]}</td></tr>" for row in (HEADER, ROW))
    return f"<!DOCTYPE html><html><body><h1>{TITLE}</h1><p>{SENTENCE}</p><table>{rows}</table></body></html>"


def mhtml() -> str:
    return (
        f'{_MIME}Content-Type: multipart/related; boundary="b"; type="text/html"\r\n\r\n--b\r\n'
        f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{html()}\r\n--b--\r\n"
    )


def eml() -> str:
    return (
        f"From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: {TITLE}\r\n{_MIME}"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\nDear Bob,\r\n\r\n{SENTENCE}\r\n"
    )


def mbox() -> str:
    return f"From ann@example.org Mon Jan  5 09:00:00 2026\n{eml()}\n"


def ics() -> str:
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Cranes//EN\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n"
        f"DTSTART:20260105T090000Z\r\nSUMMARY:{TITLE}\r\nDESCRIPTION:{SENTENCE}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def vcf() -> str:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{TITLE}\r\nNOTE:{SENTENCE}\r\nEND:VCARD\r\n"


def ipynb() -> str:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"# {TITLE}\n", "\n", SENTENCE]},
        {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": "print(40)", "outputs": []},
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def boxnote() -> str:
    title, sentence = ([{"type": "text", "text": text}] for text in (TITLE, SENTENCE))
    heading = {"type": "heading", "attrs": {"level": 1}, "content": title}
    held = [heading, {"type": "paragraph", "content": sentence}]
    return json.dumps({"version": 1, "schema_version": 1, "doc": {"type": "doc", "content": held}})


def jats() -> str:
    return (
        '<?xml version="1.0"?><!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange '
        'DTD v1.2 20190208//EN" "JATS-archivearticle1.dtd"><article><front><article-meta><title-group><article-title>'
        f"{TITLE}</article-title></title-group></article-meta></front><body><sec><title>Loads</title><p>{SENTENCE}</p>"
        "</sec></body></article>"
    )


def pdf() -> bytes:
    """One page in one of the fonts that every reader has."""
    page = f"BT /F 24 Tf 72 760 Td ({TITLE}) Tj /F 12 Tf 0 -40 Td ({SENTENCE}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    file, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj%s endobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(file)
    return file + b"xref\n0 6\n0000000000 65535 f \n" + table + end


def png_of(width: int, height: int) -> bytes:
    """A white picture; its pixels compress to next to nothing."""
    rows = zlib.compressobj(9)
    line = b"\x00" + b"\xff" * -(-width // 8)
    pixels = b"".join(rows.compress(line) for _ in range(height)) + rows.flush()
    size = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, held: bytes) -> bytes:
    return struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held))


_LINES = {
    "md": f"# {TITLE}\n\n{SENTENCE}\n\n| {HEADER[0]} | {HEADER[1]} |\n|---|---|\n| {ROW[0]} | {ROW[1]} |\n",
    "txt": f"{TITLE}\n=======\n\n{SENTENCE}\n",
    "csv": f"{HEADER[0]},{HEADER[1]}\n{ROW[0]},{ROW[1]}\n{SENTENCE},yes\n",
    "tsv": f"{HEADER[0]}\t{HEADER[1]}\n{SENTENCE}\tyes\n",
    "json": json.dumps({"title": TITLE, "cranes": [{"name": ROW[0], "about": SENTENCE}]}),
    "xml": f'<?xml version="1.0"?><book><section><title>{TITLE}</title><p>{SENTENCE}</p></section></book>',
    "tex": f"\\documentclass{{article}}\\begin{{document}}\n\\section{{{TITLE}}}\n{SENTENCE}\n\\end{{document}}\n",
    "rst": f"{TITLE}\n=======\n\n{SENTENCE}\n\n- one\n- two\n",
    "adoc": f"= {TITLE}\n\n{SENTENCE}\n\n* one\n* two\n",
    "asciidoc": f"= {TITLE}\n\n{SENTENCE}\n",
    "org": f"* {TITLE}\n\n{SENTENCE}\n\n- one\n- two\n\n"
    f"| {HEADER[0]} | {HEADER[1]} |\n|---+---|\n| {ROW[0]} | {ROW[1]} |\n",
    "xbrl": '<?xml version="1.0"?><xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:dei="http://xbrl.sec.gov/dei">'
    '<context id="c"><entity><identifier scheme="x">1</identifier></entity><period><instant>2025-12-31</instant>'
    f'</period></context><dei:EntityRegistrantName contextRef="c">{TITLE}</dei:EntityRegistrantName>'
    f'<dei:CraneDescription contextRef="c">{SENTENCE}</dei:CraneDescription></xbrl>',
    "vtt": f"WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n{SENTENCE}\n",
    "rtf": f"{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Times;}}}}\\f0 {TITLE}\\par {SENTENCE}\\par}}",
}

_MADE: dict[str, Callable[[], str | bytes]] = {
    "docx": docx,
    "pptx": pptx,
    "xlsx": xlsx,
    "odt": odt,
    "ods": ods,
    "odp": odp,
    "epub": lambda: epub_of(html().replace("<!DOCTYPE html>", '<?xml version="1.0"?>')),
    "html": html,
    "htm": html,
    "mhtml": mhtml,
    "mht": mhtml,
    "eml": eml,
    "mbox": mbox,
    "ics": ics,
    "vcf": vcf,
    "ipynb": ipynb,
    "boxnote": boxnote,
    "nxml": jats,
    "doc": lambda: legacy.doc(f"{TITLE}\n{SENTENCE}"),
    "xls": lambda: legacy.xls([list(HEADER), list(ROW), [SENTENCE, "yes"]]),
    "ppt": lambda: legacy.ppt([[TITLE, SENTENCE]]),
    "msg": lambda: legacy.msg(TITLE, "Ann", SENTENCE),
    "pdf": pdf,
    "pages": lambda: apple.pages(TITLE, SENTENCE),
    "key": lambda: apple.keynote(SENTENCE),
    "numbers": lambda: apple.numbers(TITLE, (HEADER, ROW, (SENTENCE, "yes"))),
}

EXTENSIONS = (*_LINES, *_MADE)
ARCHIVED = frozenset({"docx", "pptx", "xlsx", "odt", "ods", "odp", "epub"})


def make(extension: str) -> bytes:
    content = _LINES[extension] if extension in _LINES else _MADE[extension]()
    return content.encode() if isinstance(content, str) else content
