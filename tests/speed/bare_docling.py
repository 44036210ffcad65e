"""Docling as it comes, in this process: for PDF its pipeline that needs no weights."""

import warnings
from functools import cache
from io import BytesIO
from typing import Any


def markdown_of(name: str, content: bytes) -> str | None:
    """None where it does not take the file, or makes nothing of it."""
    from docling.datamodel.base_models import ConversionStatus, DocumentStream

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = _converter().convert(DocumentStream(name=name, stream=BytesIO(content)), raises_on_error=False)
        except Exception:  # noqa: BLE001 - it raises whatever its libraries raise, and for pictures that torch is away
            return None
    if result.status not in {ConversionStatus.SUCCESS, ConversionStatus.PARTIAL_SUCCESS}:
        return None
    written: str = result.document.export_to_markdown()
    return written if written.strip() else None


@cache
def _converter() -> Any:
    import logging

    from docling.datamodel.base_models import InputFormat
    from docling.document_converter import DocumentConverter, NativePdfFormatOption

    logging.getLogger("docling").setLevel(logging.CRITICAL)
    return DocumentConverter(format_options={InputFormat.PDF: NativePdfFormatOption()})
