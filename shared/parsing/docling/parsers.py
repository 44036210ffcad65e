"""The formats that Docling reads without a model."""

import warnings
from functools import cache
from io import BytesIO
from typing import Any

from msgspec.structs import replace

from shared.parsing.assembly import Assembly
from shared.parsing.attachments import write_attachments
from shared.parsing.decoding import decode
from shared.parsing.docling import open_sheets
from shared.parsing.docling.asciidoc_attributes import attributes
from shared.parsing.docling.embedded_files import embedded_files
from shared.parsing.docling.jats_reviews import review_titles
from shared.parsing.docling.office_packages import ReadablePackage, as_document
from shared.parsing.docling.package_words import counted
from shared.parsing.docling.strict_packages import as_transitional
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.time_limits import uncounted
from shared.types.errors import Rejected

FORMATS = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("DOCX", "docx"),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("PPTX", "pptx"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("XLSX", "xlsx"),
    "application/vnd.oasis.opendocument.text": ("ODT", "odt"),
    "application/vnd.oasis.opendocument.spreadsheet": ("ODS", "ods"),
    "application/vnd.oasis.opendocument.presentation": ("ODP", "odp"),
    "application/epub+zip": ("EPUB", "epub"),
    "application/vnd.ms-outlook": ("EMAIL", "msg"),
    "message/rfc822": ("EMAIL", "eml"),
    "application/jats+xml": ("XML_JATS", "nxml"),
    "application/x-patent+xml": ("XML_USPTO", "xml"),
    "application/x-tex": ("LATEX", "tex"),
    "text/asciidoc": ("ASCIIDOC", "adoc"),
    "text/vtt": ("VTT", "vtt"),
    "application/x-boxnote+json": ("BOXNOTE", "boxnote"),
    "application/vnd.apple.pages": ("IWORK_PAGES", "pages"),
    "application/vnd.apple.keynote": ("IWORK_KEYNOTE", "key"),
    "application/vnd.apple.numbers": ("IWORK_NUMBERS", "numbers"),
}
"""By media type: Docling's name of the format, and an extension that it knows it by."""


NO_RATIO = 1_000_000
"""Our own guards have looked at how far an archive unfolds; small ones may be as dense as they like."""


