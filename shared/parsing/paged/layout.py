"""Layout analysis of pages by Docling's pipeline: headings, columns, tables, pictures, captions."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace
from PIL import Image

from shared.parsing.document import Block
from shared.parsing.engine import Device, EngineFailed, current_engine
from shared.parsing.paged.sentence_repair import repair_sentences
from shared.parsing.paged.text_blocks import marked, text_of
from shared.parsing.tables import rectangular, table_markdown
from shared.types.passage import Box

if TYPE_CHECKING:
    from docling.document_converter import DocumentConverter

READ_SIDE = 1300
"""Pixels of the longer side to which smaller images are enlarged: below it, usual letters are too small for OCR."""

_POINTS = 72
"""Dots an inch that are written into the image: at one pixel a point Docling does not scale it."""

_UPRIGHT = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
_CARD_FAILS = re.compile(r"CUDA|cuDNN|CUBLAS|out of memory", re.IGNORECASE)
_PACKAGES = {"builtin": ("docling", "docling_parse", "rapid_layout"), "docling": ("docling", "docling_parse")}


def is_available() -> bool:
    return all(find_spec(name) for name in _PACKAGES[current_engine().name])


def has_ocr() -> bool:
    return is_available() and find_spec("rapidocr") is not None


@cache
def load_layout() -> None:
    """Imports Docling and loads the models of layout analysis, once in a process. Raises `EngineFailed`."""
    _load("PDF", ocr=False)


@cache
def load_ocr() -> None:
    """Loads the models of layout analysis and of OCR, once in a process. Raises `EngineFailed`."""
    _load("IMAGE", ocr=True)


def _load(kind: str, *, ocr: bool) -> None:
    from docling.datamodel.base_models import InputFormat

    from shared.parsing.paged import docling_engines
    from shared.parsing.paged.ocr import ocr_engine

    engine = current_engine()
    try:
        if engine.layout == docling_engines.LayoutEngineOptions.kind:
            docling_engines.layout_engine()
        if ocr and engine.ocr == docling_engines.OcrEngineOptions.kind:
            ocr_engine()
        _converter(ocr=ocr).initialize_pipeline(InputFormat[kind])
    except MemoryError:
        raise
    except Exception as error:  # whatever the loader of a model raises, no document is at fault
        raise EngineFailed(f"the models that read pages cannot be loaded: {type(error).__name__}: {error}") from error


def devices() -> str:
    """Returns where the models that are loaded compute."""
    from shared.parsing.paged import docling_engines, ocr

    used = {"layout": docling_engines.providers, "OCR": ocr.providers}
    found = [f"{name} on {', '.join(dict.fromkeys(providers))}" for name, providers in used.items() if providers]
    if current_engine().is_docling:
        found.insert(0, f"Docling on {_device()}")
    return "; ".join(found)


def pdf_blocks(content: bytes, numbers: Sequence[int]) -> dict[int, list[Block]]:
    """Returns the blocks of each page of a PDF whose pages have these numbers in their document."""
    return _blocks(_converted("page.pdf", content, ocr=False).document, numbers)


def image_blocks(images: Sequence[Image.Image], numbers: Sequence[int]) -> list[tuple[list[Block], int | None]]:
    """Returns for each page image its blocks by OCR, and the mean score of its lines in thousandths, None without
    lines. Boxes refer to the image as given, even where its text is rotated."""
    from shared.parsing.paged.ocr import quarters_of

    large = list(map(_enlarged, images))
    found = _recognized(large, numbers)
    turned = {place: quarters_of(page.lines, large[place]) for place, page in enumerate(found)}
    turned = {place: quarters for place, quarters in turned.items() if quarters}
    upright = [large[place].transpose(_UPRIGHT[quarters]) for place, quarters in turned.items()]
    for place, page in zip(turned, _recognized(upright, [numbers[place] for place in turned]), strict=True):
        blocks = [replace(block, box=rotated_box(block.box, turned[place])) for block in page.blocks]
        found[place] = _RecognizedPage(blocks, page.lines)
    return [(page.blocks, page.score) for page in found]


def _enlarged(image: Image.Image) -> Image.Image:
    if max(image.size) >= READ_SIDE:
        return image
    growth = min(READ_SIDE / max(image.size), 3.0)
    return image.resize((int(image.width * growth), int(image.height * growth)))


class _RecognizedPage(NamedTuple):
    blocks: list[Block]
    lines: list[Any]

    @property
    def score(self) -> int | None:
        return round(1000 * sum(line.confidence for line in self.lines) / len(self.lines)) if self.lines else None


def _recognized(images: Sequence[Image.Image], numbers: Sequence[int]) -> list[_RecognizedPage]:
    if not images:
        return []
    written = BytesIO()
    images[0].save(written, "TIFF", dpi=(_POINTS, _POINTS), save_all=True, append_images=images[1:])
    result = _converted("page.tif", written.getvalue(), ocr=True)
    blocks = _blocks(result.document, numbers)
    lines = {numbers[page.page_no - 1]: page.parsed_page.textline_cells for page in result.pages if page.parsed_page}
    return [_RecognizedPage(repair_sentences(blocks[number]), list(lines.get(number, ()))) for number in numbers]


def rotated_box(box: Box | None, quarters: int) -> Box | None:
    """Rotates the box clockwise by quarter turns."""
    for _ in range(quarters if box else 0):
        assert box is not None
        left, top, right, bottom = box
        box = (round(1 - bottom, 4), left, round(1 - top, 4), right)
    return box


def _converted(name: str, content: bytes, *, ocr: bool) -> Any:
    """Raises `EngineFailed` where the graphics card or OCR fails. A text page without a result lacks blocks alone."""
    from docling.datamodel.base_models import DocumentStream
    from docling.exceptions import ConversionError

    try:
        result = _converter(ocr=ocr).convert(DocumentStream(name=name, stream=BytesIO(content)))
    except ConversionError as error:
        _raise_if_card_fails(str(error))
        raise
    messages = "; ".join(failure.error_message for failure in result.errors)
    _raise_if_card_fails(messages)
    if ocr and messages:
        raise EngineFailed(f"OCR fails: {messages}")
    return result


def _raise_if_card_fails(message: str) -> None:
    if _CARD_FAILS.search(message):
        raise EngineFailed(f"the graphics card fails: {message}")


@cache
def _converter(*, ocr: bool) -> "DocumentConverter":
    from docling.datamodel.base_models import InputFormat
    from docling.document_converter import DocumentConverter, ImageFormatOption, PdfFormatOption

    from shared.parsing.paged.docling_engines import pipeline_options

    _register()
    options = pipeline_options(current_engine(), _device(), ocr=ocr)
    formats = {
        InputFormat.PDF: PdfFormatOption(pipeline_options=options),
        InputFormat.IMAGE: ImageFormatOption(pipeline_options=options),
    }
    return DocumentConverter(allowed_formats=list(formats), format_options=formats)


@cache
def _device() -> Device:
    """Returns where Docling's own models compute: a card may be there that torch cannot use."""
    if not current_engine().is_docling or current_engine().device == "cpu" or find_spec("torch") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@cache
