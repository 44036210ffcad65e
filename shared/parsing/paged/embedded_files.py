"""Files that a PDF document carries: those of its own list, and those that are pinned to a page."""

import ctypes
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pypdfium2.raw as pdfium

from shared.parsing.attachments import MOST_FILES, Attachment
from shared.parsing.limits import MIB

_MOST_ANNOTATIONS = 2_000
_LARGEST = 256 * MIB


def embedded_files(document: Any, *, with_pinned: bool) -> Iterator[Attachment]:
    """Yields each file as far as it can be read: an empty one for what the document only names."""
    count = pdfium.FPDFDoc_GetAttachmentCount(document)
    for place in range(min(count, 2 * MOST_FILES)):
        if handle := pdfium.FPDFDoc_GetAttachment(document, place):
            yield _attachment(handle)
    if with_pinned:
        yield from islice(_pinned(document), 2 * MOST_FILES)


def _pinned(document: Any) -> Iterator[Attachment]:
    for number in range(len(document)):
        page = pdfium.FPDF_LoadPage(document, number)
        if not page:
            continue
        try:
            for place in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
                annotation = pdfium.FPDFPage_GetAnnot(page, place)
                if not annotation:
                    continue
                if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_FILEATTACHMENT and (
                    handle := pdfium.FPDFAnnot_GetFileAttachment(annotation)
                ):
                    yield _attachment(handle)
                pdfium.FPDFPage_CloseAnnot(annotation)
        finally:
            pdfium.FPDF_ClosePage(page)


def _attachment(handle: Any) -> Attachment:
    size = pdfium.FPDFAttachment_GetName(handle, None, 0)
    buffer = ctypes.create_string_buffer(max(size, 2))
    pdfium.FPDFAttachment_GetName(handle, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    name = " ".join(buffer.raw[: max(size - 2, 0)].decode("utf-16-le", "replace").split())
    return Attachment(name or "attachment", _content(handle))


def _content(handle: Any) -> bytes:
    size = ctypes.c_ulong()
    if not pdfium.FPDFAttachment_GetFile(handle, None, 0, size) or not 0 < size.value <= _LARGEST:
        return b""
    buffer = ctypes.create_string_buffer(size.value)
    if not pdfium.FPDFAttachment_GetFile(handle, buffer, size.value, size):
        return b""
    return buffer.raw[: size.value]
