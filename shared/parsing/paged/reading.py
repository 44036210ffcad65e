"""Reads the lines of text in a picture with rapidocr, also those that stand on their head or on their side."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.page import BoundingRectangle, TextCell
from PIL import Image

THREADS = 2
FINDING_SIDE = 1120
"""Pixels of the longer side, as what finds the lines sees the picture; they are read from its own pixels."""

DOUBTFUL = 0.85
"""A line with a lower score may be upside down: then most have less than 0.8, and good ones have more than 0.95."""

SAMPLES = 4
"""Doubtful lines of a page that are read the other way round before all of them are."""

_BETTER = 0.1
_FEWEST_LETTERS = 3
"""Some numbers and letters say something upside down too."""


class LayoutLine(TextCell):
    """`quarters` is how often it has to be turned by 90 degrees, counterclockwise, to stand upright."""

    quarters: int = 0


@cache
def ocr_engine() -> Any:
    """Without the model that tells which lines are upside down: it is wrong about long ones that are not."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.max_side_len": 1800,
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": FINDING_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
        }
    )


def read(image: Image.Image) -> list[LayoutLine]:
    """Lines from the top, with their places in pixels."""
    pixels = numpy.asarray(image)[:, :, ::-1]
    found = ocr_engine()(pixels)
    if found is None or found.boxes is None:
        return []
    lines = [_line(*one) for one in zip(found.boxes.tolist(), found.txts, found.scores, strict=True)]
    _turn(lines, pixels, found.boxes)
    return [lines[number] for number in in_reading_order([line.rect.to_bounding_box() for line in lines])]


def _line(corners: list[list[float]], text: str, score: float) -> LayoutLine:
    across, down = [x for x, _ in corners], [y for _, y in corners]
    box = BoundingBox(l=min(across), t=min(down), r=max(across), b=max(down), coord_origin=CoordOrigin.TOPLEFT)
    rectangle = BoundingRectangle.from_bounding_box(box)
    # A line as high as that was turned before it was read.
    quarters = int(box.height >= 1.5 * box.width)
    return LayoutLine(
        index=0, text=text, orig=text, confidence=float(score), from_ocr=True, rect=rectangle, quarters=quarters
    )


def _turn(lines: list[LayoutLine], pixels: Any, corners: Any) -> None:
    """Reads doubtful lines the other way round, and keeps what is better. Where they are most of the page, as many as
    show that it is upside down are enough: it is turned and read again."""
    doubtful = [n for n, line in enumerate(lines) if line.confidence < DOUBTFUL and len(line.text) >= _FEWEST_LETTERS]
    doubtful.sort(key=lambda number: -len(lines[number].text))
    sample, rest = doubtful[:SAMPLES], doubtful[SAMPLES:]
    if sum(_turn_each(lines, sample, pixels, corners)) <= len(sample) / 2:
        return
    if 2 * len(doubtful) <= len(lines):
        _turn_each(lines, rest, pixels, corners)
        return
    for number in rest:
        lines[number].quarters += 2


def _turn_each(lines: list[LayoutLine], numbers: list[int], pixels: Any, corners: Any) -> list[bool]:
    """Which of them are upside down."""
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


def quarters_of(lines: Sequence[TextCell]) -> int:
    """How most of their letters lie."""
    letters = [0, 0, 0, 0]
    for line in lines:
        letters[line.quarters if isinstance(line, LayoutLine) else 0] += len(line.text)
    return letters.index(max(letters))


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
