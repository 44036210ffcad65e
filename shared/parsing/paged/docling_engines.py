"""Engines for Docling's pipeline whose weights come in wheels, registered as its plugins: layout by rapid-layout, OCR
by rapidocr, and tables by the places of their words."""

import logging
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

import numpy
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import Cluster, LayoutPrediction, Page, Table, TableStructurePrediction
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import (
    BaseLayoutOptions,
    BaseTableStructureOptions,
    OcrMode,
    OcrOptions,
    RapidOcrOptions,
    ThreadedPdfPipelineOptions,
)
from docling.models.base_layout_model import BaseLayoutModel
from docling.models.base_ocr_model import BaseOcrModel
from docling.models.base_table_model import BaseTableStructureModel
from docling.models.factories import get_layout_factory, get_ocr_factory, get_table_structure_factory
from docling.models.plugins import defaults
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.items.table.table_data import TableCell
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import TextCell, TextCellUnit
from pydantic import Field

from shared.parsing.engine import Device, PdfEngine, current_engine
from shared.parsing.paged.ocr import THREADS, recognize
from shared.parsing.paged.onnx_sessions import configured
from shared.parsing.paged.table_grid import table_rows
from shared.parsing.paged.table_words import GridRow, TableWord

INPUT_SIDE = 1200
"""Pixels of a page's longer side in the layout model's input."""

providers: list[str] = []
"""The provider of ONNX Runtime that the layout model runs on."""

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


@cache
def layout_engine() -> Any:
    from rapid_layout import RapidLayout

    with configured("rapid_layout", current_engine().device, providers):
        engine = RapidLayout(conf_thresh=0.5, engine_cfg={"intra_op_num_threads": THREADS, "inter_op_num_threads": 1})
    logging.getLogger("RapidLayout").setLevel(logging.ERROR)
    return engine


class LayoutEngineOptions(BaseLayoutOptions):
    kind: ClassVar[Literal["aegis-layout"]] = "aegis-layout"


class TableEngineOptions(BaseTableStructureOptions):
    kind: ClassVar[Literal["aegis-grid"]] = "aegis-grid"


class OcrEngineOptions(OcrOptions):
    kind: ClassVar[Literal["aegis-ocr"]] = "aegis-ocr"
    canonicalize_lang: ClassVar[bool] = False
    lang: list[str] = Field(default_factory=list)
    mode: OcrMode = OcrMode.FULL_PAGE


class LayoutEngine(BaseLayoutModel):
    def __init__(self, *, options: LayoutEngineOptions, **_: Any) -> None:
        self.options = options
        self.enabled = True

    @classmethod
    def get_options_type(cls) -> type[BaseLayoutOptions]:
        return LayoutEngineOptions

    def predict_layout(self, conv_res: ConversionResult, pages: Sequence[Page]) -> Sequence[LayoutPrediction]:
        return [LayoutPrediction(clusters=_clusters(page)) for page in pages]


def _clusters(page: Page) -> list[Cluster]:
    assert page.size is not None
    scale = INPUT_SIDE / max(page.size.width, page.size.height)
    image = page.get_image(scale=scale)
    found = layout_engine()(numpy.asarray(image)[:, :, ::-1])
    if found.boxes is None:
        return []
    clusters = []
    for place, (box, name, score) in enumerate(zip(found.boxes, found.class_names, found.scores, strict=True)):
        left, top, right, bottom = (float(x) / scale for x in box)
        bounds = BoundingBox(l=left, t=top, r=right, b=bottom, coord_origin=CoordOrigin.TOPLEFT)
        clusters.append(Cluster(id=place, label=_LABELS[name], confidence=float(score), bbox=bounds))
    return clusters