def _register() -> None:
    from shared.parsing.paged.docling_engines import register

    register()


def _blocks(document: Any, numbers: Sequence[int]) -> dict[int, list[Block]]:
    """Returns page headers and footers too: only other pages show whether they recur."""
    from docling_core.types.doc.common.content_layer import ContentLayer

    layers = {ContentLayer.BODY, ContentLayer.FURNITURE}
    found: dict[int, list[Block]] = {number: [] for number in numbers}
    page = 1
    for item, _ in document.iterate_items(included_content_layers=layers):
        for part in _parts(item, page):
            page = part.page
            if block := _block(item, document, part, numbers[page - 1]):
                found[numbers[page - 1]].append(block)
    return found


class _Part(NamedTuple):
    """What of an item stands on one page of the file; `place` is None where Docling does not say."""

    page: int
    place: Any
    text: str


def _parts(item: Any, page: int) -> list[_Part]:
    """Returns the item by pages: Docling joins a paragraph with its rest on the next page. `page` is that of the item
    before, for one without a place."""
    text = getattr(item, "text", "") or getattr(item, "orig", "")
    if not item.prov:
        return [_Part(page, None, text)]
    parts: list[_Part] = []
    for place in reversed(item.prov[1:]):  # each was added at the end, where a hyphen before it may be gone
        start = len(text) - (place.charspan[1] - place.charspan[0])
        parts.insert(0, _Part(place.page_no, place, text[start:]))
        text = text[:start]
    parts.insert(0, _Part(item.prov[0].page_no, item.prov[0], text))
    whole = []
    for _, group in groupby(parts, key=lambda part: part.page):
        first, *rest = group
        whole.append(first._replace(text="".join([first.text, *(part.text for part in rest)])))
    return whole


def _block(item: Any, document: Any, part: _Part, number: int) -> Block | None:
    box = _box(part.place, document)
    label = item.label.value
    if label in ("table", "document_index"):
        return _table(item, number, box)
    if label in ("picture", "chart"):
        caption = item.caption_text(document).strip()
        return Block("picture", caption, page=number, box=box) if caption else None
    text = " ".join(part.text.split())
    if not text:
        return None
    if label == "caption":
        captions = (caption.cref for picture in document.pictures for caption in picture.captions)
        if item.self_ref in captions:  # the picture's own block has this text
            return None
    if label in ("section_header", "title"):
        return Block("heading", text, getattr(item, "level", 1), page=number, box=box)
    if label == "code":
        return Block("code", part.text, page=number, box=box)
    if label == "list_item":
        marker = item.marker if item.enumerated else ""
        return Block("list", marked(text if text.startswith(marker) else f"{marker} {text}"), page=number, box=box)
    kind, text = text_of(iter([text]))
    return Block(kind, text, page=number, box=box)


def _table(item: Any, number: int, box: Box | None) -> Block | None:
    rows = rectangular([" ".join(cell.text.split()) for cell in row] for row in item.data.grid)
    if not rows:
        return None
    if len(rows) == 1 and len(rows[0]) == 1:
        return Block("paragraph", rows[0][0], page=number, box=box)
    return Block("table", table_markdown(rows), rows=rows, page=number, box=box)


def _box(place: Any, document: Any) -> Box | None:
    if place is None:
        return None
    size = document.pages[place.page_no].size
    box = place.bbox.to_top_left_origin(size.height)
    shares = (box.l / size.width, box.t / size.height, box.r / size.width, box.b / size.height)
    left, top, right, bottom = (round(min(max(share, 0.0), 1.0), 4) for share in shares)
    return left, top, right, bottom
