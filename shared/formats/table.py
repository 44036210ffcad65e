"""The formats that we take: one row each."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from shared.formats.markup import (
    is_calendar,
    is_contact,
    is_declared_xml,
    is_html,
    is_jats,
    is_json,
    is_mail,
    is_mailbox,
    is_notebook,
    is_patent,
    is_saved_page,
    is_subtitles,
    is_tex,
    is_xbrl,
    is_xml,
)

Route = Literal["cpu", "gpu"]

PAGED = "paged"
"""The parser of what has pages, which the warm pool may read."""


class Format(Struct, frozen=True):
    """`looks` recognises the format in the beginning of a text.

    With `overrules` its word stands against any name; with `required` a name alone is not believed. What is not
    `listed` shares its extension with a row that is.
    """

    extension: str
    media_type: str
    parser: str = "light"
    looks: Callable[[str], bool] | None = None
    overrules: bool = False
    required: bool = False
    listed: bool = True

    def is_seen_in(self, text: str) -> bool:
        return self.looks is not None and self.looks(text)


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

FORMATS = (
    Format("md", "text/markdown"),
    Format("txt", "text/plain"),
    Format("html", "text/html", looks=is_html, overrules=True),
    Format("htm", "text/html"),
    Format("csv", "text/csv"),
    Format("tsv", "text/csv"),
    Format("ipynb", "application/x-ipynb+json", looks=is_notebook),
    Format("json", "application/json", looks=is_json, required=True),
    Format("boxnote", "application/x-boxnote+json", "docling", looks=is_json, required=True),
    Format("nxml", "application/jats+xml", "docling", looks=is_jats, overrules=True),
    Format("xml", "application/x-patent+xml", "docling", looks=is_patent, overrules=True, listed=False),
    Format("xbrl", "application/xbrl+xml", looks=is_xbrl, overrules=True),
    Format("xml", "application/xml", looks=is_declared_xml, overrules=True, listed=False),
    Format("xml", "application/xml", looks=is_xml, required=True),
    Format("rtf", "application/rtf", "legacy"),
    Format("tex", "application/x-tex", "docling", looks=is_tex),
    Format("rst", "text/x-rst"),
    Format("adoc", "text/asciidoc", "docling"),
    Format("asciidoc", "text/asciidoc", "docling"),
    Format("org", "text/x-org"),
    Format("vtt", "text/vtt", "docling", looks=is_subtitles, overrules=True),
    Format("mhtml", "multipart/related", looks=is_saved_page, required=True),
    Format("mht", "multipart/related", looks=is_saved_page, required=True),
    Format("mbox", "application/mbox", looks=is_mailbox, required=True),
    Format("ics", "text/calendar", looks=is_calendar, overrules=True),
    Format("vcf", "text/vcard", looks=is_contact, overrules=True),
    Format("eml", "message/rfc822", looks=is_mail, required=True),
    Format("docx", f"{_OFFICE}.wordprocessingml.document", "docling"),
    Format("pptx", f"{_OFFICE}.presentationml.presentation", "docling"),
    Format("xlsx", f"{_OFFICE}.spreadsheetml.sheet", "docling"),
    Format("odt", f"{_OPEN}.text", "docling"),
    Format("ods", f"{_OPEN}.spreadsheet", "docling"),
    Format("odp", f"{_OPEN}.presentation", "docling"),
    Format("epub", "application/epub+zip"),
    Format("doc", "application/msword", "legacy"),
    Format("xls", "application/vnd.ms-excel", "legacy"),
    Format("ppt", "application/vnd.ms-powerpoint", "legacy"),
    Format("msg", "application/vnd.ms-outlook"),
    Format("pages", "application/vnd.apple.pages", "docling"),
    Format("key", "application/vnd.apple.keynote", "docling"),
    Format("numbers", "application/vnd.apple.numbers", "docling"),
    Format("wpd", "application/vnd.wordperfect", "office"),
    Format("wps", "application/vnd.ms-works", "office"),
    Format("sxw", "application/vnd.sun.xml.writer", "office"),
    Format("sdw", "application/vnd.stardivision.writer", "office"),
    Format("sxc", "application/vnd.sun.xml.calc", "office"),
    Format("sdc", "application/vnd.stardivision.calc", "office"),
    Format("xlsb", "application/vnd.ms-excel.sheet.binary.macroenabled.12", "office"),
    Format("sxi", "application/vnd.sun.xml.impress", "office"),
    Format("sdd", "application/vnd.stardivision.impress", "office"),
    Format("odg", f"{_OPEN}.graphics", "office"),
    Format("pdf", "application/pdf", "paged", required=True),
    Format("png", "image/png", "paged", required=True),
    Format("jpg", "image/jpeg", "paged", required=True),
    Format("jpeg", "image/jpeg", "paged", required=True),
    Format("tiff", "image/tiff", "paged", required=True),
    Format("tif", "image/tiff", "paged", required=True),
    Format("bmp", "image/bmp", "paged", required=True),
    Format("webp", "image/webp", "paged", required=True),
)
"""Among rows that see themselves in a text, the first one counts: the special stand before the general."""

PLAIN = next(row for row in FORMATS if row.extension == "txt")