def parse(media_type: str, filename: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """Raises Rejected with the contract's code for what is wrong with the document."""
    if media_type not in FORMATS:
        raise Rejected("unsupported-format", f"there is no parser for {media_type}")
    match FORMATS[media_type][0]:
        case "DOCX":
            package = as_document(as_transitional(content))
            return _with_embedded(_word(media_type, package, limits), package, limits)
        case "XLSX":
            return _with_embedded(_workbook(media_type, content, limits), content, limits)
        case "PPTX":
            package = as_document(as_transitional(content))
            return _with_embedded(_presentation(media_type, package, limits), package, limits)
        case "XML_JATS":
            article = _article(content)
            return _markup(media_type, article, limits, asides=review_titles(article))
        case "XML_USPTO":
            return _markup(media_type, content, limits)
        case "ASCIIDOC":
            return _asciidoc(media_type, content, limits)
        case "LATEX":
            return _latex(media_type, content, limits)
        case "ODS":
            return _open_sheets(media_type, content, limits)
        case "ODT" | "ODP":
            open_sheets.check_tables(content)
            return _open_document(media_type, content, limits)
        case _:
            return _read(media_type, content, limits)


def _with_embedded(document: ParsedDocument, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """The document with those that are embedded in it, behind its own text."""
    files = embedded_files(content)
    if not files:
        return document
    assembly = Assembly(limits)
    write_attachments(assembly, files, limits)
    return replace(
        document,
        blocks=(*document.blocks, *assembly.take_blocks()),
        hidden_words=document.hidden_words + assembly.hidden_words,
    )


def _asciidoc(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    from shared.parsing.docling.asciidoc_text import readable

    seen = readable(decode(content))
    document = _read(media_type, seen.text.encode(), limits, front=attributes(content))
    return replace(document, hidden_words=seen.hidden_words)


def _latex(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    from shared.parsing.docling.tex_text import readable

    seen = readable(decode(content))
    return replace(_read(media_type, seen.text.encode(), limits), hidden_words=seen.hidden_words)


def _article(content: bytes) -> bytes:
    """An article with all that it says where Docling looks for it; as it is where it is damaged."""
    from lxml import etree

    from shared.parsing.docling.jats_text import readable

    try:
        return readable(content)
    except etree.XMLSyntaxError:
        return content


def _markup(media_type: str, content: bytes, limits: ParsingLimits, **options: Any) -> ParsedDocument:
    """Parses XML with Docling, or as XML of any kind where Docling does not know this one."""
    try:
        return _read(media_type, content, limits, **options)
    except Rejected as rejected:
        if rejected.code not in {"corrupt", "empty"} or content.startswith(b"PATN"):
            raise
    from shared.parsing.light.xml import parse as parse_xml

    return parse_xml(content, limits)


def _word(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    with uncounted():
        from shared.parsing.docling.page_breaks import take_page_marks, with_page_marks
        from shared.parsing.docling.reading import read
        from shared.parsing.docling.word.packages import readable

    package = readable(content, limits)
    document = _converted(media_type, with_page_marks(package.content))
    return _with_shares(read(document, limits, pages=take_page_marks(document)), package)


def _workbook(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    with uncounted():
        from shared.parsing.docling.charts import without_corners
        from shared.parsing.docling.large_workbooks import read_if_large
        from shared.parsing.docling.reading import read
        from shared.parsing.docling.sheet_regions import join_regions
        from shared.parsing.docling.workbooks import readable

    content = as_transitional(content)
    if (large := read_if_large(content, limits)) is not None:
        return large
    package = readable(content)
    document = _converted(media_type, package.content)
    join_regions(document, package.hidden_lines)
    without_corners(document)
    return _with_shares(read(document, limits), package)


def _presentation(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    with uncounted():
        from shared.parsing.docling.charts import without_corners
        from shared.parsing.docling.presentations import readable
        from shared.parsing.docling.reading import read

    package = readable(content)
    document = _converted(media_type, package.content)
    without_corners(document)
    return _with_shares(read(document, limits), package)


def _open_sheets(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    with uncounted():
        from shared.parsing.docling.open_documents import readable
        from shared.parsing.docling.reading import read
        from shared.parsing.docling.sheet_regions import join_regions

    package = readable(content)
    if (large := open_sheets.read_if_large(package.content, limits)) is not None:
        return replace(large, hidden_words=package.hidden_words)
    document = _converted(media_type, package.content)
    join_regions(document, package.hidden_lines)
    return _with_shares(read(document, limits), package)


def _open_document(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    with uncounted():
        from shared.parsing.docling.open_documents import readable
        from shared.parsing.docling.open_slides import drop_unnamed
        from shared.parsing.docling.reading import read

    package = readable(content)
    document = _converted(media_type, package.content)
    drop_unnamed(document)
    return _with_shares(read(document, limits), package)


def _with_shares(document: ParsedDocument, package: ReadablePackage) -> ParsedDocument:
    """The document with how many words of its package are hidden, and how many of the others it has."""
    return counted(replace(document, hidden_words=package.hidden_words), package.words)


def _read(media_type: str, content: bytes, limits: ParsingLimits, **options: Any) -> ParsedDocument:
    with uncounted():
        from shared.parsing.docling.reading import read

    return read(_converted(media_type, content), limits, **options)


def _converted(media_type: str, content: bytes) -> Any:
    with uncounted():
        from docling.datamodel.base_models import ConversionStatus, DocumentStream

        converter = _converter()
    extension = "txt" if content.startswith(b"PATN") else FORMATS[media_type][1]
    stream = DocumentStream(name=f"document.{extension}", stream=BytesIO(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = converter.convert(stream, raises_on_error=False)
    if result.status not in {ConversionStatus.SUCCESS, ConversionStatus.PARTIAL_SUCCESS}:
        raise _refusal(result.errors)
    return result.document


def _refusal(errors: list[Any]) -> Rejected:
    messages = " ".join(error.error_message for error in errors)
    if "recursion" in messages:
        return Rejected("too-deep", "its elements are nested too deep")
    if "MemoryError" in messages or "Unable to allocate" in messages:
        raise MemoryError
    return Rejected("corrupt", "it is damaged, or not what it says it is")


@cache
def _converter() -> Any:
    from docling.datamodel.base_models import InputFormat
    from docling.document_converter import DocumentConverter
    from odfdo.security import security

    security.max_compression_ratio = NO_RATIO
    return DocumentConverter(allowed_formats=[InputFormat[name] for name in {name for name, _ in FORMATS.values()}])