class TableEngine(BaseTableStructureModel):
    def __init__(self, *, enabled: bool, options: TableEngineOptions, **_: Any) -> None:
        self.enabled = enabled
        self.options = options

    @classmethod
    def get_options_type(cls) -> type[BaseTableStructureOptions]:
        return TableEngineOptions

    def predict_tables(self, conv_res: ConversionResult, pages: Sequence[Page]) -> Sequence[TableStructurePrediction]:
        predictions = []
        for page in pages:
            clusters = page.predictions.layout.clusters if page.predictions.layout else []
            tables = {
                cluster.id: _table(page, cluster, rows)
                for cluster in clusters
                if cluster.label == DocItemLabel.TABLE and (rows := table_rows(_words(page, cluster)))
            }
            predictions.append(TableStructurePrediction(table_map=tables))
        return predictions


def _words(page: Page, cluster: Cluster) -> list[TableWord]:
    """Returns single words where the file has them, else the cells that OCR returned."""
    assert page.size is not None
    height = page.size.height
    segmented = page._backend.get_segmented_page() if page._backend else None
    cells = segmented.get_cells_in_bbox(TextCellUnit.WORD, cluster.bbox) if segmented else []
    boxes = [(cell.text.strip(), cell.rect.to_bounding_box()) for cell in cells or cluster.cells]
    return [TableWord(text, box.to_top_left_origin(height).as_tuple()) for text, box in boxes if text]


def _table(page: Page, cluster: Cluster, rows: list[GridRow]) -> Table:
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


class OcrEngine(BaseOcrModel):
    def __init__(
        self, *, enabled: bool, artifacts_path: Any, options: OcrEngineOptions, accelerator_options: Any
    ) -> None:
        super().__init__(
            enabled=enabled, artifacts_path=artifacts_path, options=options, accelerator_options=accelerator_options
        )

    @classmethod
    def get_options_type(cls) -> type[OcrOptions]:
        return OcrEngineOptions

    def __call__(self, conv_res: ConversionResult, page_batch: Iterable[Page]) -> Iterable[Page]:
        for page in page_batch:
            if self.enabled and page._backend is not None and page._backend.is_valid():
                lines = recognize(page._backend.get_page_image(scale=1))
                self.post_process_cells(list[TextCell](lines), page, conv_res)
            yield page


def register() -> None:
    """Registers the engines once in a process, before the first pipeline is made.

    Docling's own table engines import torch: gigabytes that only its own models need, and which may not be installed.
    """
    if not current_engine().is_docling or find_spec("torch") is None:
        defaults.table_structure_engines = lambda: {"table_structure_engines": []}
    has_plugins = current_engine().has_plugins
    get_layout_factory(allow_external_plugins=has_plugins).register(LayoutEngine, "aegisrag", __name__)
    get_table_structure_factory(allow_external_plugins=has_plugins).register(TableEngine, "aegisrag", __name__)
    get_ocr_factory(allow_external_plugins=has_plugins).register(OcrEngine, "aegisrag", __name__)


def pipeline_options(engine: PdfEngine, device: Device, *, ocr: bool) -> ThreadedPdfPipelineOptions:
    """Returns the options of Docling's standard pipeline with the engine's plug-ins."""
    plugins = engine.has_plugins
    reading: Any = get_ocr_factory(allow_external_plugins=plugins).create_options(engine.ocr)
    layout: Any = get_layout_factory(allow_external_plugins=plugins).create_options(engine.layout)
    tables: Any = get_table_structure_factory(allow_external_plugins=plugins).create_options(engine.tables)
    reading.mode = OcrMode.FULL_PAGE
    if isinstance(reading, RapidOcrOptions):
        reading.backend = "torch"  # whose weights `docling-tools` downloads, and which needs no other runtime
    options = ThreadedPdfPipelineOptions(
        artifacts_path=engine.artifacts or None,
        allow_external_plugins=plugins,
        do_ocr=ocr,
        generate_parsed_pages=ocr,
        ocr_options=reading,
        layout_options=layout,
        table_structure_options=tables,
        accelerator_options=AcceleratorOptions(device=device, num_threads=THREADS),
    )
    if engine.is_docling:
        batch = engine.batch_pages
        options.layout_batch_size = options.table_batch_size = options.ocr_batch_size = batch
    return options
