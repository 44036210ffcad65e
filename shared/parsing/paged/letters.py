"""Reads a page's text layer: its letters, put together to runs that no gap divides."""

import ctypes
import math
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium
from msgspec import Struct

from shared.types.passage import Box

MOST_LETTERS = 200_000
"""More than that on one page is nothing that anybody reads."""

WIDEST_SPACE = 1.0
"""In sizes of the font; what is further apart belongs to another run."""

_BOLD = 600
_HYPHENS = frozenset((0x02, 0xFFFE))
"""What PDFium gives for a hyphen that only divides a word at the end of a line."""


class Run(Struct, frozen=True):
    """Words on one line without a wide gap between them. Box and `size` are in points, from the page's top left as it
    is shown."""

    text: str
    box: Box
    size: float
    bold: bool = False
    upright: bool = True


class Frame(Struct, frozen=True):
    """How the page lies in its own coordinates: its box there, and by how many quarters it is turned when shown."""

    left: float
    bottom: float
    right: float
    top: float
    turned: int = 0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as shown."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.turned % 2 else (width, height)

    def shown(self, left: float, bottom: float, right: float, top: float) -> Box:
        """A rectangle in the page's coordinates as it is shown: left, top, right, bottom from the top left."""
        corners = (self._shown(left, bottom), self._shown(right, top))
        (x1, x2), (y1, y2) = (sorted(axis) for axis in zip(*corners, strict=True))
        return x1, y1, x2, y2

    def _shown(self, x: float, y: float) -> tuple[float, float]:
        across, down = x - self.left, self.top - y
        width, height = self.right - self.left, self.top - self.bottom
        return ((across, down), (height - down, across), (width - across, height - down), (down, width - across))[
            self.turned
        ]


class _Letter(Struct):
    code: int
    box: tuple[float, float, float, float]
    index: int


def runs_of(textpage: Any, frame: Frame) -> list[Run]:
    """In the order in which the file draws them."""
    return [_run(textpage, letters, frame) for letters in _divided(textpage)]


def _divided(textpage: Any) -> Iterator[list[_Letter]]:
    run: list[_Letter] = []
    for letter in _letters(textpage):
        if run and (letter.code in (10, 13) or _is_apart(run, letter)):
            if any(_is_ink(one) for one in run):
                yield run
            run = []
        if letter.code not in (10, 13):
            run.append(letter)
    if any(_is_ink(one) for one in run):
        yield run


def _letters(textpage: Any) -> Iterator[_Letter]:
    rectangle = pdfium.FS_RECTF()
    reference = ctypes.byref(rectangle)
    for index in range(min(pdfium.FPDFText_CountChars(textpage), MOST_LETTERS)):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        pdfium.FPDFText_GetLooseCharBox(textpage, index, reference)
        yield _Letter(code, (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top), index)


def _is_ink(letter: _Letter) -> bool:
    return letter.code > 32 and letter.code != 0xA0


def _is_apart(run: list[_Letter], letter: _Letter) -> bool:
    """A letter that begins something new: far away on the line, or on another one."""
    if not _is_ink(letter):
        return False
    before = next((one for one in reversed(run) if _is_ink(one)), None)
    if before is None:
        return False
    height = max(before.box[3] - before.box[1], before.box[2] - before.box[0], 0.1)
    across = max(letter.box[0] - before.box[2], before.box[0] - letter.box[2])
    up = max(letter.box[1] - before.box[3], before.box[1] - letter.box[3])
    return across > WIDEST_SPACE * height or up > 0.3 * height


def _run(textpage: Any, letters: list[_Letter], frame: Frame) -> Run:
    inked = [letter for letter in letters if _is_ink(letter)]
    boxes = [letter.box for letter in inked]
    first = inked[0].index
    box = frame.shown(
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
    angle = pdfium.FPDFText_GetCharAngle(textpage, first) + frame.turned * math.pi / 2
    return Run(
        text=_text(letters),
        box=box,
        size=_size(textpage, first),
        bold=pdfium.FPDFText_GetFontWeight(textpage, first) >= _BOLD,
        upright=abs(math.sin(angle)) < 0.1 and math.cos(angle) > 0,
    )


def _text(letters: list[_Letter]) -> str:
    codes = (0x2D if letter.code in _HYPHENS else letter.code for letter in letters)
    text = "".join(map(chr, codes))
    return " ".join(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())


def _size(textpage: Any, index: int) -> float:
    """Of the font as it is drawn, in points."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(textpage, index, ctypes.byref(matrix))
    return float(pdfium.FPDFText_GetFontSize(textpage, index)) * (math.hypot(matrix.b, matrix.d) or 1.0)
