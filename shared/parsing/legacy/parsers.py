"""The Office formats of before 2007 and RTF, and others that Docling failed on."""

from functools import cache
from io import BytesIO
from typing import Any

from msgspec.structs import replace

from shared.parsing.document import ParsedDocument
from shared.parsing.legacy.marks import plain, rewrite, without_links
from shared.parsing.legacy.rtf import prepared
from shared.parsing.legacy.rtf_marks import restored
from shared.parsing.legacy.word_hidden import VisibleDocument, without_hidden
from shared.parsing.limits import ParsingLimits
from shared.parsing.time_limits import uncounted
from shared.types.errors import Rejected

EXTENSIONS = {
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/rtf": "rtf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/epub+zip": "epub",
    "application/vnd.ms-outlook": "msg",
    "application/vnd.apple.pages": "pages",
    "application/vnd.apple.keynote": "key",
    "application/vnd.apple.numbers": "numbers",
}
_OLD = frozenset({"doc", "xls", "ppt"})


def parse(media_type: str, filename: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """Raises Rejected with the contract's code for what is wrong with the document."""
    extension = EXTENSIONS.get(media_type)
    if extension is None:
        raise Rejected("unsupported-format", f"there is no parser for {media_type}")
    if extension in _OLD:
        from shared.parsing.legacy.passwords import is_encrypted

        if is_encrypted(content):
            raise Rejected("encrypted", "it is protected by a password")
    with uncounted():
        from shared.parsing.docling.reading import read
        from shared.parsing.legacy import workbooks

    if extension == "rtf":
        rich = prepared(content)
        document = _converted(extension, rich.content)
        rewrite(document, lambda text: restored(without_links(text)))
        return replace(read(document, limits), hidden_words=rich.hidden_words)
    if extension == "xls" and (workbook := workbooks.read(content, limits)) is not None:
        return workbook
    seen = without_hidden(content) if extension == "doc" else VisibleDocument(content, 0)
    document = _converted(extension, seen.content)
    rewrite(document, plain)
    return replace(read(document, limits), hidden_words=seen.hidden_words)


def _converted(extension: str, content: bytes) -> Any:
    with uncounted():
        from docling_rs import ConversionError, ConversionStatus
        from docling_rs.options import DocumentStream

        converter = _converter()
    try:
        result = converter.convert(DocumentStream(name=f"document.{extension}", stream=BytesIO(content)))
    except ConversionError as error:
        raise Rejected("corrupt", "it is damaged, or of a version that is not read") from error
    if result.status != ConversionStatus.SUCCESS:
        raise Rejected("corrupt", "it is damaged, or of a version that is not read")
    return result.document


@cache
def _converter() -> Any:
    from docling_rs import DocumentConverter

    return DocumentConverter()
