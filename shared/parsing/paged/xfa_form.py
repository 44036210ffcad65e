"""Reads the form that a PDF holds as XML (XFA) in place of pages: captions, texts and what was filled in."""

import ctypes
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pypdfium2.raw as pdfium

_FORMS = (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND)
_MOST_PAGES = 50
_MOST_ANNOTATIONS = 2_000
_MOST_PACKETS = 50
_MOST_BYTES = 32 * 1024 * 1024
_MOST_LINES = 5_000
_UNSEEN = ("hidden", "invisible", "inactive")


def xfa_lines(document: Any) -> list[str]:
    """Returns a line for each text and each field with its value, in the order of the form. A document whose pages have
    the fields too has none: they are read there."""
    if pdfium.FPDF_GetFormType(document) not in _FORMS or _has_fields(document):
        return []
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(b"".join(islice(_packets(document), _MOST_PACKETS)), parser)
    except etree.XMLSyntaxError:
        return []
    return list(islice(_lines(root), _MOST_LINES)) if root is not None else []


def _has_fields(document: Any) -> bool:
    for number in range(min(len(document), _MOST_PAGES)):
        page = document[number]
        for place in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
            annotation = pdfium.FPDFPage_GetAnnot(page, place)
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            pdfium.FPDFPage_CloseAnnot(annotation)
            if kind == pdfium.FPDF_ANNOT_WIDGET:
                return True
    return False


def _packets(document: Any) -> Iterator[bytes]:
    length = ctypes.c_ulong()
    for place in range(max(0, pdfium.FPDF_GetXFAPacketCount(document))):
        pdfium.FPDF_GetXFAPacketContent(document, place, None, 0, length)
        if 0 < length.value <= _MOST_BYTES:
            written = ctypes.create_string_buffer(length.value)
            pdfium.FPDF_GetXFAPacketContent(document, place, written, length.value, length)
            yield written.raw


def _lines(root: Any) -> Iterator[str]:
    values = _values(root)
    unseen: set[str] = set()
    for element in root.iter("{*}draw", "{*}field"):
        name = element.get("name", "")
        is_field = element.tag.endswith("}field")
        if _is_unseen(element):
            unseen.add(name)
            continue
        parts = element.findall("{*}caption/{*}value") if is_field else element.findall("{*}value")
        text = " ".join(" ".join("".join(part.itertext()).split()) for part in parts)
        filled = values.pop(name, []) if is_field else []
        if text or filled:
            yield f"{text or name}: {', '.join(filled)}" if filled else text
    for name, filled in values.items():
        if name not in unseen:
            yield f"{name}: {', '.join(filled)}"


def _values(root: Any) -> dict[str, list[str]]:
    """Returns what was filled in, by the names of the fields."""
    values: dict[str, list[str]] = {}
    for element in root.iterfind(".//{http://www.xfa.org/schema/xfa-data/1.0/}data//*"):
        text = " ".join((element.text or "").split())
        if text and not len(element) and isinstance(element.tag, str):
            values.setdefault(element.tag.rpartition("}")[2], []).append(text)
    return values


def _is_unseen(element: Any) -> bool:
    return any(one.get("presence") in _UNSEEN for one in (element, *element.iterancestors()))
