"""Reads what stands on a PDF page beside its content: the fields of forms, annotations with text, and links."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pypdfium2.raw as pdfium
from msgspec import Struct
from msgspec.structs import replace

from shared.parsing.paged.text_layer import PageFrame, TextRun
from shared.types.passage import Box

MOST_ANNOTATIONS = 2_000
CHECKED, UNCHECKED = "☒", "☐"
_MARKS = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_TYPED = (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX)
_NOTES = (
    pdfium.FPDF_ANNOT_TEXT,
    pdfium.FPDF_ANNOT_HIGHLIGHT,
    pdfium.FPDF_ANNOT_UNDERLINE,
    pdfium.FPDF_ANNOT_SQUIGGLY,
    pdfium.FPDF_ANNOT_STRIKEOUT,
    pdfium.FPDF_ANNOT_SQUARE,
    pdfium.FPDF_ANNOT_CIRCLE,
    pdfium.FPDF_ANNOT_LINE,
    pdfium.FPDF_ANNOT_POLYGON,
    pdfium.FPDF_ANNOT_POLYLINE,
    pdfium.FPDF_ANNOT_INK,
    pdfium.FPDF_ANNOT_CARET,
    pdfium.FPDF_ANNOT_STAMP,
)
_UNSEEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_SIZE = 10.0
"""Points; the size of a field's text, where only its box is known."""


class PageLink(Struct, frozen=True):
    address: str
    box: Box


class PageNote(Struct, frozen=True):
    """A comment that a reader of the page left."""

    text: str
    box: Box


class PageAnnotations(Struct):
    """`runs` are the values of fields and free texts, at their place on the page."""

    runs: list[TextRun]
    links: list[PageLink]
    notes: list[PageNote]
    fields: int = 0
    hidden_words: int = 0


def page_annotations(document: Any, page: Any, frame: PageFrame) -> PageAnnotations:
    found = PageAnnotations([], [], [])
    for place in range(min(pdfium.FPDFPage_GetAnnotCount(page), MOST_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, place)
        if annotation:
            _read(document, annotation, frame, found)
            pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def level_with(texts: Sequence[TextRun], runs: Sequence[TextRun]) -> list[TextRun]:
    """Puts each of the runs, of which only the box of their field is known, on the line of the text beside it."""
    return [_leveled(texts, run) for run in runs]


def _leveled(texts: Sequence[TextRun], run: TextRun) -> TextRun:
    left, top, right, bottom = run.box
    beside = [text for text in texts if top <= (text.box[1] + text.box[3]) / 2 <= bottom]
    if not beside:
        return run
    nearest = min(beside, key=lambda text: max(left - text.box[2], text.box[0] - right))
    return replace(run, box=(left, nearest.box[1], right, nearest.box[3]), size=nearest.size)


def _read(document: Any, annotation: Any, frame: PageFrame, found: PageAnnotations) -> None:
    kind, box = pdfium.FPDFAnnot_GetSubtype(annotation), _box(annotation, frame)
    is_unseen = bool(pdfium.FPDFAnnot_GetFlags(annotation) & _UNSEEN)
    if kind == pdfium.FPDF_ANNOT_LINK and not is_unseen:
        if address := _address(document, annotation):
            found.links.append(PageLink(address, box))
        return
    is_field = kind == pdfium.FPDF_ANNOT_WIDGET
    if not is_field and kind != pdfium.FPDF_ANNOT_FREETEXT and kind not in _NOTES:
        return
    text = _field(document, annotation) if is_field else _string(annotation, b"Contents")
    if is_unseen:
        found.hidden_words += len(text.split())
    elif kind in _NOTES and text.strip():
        found.notes.append(PageNote(" ".join(text.split()), box))
    else:
        found.runs += _runs(text, box)
        found.fields += is_field


def _runs(text: str, box: Box) -> Iterator[TextRun]:
    """Yields one run for each line, from the top of the box on."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    left, top, right, bottom = box
    height = (bottom - top) / max(len(lines), 1)
    for place, line in enumerate(lines):
        upper = top + place * height
        yield TextRun(line, (left, upper, right, upper + height), min(_SIZE, max(height, 1.0)))


def _field(document: Any, annotation: Any) -> str:
    """Returns the value of a form's field, however it is drawn."""
    forms = document.formenv
    if forms is None:
        return ""
    kind = pdfium.FPDFAnnot_GetFormFieldType(forms, annotation)
    if kind in _MARKS:
        return CHECKED if pdfium.FPDFAnnot_IsChecked(forms, annotation) else UNCHECKED
    if kind not in _TYPED:
        return ""
    value = _wide(lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldValue(forms, annotation, buffer, size))
    return _selected(forms, annotation) or value if kind != pdfium.FPDF_FORMFIELD_TEXTFIELD else value


def _selected(forms: Any, annotation: Any) -> str:
    """Returns the chosen options as they are shown."""
    count = pdfium.FPDFAnnot_GetOptionCount(forms, annotation)
    chosen = [place for place in range(count) if pdfium.FPDFAnnot_IsOptionSelected(forms, annotation, place)]
    return "\n".join(_option(forms, annotation, place) for place in chosen)


def _option(forms: Any, annotation: Any, place: int) -> str:
    return _wide(lambda buffer, size: pdfium.FPDFAnnot_GetOptionLabel(forms, annotation, place, buffer, size))


def _string(annotation: Any, key: bytes) -> str:
    return _wide(lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(annotation, key, buffer, size))


def _wide(call: Callable[[Any, int], int]) -> str:
    """Calls a function of PDFium for a text in UTF-16: once for its size in bytes, and once for the text."""
    size = call(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    call(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _address(document: Any, annotation: Any) -> str:
    link = pdfium.FPDFAnnot_GetLink(annotation)
    action = pdfium.FPDFLink_GetAction(link) if link else None
    if not action or pdfium.FPDFAction_GetType(action) != pdfium.PDFACTION_URI:
        return ""
    size = pdfium.FPDFAction_GetURIPath(document, action, None, 0)
    buffer = ctypes.create_string_buffer(max(size, 1))
    pdfium.FPDFAction_GetURIPath(document, action, buffer, size)
    return buffer.value.decode("utf-8", "replace")


def _box(annotation: Any, frame: PageFrame) -> Box:
    rectangle = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(annotation, rectangle)
    return frame.displayed(rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
