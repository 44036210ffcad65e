"""A page whose parts a model tells apart, by Docling's pipeline: headings, columns, tables, pictures, captions."""

from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from PIL import Image

from shared.parsing.document import Block
from shared.parsing.paged.headings import spoken
from shared.parsing.paged.plain import text_of
from shared.parsing.tables import rectangular, table_markdown
from shared.types.passage import Box

if TYPE_CHECKING:
    from docling.document_converter import DocumentConverter

READ_SIDE = 1300
"""Pixels of the longer side, below which letters of a usual page are too small to be read."""

_POINTS = 72
"""An inch: with as many pixels the picture is taken as it is, and not made smaller."""

_UPRIGHT = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
_NEEDED = ("docling", "docling_parse", "rapid_layout")


def is_there() -> bool:
    return all(find_spec(name) for name in _NEEDED)


def reads_pictures() -> bool:
    return is_there() and find_spec("rapidocr") is not None


def preload() -> None:
    """Imports Docling and loads the models that are here."""
    if not is_there():
        return
    from docling.datamodel.base_models import InputFormat

    from shared.parsing.paged import plugins, reading

    plugins.layout_engine()
    _converter(ocr=False).initialize_pipeline(InputFormat.PDF)
    if reads_pictures():
        reading.ocr_engine()
        _converter(ocr=True).initialize_pipeline(InputFormat.IMAGE)


def blocks_of_pdf(single: bytes, number: int) -> list[Block]:
    """Of a document with one page, which is page `number` of another."""
    return _blocks(_converted("page.pdf", single, ocr=False).document, number)


def blocks_of_picture(image: Image.Image, number: int) -> list[Block]:
    """Boxes are on the picture as it is given, however its text lies."""
    if max(image.size) < READ_SIDE:
        growth = min(READ_SIDE / max(image.size), 3.0)
        image = image.resize((int(image.width * growth), int(image.height * growth)))
    seen, quarters = _seen(image, number)
    if not quarters:
        return seen
    upright, _ = _seen(image.transpose(_UPRIGHT[quarters]), number)
    return [replace(block, box=_turned(block.box, quarters)) for block in upright]


def _seen(image: Image.Image, number: int) -> tuple[list[Block], int]:
    """And by how many quarters it has to be turned counterclockwise, for most of its text to stand upright."""
    from shared.parsing.paged.reading import quarters_of

    written = BytesIO()
    image.save(written, "TIFF", dpi=(_POINTS, _POINTS))
    result = _converted("page.tif", written.getvalue(), ocr=True)
    lines = [line for page in result.pages if page.parsed_page for line in page.parsed_page.textline_cells]
    return spoken(_blocks(result.document, number)), quarters_of(lines)


def _turned(box: Box | None, quarters: int) -> Box | None:
    """Clockwise."""
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

    from shared.parsing.paged.plugins import GridOptions, LayoutOptions, TextOptions

    options = ThreadedPdfPipelineOptions(
        do_ocr=ocr,
        generate_parsed_pages=ocr,
        ocr_options=TextOptions(),
        layout_options=LayoutOptions(),
        table_structure_options=GridOptions(),
        accelerator_options=AcceleratorOptions(device="cpu", num_threads=2),
    )
    formats = {
        InputFormat.PDF: PdfFormatOption(pipeline_options=options),
        InputFormat.IMAGE: ImageFormatOption(pipeline_options=options),
    }
    return DocumentConverter(allowed_formats=list(formats), format_options=formats)


@cache
def _register() -> None:
    from shared.parsing.paged.plugins import register

    register()


def _blocks(document: Any, number: int) -> list[Block]:
    """Without what stands above and below the text of every page, unless it is most of what there is."""
    from docling_core.types.doc.common.content_layer import ContentLayer

    layers = {ContentLayer.BODY}, {ContentLayer.BODY, ContentLayer.FURNITURE}
    body, whole = (
        [
            block
            for item, _ in document.iterate_items(included_content_layers=layer)
            if (block := _block(item, document, number))
        ]
        for layer in layers
    )
    return body if 2 * _letters(body) > _letters(whole) else whole


def _letters(blocks: list[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _block(item: Any, document: Any, number: int) -> Block | None:
    box = _box(item, document)
    label = item.label.value
    if label == "table":
        return _table(item, number, box)
    if label in ("picture", "chart"):
        caption = item.caption_text(document).strip()
        return Block("picture", caption, page=number, box=box) if caption else None
    text = " ".join(getattr(item, "text", "").split())
    if not text or (label == "caption" and _is_told(item, document)):
        return None
    if label in ("section_header", "title"):
        return Block("heading", text, getattr(item, "level", 1), page=number, box=box)
    if label == "code":
        return Block("code", item.text, page=number, box=box)
    kind, text = text_of(iter([text]))
    return Block(kind, text, page=number, box=box)


def _is_told(item: Any, document: Any) -> bool:
    """A picture's caption, which stands in for the picture."""
    return any(item.self_ref == caption.cref for picture in document.pictures for caption in picture.captions)


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
