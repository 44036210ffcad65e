"""Layout analysis of one page by Docling's pipeline: headings, columns, tables, pictures, captions."""

from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from PIL import Image

from shared.parsing.document import Block
from shared.parsing.paged.sentence_repair import repair_sentences
from shared.parsing.paged.text_blocks import text_of
from shared.parsing.tables import rectangular, table_markdown
from shared.types.passage import Box

if TYPE_CHECKING:
    from docling.document_converter import DocumentConverter

READ_SIDE = 1300
"""Pixels of the longer side to which smaller images are enlarged: below it, usual letters are too small for OCR."""

_POINTS = 72
"""Dots an inch that are written into the image: at one pixel a point Docling does not scale it."""

_UPRIGHT = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
_NEEDED = ("docling", "docling_parse", "rapid_layout")


def is_available() -> bool:
    return all(find_spec(name) for name in _NEEDED)


def has_ocr() -> bool:
    return is_available() and find_spec("rapidocr") is not None


@cache
def load_layout() -> None:
    """Imports Docling and loads the models of layout analysis, once in a process."""
    from docling.datamodel.base_models import InputFormat

    from shared.parsing.paged import docling_engines

    docling_engines.layout_engine()
    _converter(ocr=False).initialize_pipeline(InputFormat.PDF)


@cache
def load_ocr() -> None:
    """Loads the models of layout analysis and of OCR, once in a process."""
    from docling.datamodel.base_models import InputFormat

    from shared.parsing.paged import docling_engines, ocr

    docling_engines.layout_engine()
    ocr.ocr_engine()
    _converter(ocr=True).initialize_pipeline(InputFormat.IMAGE)


def pdf_blocks(single: bytes, number: int) -> list[Block]:
    """Returns the blocks of a PDF with a single page, which is page `number` of its document."""
    return _blocks(_converted("page.pdf", single, ocr=False).document, number)


def image_blocks(image: Image.Image, number: int) -> tuple[list[Block], int | None]:
    """Returns the blocks of a page image by OCR, and the mean score of its lines in thousandths, None without lines.
    Boxes refer to the image as given, even where its text is rotated."""
    from shared.parsing.paged.ocr import quarters_of

    if max(image.size) < READ_SIDE:
        growth = min(READ_SIDE / max(image.size), 3.0)
        image = image.resize((int(image.width * growth), int(image.height * growth)))
    blocks, lines = _recognized(image, number)
    if quarters := quarters_of(lines):
        upright, lines = _recognized(image.transpose(_UPRIGHT[quarters]), number)
        blocks = [replace(block, box=rotated_box(block.box, quarters)) for block in upright]
    score = round(1000 * sum(line.confidence for line in lines) / len(lines)) if lines else None
    return blocks, score


def _recognized(image: Image.Image, number: int) -> tuple[list[Block], list[Any]]:
    """Returns the blocks and the lines that they are made of."""
    written = BytesIO()
    image.save(written, "TIFF", dpi=(_POINTS, _POINTS))
    result = _converted("page.tif", written.getvalue(), ocr=True)
    lines = [line for page in result.pages if page.parsed_page for line in page.parsed_page.textline_cells]
    return repair_sentences(_blocks(result.document, number)), lines


def rotated_box(box: Box | None, quarters: int) -> Box | None:
    """Rotates the box clockwise by quarter turns."""
    for _ in range(quarters if box else 0):
        assert box is not None
        left, top, right, bottom = box
        box = (round(1 - bottom, 4), left, round(1 - top, 4), right)
    return box


def _converted(name: str, content: bytes, *, ocr: bool) -> Any:
    from docling.datamodel.base_models import DocumentStream

    return _converter(ocr=ocr).convert(DocumentStream(name=name, stream=BytesIO(content)))


@cache
def _converter(*, ocr: bool) -> "DocumentConverter":
    _register()
    from docling.datamodel.accelerator_options import AcceleratorOptions
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.pipeline_options import ThreadedPdfPipelineOptions
    from docling.document_converter import DocumentConverter, ImageFormatOption, PdfFormatOption

    from shared.parsing.paged.docling_engines import LayoutEngineOptions, OcrEngineOptions, TableEngineOptions

    options = ThreadedPdfPipelineOptions(
        do_ocr=ocr,
        generate_parsed_pages=ocr,
        ocr_options=OcrEngineOptions(),
        layout_options=LayoutEngineOptions(),
        table_structure_options=TableEngineOptions(),
        accelerator_options=AcceleratorOptions(device="cpu", num_threads=2),
    )
    formats = {
        InputFormat.PDF: PdfFormatOption(pipeline_options=options),
        InputFormat.IMAGE: ImageFormatOption(pipeline_options=options),
    }
    return DocumentConverter(allowed_formats=list(formats), format_options=formats)


@cache
def _register() -> None:
    from shared.parsing.paged.docling_engines import register

    register()


def _blocks(document: Any, number: int) -> list[Block]:
    """Returns page headers and footers too: only other pages show whether they recur."""
    from docling_core.types.doc.common.content_layer import ContentLayer

    layers = {ContentLayer.BODY, ContentLayer.FURNITURE}
    items = document.iterate_items(included_content_layers=layers)
    return [block for item, _ in items if (block := _block(item, document, number))]


def _block(item: Any, document: Any, number: int) -> Block | None:
    box = _box(item, document)
    label = item.label.value
    if label == "table":
        return _table(item, number, box)
    if label in ("picture", "chart"):
        caption = item.caption_text(document).strip()
        return Block("picture", caption, page=number, box=box) if caption else None
    text = " ".join(getattr(item, "text", "").split())
    if not text:
        return None
    if label == "caption":
        captions = (caption.cref for picture in document.pictures for caption in picture.captions)
        if item.self_ref in captions:  # the picture's own block has this text
            return None
    if label in ("section_header", "title"):
        return Block("heading", text, getattr(item, "level", 1), page=number, box=box)
    if label == "code":
        return Block("code", item.text, page=number, box=box)
    kind, text = text_of(iter([text]))
    return Block(kind, text, page=number, box=box)


def _table(item: Any, number: int, box: Box | None) -> Block | None:
    rows = rectangular([" ".join(cell.text.split()) for cell in row] for row in item.data.grid)
    if not rows:
        return None
    if len(rows) == 1 and len(rows[0]) == 1:
        return Block("paragraph", rows[0][0], page=number, box=box)
    return Block("table", table_markdown(rows), rows=rows, page=number, box=box)


def _box(item: Any, document: Any) -> Box | None:
    if not item.prov:
        return None
    place = item.prov[0]
    size = document.pages[place.page_no].size
    box = place.bbox.to_top_left_origin(size.height)
    shares = (box.l / size.width, box.t / size.height, box.r / size.width, box.b / size.height)
    left, top, right, bottom = (round(min(max(share, 0.0), 1.0), 4) for share in shares)
    return left, top, right, bottom
