"""Reads a PDF page's text layer: its letters, joined to runs without a wide gap."""

import ctypes
import math
import unicodedata
from collections.abc import Container, Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import pypdfium2.raw as pdfium
from msgspec import Struct

from shared.parsing.paged.table_words import TableWord, is_right_to_left
from shared.types.passage import Box

MOST_LETTERS = 200_000
"""A page with more is read up to here."""

WIDEST_SPACE = 1.0
"""In font sizes; letters further apart belong to different runs."""

_BOLD = 600
_HYPHENS = frozenset((0x02, 0xFFFE))
"""PDFium's codes for a hyphen that divides a word at the end of a line."""


class TextRun(Struct, frozen=True):
    """Words on one line without a wide gap between them. Box and `size` are in points, from the displayed page's top
    left. `quarters` is the number of clockwise quarter turns of the page that bring the text nearest to upright.
    `words` is empty where only the box of the whole is known."""

    text: str
    box: Box
    size: float
    bold: bool = False
    upright: bool = True
    quarters: int = 0
    words: tuple[TableWord, ...] = ()


class PageFrame(Struct, frozen=True):
    """The page's box in PDF coordinates, and by how many quarter turns it is rotated when displayed."""

    left: float
    bottom: float
    right: float
    top: float
    quarters: int = 0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height when displayed."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.quarters % 2 else (width, height)

    def displayed(self, left: float, bottom: float, right: float, top: float) -> Box:
        """Converts a rectangle in PDF coordinates to left, top, right, bottom from the displayed page's top left."""
        corners = (self._displayed(left, bottom), self._displayed(right, top))
        (x1, x2), (y1, y2) = (sorted(axis) for axis in zip(*corners, strict=True))
        return x1, y1, x2, y2

    def _displayed(self, x: float, y: float) -> tuple[float, float]:
        across, down = x - self.left, self.top - y
        width, height = self.right - self.left, self.top - self.bottom
        return ((across, down), (height - down, across), (width - across, height - down), (down, width - across))[
            self.quarters
        ]


class _Letter(Struct):
    code: int
    box: tuple[float, float, float, float]
    index: int


def text_runs(textpage: Any, frame: PageFrame, hidden: Container[int] = ()) -> tuple[list[TextRun], list[TextRun]]:
    """Returns the runs in the order in which the file draws them: first those of letters that are seen, then those of
    the letters with the indices `hidden`."""
    letters = list(_letters(textpage))
    if not hidden:
        return _runs(textpage, letters, frame), []
    seen: list[_Letter] = []
    unseen: list[_Letter] = []
    is_hidden = False
    for letter in letters:
        is_hidden = letter.index in hidden if _is_ink(letter) else is_hidden  # a space belongs to the letter before it
        (unseen if is_hidden else seen).append(letter)
    return _runs(textpage, seen, frame), _runs(textpage, unseen, frame)


def _runs(textpage: Any, letters: Sequence[_Letter], frame: PageFrame) -> list[TextRun]:
    return [_run(textpage, run, frame) for run in _divided(letters)]


def _divided(letters: Sequence[_Letter]) -> Iterator[list[_Letter]]:
    run: list[_Letter] = []
    for letter in letters:
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
    """Whether the letter begins another run: it is far away on the line, or on another line."""
    if not _is_ink(letter):
        return False
    before = next((one for one in reversed(run) if _is_ink(one)), None)
    if before is None:
        return False
    height = max(before.box[3] - before.box[1], before.box[2] - before.box[0], 0.1)
    across = max(letter.box[0] - before.box[2], before.box[0] - letter.box[2])
    up = max(letter.box[1] - before.box[3], before.box[1] - letter.box[3])
    return across > WIDEST_SPACE * height or up > 0.3 * height


def _run(textpage: Any, letters: list[_Letter], frame: PageFrame) -> TextRun:
    inked = [letter for letter in letters if _is_ink(letter)]
    first = inked[0].index
    angle = pdfium.FPDFText_GetCharAngle(textpage, first) + frame.quarters * math.pi / 2
    return TextRun(
        text=_text(letters),
        box=_box(inked, frame),
        size=_size(textpage, first),
        bold=pdfium.FPDFText_GetFontWeight(textpage, first) >= _BOLD,
        upright=abs(math.sin(angle)) < 0.1 and math.cos(angle) > 0,
        quarters=-round(angle / (math.pi / 2)) % 4,
        words=tuple(_words(letters, frame)),
    )


def _words(letters: list[_Letter], frame: PageFrame) -> Iterator[TableWord]:
    for is_ink, group in groupby(letters, key=_is_ink):
        if is_ink:
            word = list(group)
            yield TableWord(_text(word), _box(word, frame))


def _box(letters: list[_Letter], frame: PageFrame) -> Box:
    lefts, bottoms, rights, tops = zip(*(letter.box for letter in letters), strict=True)
    return frame.displayed(min(lefts), min(bottoms), max(rights), max(tops))


def _text(letters: list[_Letter]) -> str:
    text = "".join(chr(0x2D if letter.code in _HYPHENS else letter.code) for letter in _in_order(letters))
    return " ".join(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())


def words_of(run: TextRun) -> Sequence[TableWord]:
    return run.words or (TableWord(run.text, run.box),)


def _in_order(letters: list[_Letter]) -> list[_Letter]:
    """Puts the letters of a ligature that is written from right to left, which share one box, in reading order. PDFium
    returns them turned round, as all letters of the line, except those that it resolved a presentation form into."""
    ordered: list[_Letter] = []
    for _, group in groupby(letters, key=lambda letter: letter.box):
        same = list(group)
        ordered += same[:: -1 if len(same) > 1 and _is_turned("".join(chr(one.code) for one in same)) else 1]
    return ordered


def _is_turned(text: str) -> bool:
    forms = _presentation_forms()
    return is_right_to_left(text) and (text not in forms or text[::-1] in forms)


@cache
def _presentation_forms() -> frozenset[str]:
    """Returns what the forms of Unicode that stand for several letters of Hebrew or Arabic consist of."""
    codes = (*range(0xFB1D, 0xFE00), *range(0xFE70, 0xFEFD))
    return frozenset(text for code in codes if len(text := unicodedata.normalize("NFKC", chr(code))) > 1)


def _size(textpage: Any, index: int) -> float:
    """The font size as drawn, in points."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(textpage, index, ctypes.byref(matrix))
    return float(pdfium.FPDFText_GetFontSize(textpage, index)) * (math.hypot(matrix.b, matrix.d) or 1.0)
