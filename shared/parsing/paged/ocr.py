"""Optical character recognition of an image with rapidocr, also of lines that are upside down or on their side."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.page import BoundingRectangle, TextCell
from PIL import Image

from shared.parsing.engine import current_engine
from shared.parsing.paged.onnx_sessions import configured

THREADS = 2
FINDING_SIDE = 1120
"""Pixels of the longer side on which lines are detected; they are recognized at full size."""

DOUBTFUL = 0.85
"""A line with a lower score may be upside down: most such lines have less than 0.8, good ones more than 0.95."""

SAMPLES = 4
"""Doubtful lines of a page that are read upside down before all of them are."""

providers: list[str] = []
"""The provider of ONNX Runtime that each model runs on."""

_BETTER = 0.1
_HIGH = 1.5
_FEWEST_LETTERS = 3
"""Shorter lines may make sense upside down too."""


class OcrLine(TextCell):
    """A line with the counterclockwise quarter turns that make it upright."""

    quarters: int = 0


@cache
def ocr_engine() -> Any:
    """Creates the engine without the model that detects upside-down lines: it is wrong about long upright ones."""
    from rapidocr import RapidOCR

    with configured("rapidocr", current_engine().device, providers):
        engine: Any = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.max_side_len": 1800,
                "Global.use_cls": False,
                "Det.limit_type": "max",
                "Det.limit_side_len": FINDING_SIDE,
                "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            }
        )
        engine._load_det_model()  # else they are loaded, and charged, with the first page
        engine._load_rec_model()
        return engine


def recognize(image: Image.Image) -> list[OcrLine]:
    """Returns lines in reading order, with their places in pixels."""
    pixels = numpy.asarray(image)[:, :, ::-1]
    found = ocr_engine()(pixels)
    if found is None or found.boxes is None:
        return []
    lines = [_line(*one) for one in zip(found.boxes.tolist(), found.txts, found.scores, strict=True)]
    _fix_upside_down(lines, pixels, found.boxes)
    return [lines[number] for number in in_reading_order([line.rect.to_bounding_box() for line in lines])]


def _line(corners: list[list[float]], text: str, score: float) -> OcrLine:
    across, down = [x for x, _ in corners], [y for _, y in corners]
    box = BoundingBox(l=min(across), t=min(down), r=max(across), b=max(down), coord_origin=CoordOrigin.TOPLEFT)
    rectangle = BoundingRectangle.from_bounding_box(box)
    # The engine rotates a line that is so high before it recognizes it.
    quarters = int(box.height >= _HIGH * box.width)
    return OcrLine(
        index=0, text=text, orig=text, confidence=float(score), from_ocr=True, rect=rectangle, quarters=quarters
    )


def _fix_upside_down(lines: list[OcrLine], pixels: Any, corners: Any) -> None:
    """Reads doubtful lines upside down and takes the better result. Where they are most of the page, a sample decides:
    the caller then turns the page and reads it again."""
    doubtful = [n for n, line in enumerate(lines) if line.confidence < DOUBTFUL and len(line.text) >= _FEWEST_LETTERS]
    doubtful.sort(key=lambda number: -len(lines[number].text))
    sample, rest = doubtful[:SAMPLES], doubtful[SAMPLES:]
    if sum(_retry_upside_down(lines, sample, pixels, corners)) <= len(sample) / 2:
        return
    if 2 * len(doubtful) <= len(lines):
        _retry_upside_down(lines, rest, pixels, corners)
        return
    for number in rest:
        lines[number].quarters += 2


def _retry_upside_down(lines: list[OcrLine], numbers: list[int], pixels: Any, corners: Any) -> list[bool]:
    """Returns for each line whether it is upside down."""
    if not numbers:
        return []
    crops = ocr_engine().crop_text_regions(pixels, corners[numbers].astype(numpy.float32))
    found = ocr_engine().recognize_txt([numpy.ascontiguousarray(crop[::-1, ::-1]) for crop in crops])
    turned = []
    for number, text, score in zip(numbers, found.txts, found.scores, strict=True):
        line = lines[number]
        turned.append(score > line.confidence + _BETTER)
        if turned[-1]:
            line.text, line.orig, line.confidence, line.quarters = text, text, float(score), line.quarters + 2
    return turned


def quarters_of(lines: Sequence[TextCell], image: Image.Image) -> int:
    """Returns the quarter turns that most of their letters need. Lines of another engine do not say which way they
    stand, so that the image is read again where most of them are upright columns."""
    letters = [0, 0, 0, 0]
    for line in lines:
        letters[line.quarters if isinstance(line, OcrLine) else _is_high(line)] += len(line.text)
    quarters = letters.index(max(letters))
    if quarters and not any(isinstance(line, OcrLine) for line in lines):
        return quarters_of(recognize(image), image)
    return quarters


def _is_high(line: TextCell) -> bool:
    box = line.rect.to_bounding_box()
    return bool(box.height >= _HIGH * box.width)


def in_reading_order(boxes: Sequence[BoundingBox]) -> list[int]:
    """Returns the boxes' indexes by rows, each from the left. The engine's own order takes lines up to ten pixels apart
    for one row, which mixes up small print."""
    rows: list[list[int]] = []
    for number in sorted(range(len(boxes)), key=lambda number: _middle(boxes[number])):
        box, first = boxes[number], boxes[rows[-1][0]] if rows else None
        if first and abs(_middle(first) - _middle(box)) < 0.5 * min(first.b - first.t, box.b - box.t):
            rows[-1].append(number)
        else:
            rows.append([number])
    return [number for row in rows for number in sorted(row, key=lambda number: boxes[number].l)]


def _middle(box: BoundingBox) -> float:
    return (box.t + box.b) / 2
