"""Engines for Docling's plug-in point, without any model: they record how they were made and what they were given.

Layout finds the upper half of each page alone, as a picture where the page is even: what it loses has to be put back.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from docling.datamodel.base_models import Cluster, LayoutPrediction, Page, TableStructurePrediction
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import BaseLayoutOptions, BaseTableStructureOptions, OcrMode, OcrOptions
from docling.models.base_layout_model import BaseLayoutModel
from docling.models.base_ocr_model import BaseOcrModel
from docling.models.base_table_model import BaseTableStructureModel
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import BoundingRectangle, TextCell
from pydantic import Field

READ = "The stand-in reads this scan"


def record(artifacts_path: Path | str, *what: object) -> None:
    with (Path(artifacts_path) / "record.txt").open("a") as file:
        print(*what, file=file)


class LayoutOptions(BaseLayoutOptions):
    kind: ClassVar[Literal["standin-layout"]] = "standin-layout"


class TableOptions(BaseTableStructureOptions):
    kind: ClassVar[Literal["standin-tables"]] = "standin-tables"


class ReadingOptions(OcrOptions):
    kind: ClassVar[Literal["standin-ocr"]] = "standin-ocr"
    canonicalize_lang: ClassVar[bool] = False
    lang: list[str] = Field(default_factory=list)
    mode: OcrMode = OcrMode.FULL_PAGE


class Layout(BaseLayoutModel):
    def __init__(self, *, options: LayoutOptions, artifacts_path: Path, accelerator_options: Any, **_: Any) -> None:
        self.options, self.artifacts_path = options, artifacts_path
        record(artifacts_path, "layout made", accelerator_options.device)

    @classmethod
    def get_options_type(cls) -> type[BaseLayoutOptions]:
        return LayoutOptions

    def predict_layout(self, conv_res: ConversionResult, pages: Sequence[Page]) -> Sequence[LayoutPrediction]:
        record(self.artifacts_path, "layout of", conv_res.input.page_count)
        return [LayoutPrediction(clusters=[_upper_half(page)]) for page in pages]


def _upper_half(page: Page) -> Cluster:
    assert page.size is not None
    label = DocItemLabel.TEXT if page.page_no % 2 else DocItemLabel.PICTURE
    box = BoundingBox(l=0, t=0, r=page.size.width, b=page.size.height / 2, coord_origin=CoordOrigin.TOPLEFT)
    return Cluster(id=0, label=label, confidence=0.9, bbox=box)


class Tables(BaseTableStructureModel):
    def __init__(self, *, enabled: bool, options: TableOptions, accelerator_options: Any, **_: Any) -> None:
        self.enabled, self.options = enabled, options

    @classmethod
    def get_options_type(cls) -> type[BaseTableStructureOptions]:
        return TableOptions

    def predict_tables(self, conv_res: ConversionResult, pages: Sequence[Page]) -> Sequence[TableStructurePrediction]:
        return [TableStructurePrediction(table_map={}) for _ in pages]


class Reading(BaseOcrModel):
    def __init__(
        self, *, enabled: bool, artifacts_path: Any, options: ReadingOptions, accelerator_options: Any
    ) -> None:
        super().__init__(
            enabled=enabled, artifacts_path=artifacts_path, options=options, accelerator_options=accelerator_options
        )

    @classmethod
    def get_options_type(cls) -> type[OcrOptions]:
        return ReadingOptions

    def __call__(self, conv_res: ConversionResult, page_batch: Iterable[Page]) -> Iterable[Page]:
        for page in page_batch:
            if self.enabled:
                box = BoundingBox(l=50, t=50, r=500, b=70, coord_origin=CoordOrigin.TOPLEFT)
                line = TextCell(
                    index=0,
                    text=READ,
                    orig=READ,
                    confidence=0.75,
                    from_ocr=True,
                    rect=BoundingRectangle.from_bounding_box(box),
                )
                self.post_process_cells([line], page, conv_res)
            yield page


def layout_engines() -> dict[str, list[type]]:
    return {"layout_engines": [Layout]}


def table_structure_engines() -> dict[str, list[type]]:
    return {"table_structure_engines": [Tables]}


def ocr_engines() -> dict[str, list[type]]:
    return {"ocr_engines": [Reading]}
