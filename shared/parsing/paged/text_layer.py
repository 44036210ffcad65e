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

from shared.parsing.paged.raised_text import PageLetter, RaisedWord, divided_word, drawn_size, raised_word
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
    raised: tuple[RaisedWord, ...] = ()


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


def text_runs(textpage: Any, frame: PageFrame, hidden: Container[int] = ()) -> tuple[list[TextRun], list[TextRun]]:
    """Returns the runs in the order in which the file draws them: first those of letters that are seen, then those of
    the letters with the indices `hidden`."""
    letters = list(_letters(textpage))
    if not hidden:
        return _runs(textpage, letters, frame), []
    seen: list[PageLetter] = []
    unseen: list[PageLetter] = []
    is_hidden = False
    for letter in letters:
        is_hidden = letter.index in hidden if letter.is_ink else is_hidden  # a space belongs to the letter before it
        (unseen if is_hidden else seen).append(letter)
    return _runs(textpage, seen, frame), _runs(textpage, unseen, frame)


def _runs(textpage: Any, letters: Sequence[PageLetter], frame: PageFrame) -> list[TextRun]:
    return [_run(textpage, run, frame) for run in _divided(letters)]


def _divided(letters: Sequence[PageLetter]) -> Iterator[list[PageLetter]]:
    run: list[PageLetter] = []
    before: PageLetter | None = None  # the last of the run that is no space
    is_broken = False
    for letter in letters:
        if letter.code in (10, 13):
            is_broken = True
            continue
        if letter.is_ink:
            if before and (not _goes_on(before, letter) if is_broken else _is_apart(before, letter)):
                yield run
                run = []
            before, is_broken = letter, False
        run.append(letter)
    if before:
        yield run


def _goes_on(before: PageLetter, letter: PageLetter) -> bool:
    """Whether the letter stands on the line of a raised or lowered one before it, or is one itself: PDFium puts a line
    break between them."""
    small, large = sorted((before, letter), key=lambda one: one.box[3] - one.box[1])
    height = large.box[3] - large.box[1]
    if small.box[3] - small.box[1] > 0.9 * height or not -0.1 * height < letter.box[0] - before.box[2] < 0.6 * height:
        return False
    return large.box[1] <= (small.box[1] + small.box[3]) / 2 <= large.box[3]


def _letters(textpage: Any) -> Iterator[PageLetter]:
    rectangle = pdfium.FS_RECTF()
    reference = ctypes.byref(rectangle)
    for index in range(min(pdfium.FPDFText_CountChars(textpage), MOST_LETTERS)):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        pdfium.FPDFText_GetLooseCharBox(textpage, index, reference)
        yield PageLetter(code, (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top), index)


def _is_apart(before: PageLetter, letter: PageLetter) -> bool:
    """Whether the letter begins another run: it is far away on the line, or on another line."""
    height = max(before.box[3] - before.box[1], before.box[2] - before.box[0], 0.1)
    across = max(letter.box[0] - before.box[2], before.box[0] - letter.box[2])
    up = max(letter.box[1] - before.box[3], before.box[1] - letter.box[3])
    return across > WIDEST_SPACE * height or up > 0.3 * height


def _run(textpage: Any, letters: list[PageLetter], frame: PageFrame) -> TextRun:
    inked = [letter for letter in letters if letter.is_ink]
    first = inked[0].index
    spelled = [list(group) for is_ink, group in groupby(letters, key=lambda letter: letter.is_ink) if is_ink]
    words = [TableWord(_text(word), _box(word, frame)) for word in spelled]
    angle = pdfium.FPDFText_GetCharAngle(textpage, first) + frame.quarters * math.pi / 2
    return TextRun(
        text=_text(letters),
        box=_box(inked, frame),
        size=drawn_size(textpage, first),
        bold=pdfium.FPDFText_GetFontWeight(textpage, first) >= _BOLD,
        upright=abs(math.sin(angle)) < 0.1 and math.cos(angle) > 0,
        quarters=-round(angle / (math.pi / 2)) % 4,
        words=tuple(words),
        raised=tuple(_raised(textpage, spelled, words)),
    )


def _raised(textpage: Any, spelled: Sequence[list[PageLetter]], words: Sequence[TableWord]) -> Iterator[RaisedWord]:
    before = ""
    for letters, word in zip(spelled, words, strict=True):
        if found := raised_word(divided_word(textpage, letters), before, word.box):
            yield found
        before = word.text


def _box(letters: list[PageLetter], frame: PageFrame) -> Box:
    lefts, bottoms, rights, tops = zip(*(letter.box for letter in letters), strict=True)
    return frame.displayed(min(lefts), min(bottoms), max(rights), max(tops))


def _text(letters: list[PageLetter]) -> str:
    text = "".join(chr(0x2D if letter.code in _HYPHENS else letter.code) for letter in _in_order(letters))
    return " ".join(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())


def words_of(run: TextRun) -> Sequence[TableWord]:
    return run.words or (TableWord(run.text, run.box),)


def _in_order(letters: list[PageLetter]) -> list[PageLetter]:
    """Puts the letters of a ligature that is written from right to left, which share one box, in reading order. PDFium
    returns them turned round, as all letters of the line, except those that it resolved a presentation form into."""
    ordered: list[PageLetter] = []
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
