"""Finds words of a page with raised or lowered letters, and writes them in its blocks so that a power is no digit of
its number: `10^6`, `m^2`, `CO2`."""

import ctypes
import math
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import pypdfium2.raw as pdfium
from msgspec import Struct
from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.paged.table_words import centre_in
from shared.parsing.raised import ScriptPosition, marked
from shared.parsing.tables import table_markdown
from shared.types.passage import Box

LARGEST = 0.87
"""Of the size of the letters before: larger ones stand on the line, however high."""

_RAISED, _LOWERED = 0.15, -0.05
"""By how much of that size the letters stand above or below the line, at least."""

_DASHES = "-−–\u2010\u2011"


class PageLetter(Struct):
    """A letter with its box in PDF coordinates and its place among the page's letters."""

    code: int
    box: tuple[float, float, float, float]
    index: int

    @property
    def is_ink(self) -> bool:
        return self.code > 32 and self.code != 0xA0


class RaisedWord(Struct, frozen=True):
    """The parts of a word, on the line and beside it by turns; `written` is how it is written in a line, `before` the
    word before it, and `box` its place on the displayed page."""

    parts: tuple[str, ...]
    written: str
    before: str
    box: Box


def divided_word(textpage: Any, word: Sequence[PageLetter]) -> list[tuple[str, ScriptPosition]]:
    """Returns the parts of a word, one where all its letters stand on the line."""
    places = list(_places(textpage, word))
    return [
        ("".join(chr(letter.code) for letter, _ in group), place)
        for place, group in groupby(zip(word, places, strict=True), key=lambda one: one[1])
    ]


def _places(textpage: Any, word: Sequence[PageLetter]) -> Iterator[ScriptPosition]:
    base = word[0]
    for letter in word:
        place: ScriptPosition = "" if _is_alike(base, letter) else _place(textpage, base.index, letter.index)
        if not place:
            base = letter
        yield place


def _is_alike(one: PageLetter, other: PageLetter) -> bool:
    least = 0.05 * (one.box[3] - one.box[1])
    return abs(one.box[1] - other.box[1]) <= least and abs(one.box[3] - other.box[3]) <= least


def _place(textpage: Any, base: int, letter: int) -> ScriptPosition:
    if math.cos(pdfium.FPDFText_GetCharAngle(textpage, letter)) < 0.99:
        return ""
    size = drawn_size(textpage, base)
    if drawn_size(textpage, letter) > LARGEST * size:
        return ""
    height = (_baseline(textpage, letter) - _baseline(textpage, base)) / size
    return "sup" if _RAISED <= height <= 1 else "sub" if -1 <= height <= _LOWERED else ""


def drawn_size(textpage: Any, index: int) -> float:
    """The font size of a letter as drawn, in points."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(textpage, index, ctypes.byref(matrix))
    return float(pdfium.FPDFText_GetFontSize(textpage, index)) * (math.hypot(matrix.b, matrix.d) or 1.0)


def _baseline(textpage: Any, index: int) -> float:
    across, up = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, index, across, up)
    return up.value


def raised_word(parts: Sequence[tuple[str, ScriptPosition]], before: str, box: Box) -> RaisedWord | None:
    """None for a word on the line, and for one with an index that is not written apart."""
    if len(parts) == 1:
        return None
    written = "".join(marked(parts))
    if "_" in written:
        return None
    return RaisedWord(tuple(text for text, _ in parts), written, before, box)


def write_raised(blocks: list[Block], words: Sequence[tuple[RaisedWord, Box]]) -> None:
    """Writes the words into the blocks in which they stand; the boxes are shares of the page."""
    for word, box in words:
        for place, block in enumerate(blocks):
            if block.box is None or centre_in(box, block.box):
                texts = [cell for row in block.rows for cell in row] or [block.text]
                if (done := _replaced(texts, word)) is not None:
                    blocks[place] = _with_texts(block, done)
                    break


def _with_texts(block: Block, texts: list[str]) -> Block:
    if not block.rows:
        return replace(block, text=texts[0])
    left = iter(texts)
    rows = tuple(tuple(next(left) for _ in row) for row in block.rows)
    return replace(block, text=table_markdown(rows), rows=rows)


def _replaced(texts: Sequence[str], word: RaisedWord) -> list[str] | None:
    """Returns the texts with the word as it is written, None where it cannot be told from others like it."""
    pattern = r"(?<!\w)" + r"\s?".join(map(_pattern, word.parts)) + r"(?!\w)"
    behind = rf"({re.escape(word.before)}\s+){pattern}" if word.before else None
    if behind and any(re.search(behind, text) for text in texts):
        pattern = behind
    elif word.parts[0].isdigit() and sum(len(re.findall(pattern, text)) for text in texts) > 1:
        return None
    for place, text in enumerate(texts):
        if found := re.search(pattern, text):
            start = found.end(1) if pattern is behind else found.start()
            return [*texts[:place], text[:start] + word.written + text[found.end() :], *texts[place + 1 :]]
    return None


def _pattern(part: str) -> str:
    return "".join(f"[{_DASHES}]" if letter in _DASHES else re.escape(letter) for letter in part)
