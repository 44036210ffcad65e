"""Words with their places, grouped into lines and phrases."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from shared.types.passage import Box, around

GridRow = tuple[str, ...]

FIGURE = re.compile(r"(?:[A-Z]{3}\s)?[^\w\s]*\d[\d.,:/%\s–—-]*\D{0,3}")

_IN_LINE = 3.0


class TableWord(Struct, frozen=True):
    """A cell's text or a part of it, with its place in points."""

    text: str
    box: Box
    quarters: int = 0
    """Clockwise quarter turns that bring it upright."""

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2


def lines_of_words(words: Sequence[TableWord]) -> list[list[TableWord]]:
    """Returns lines from the top, each from the left."""
    lines: list[list[TableWord]] = []
    for word in sorted(words, key=lambda word: word.middle):
        first = lines[-1][0] if lines else None
        if first and abs(first.middle - word.middle) < 0.45 * min(first.height, word.height):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.box[0]) for line in lines]


def is_right_to_left(text: str) -> bool:
    """Whether more letters are written from right to left than from left to right."""
    if text.isascii():
        return False  # most words are, and they are asked for over and over
    directions = [unicodedata.bidirectional(letter) for letter in text]
    return sum(one in ("R", "AL") for one in directions) > directions.count("L")


def joined_in_direction(texts: Sequence[str]) -> str:
    """Joins what stands on one line, given from the left, in reading order."""
    if not any(map(is_right_to_left, texts)):
        return " ".join(texts)
    from_right = is_right_to_left("".join(texts))
    ordered: list[str] = []
    for is_turned, group in groupby(texts, lambda text: is_right_to_left(text) or (from_right and not _is_latin(text))):
        part = list(group)[:: -1 if is_turned else 1]
        ordered = [*part, *ordered] if from_right else [*ordered, *part]
    return " ".join(ordered)


def _is_latin(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) == "L" for letter in text)


def in_direction(rows: Sequence[GridRow]) -> list[GridRow]:
    """Returns the rows from the first column in reading order: the right one where the table is written from there."""
    is_turned = is_right_to_left("".join(cell for row in rows for cell in row))
    return [row[::-1] if is_turned else row for row in rows]


def text_of_words(words: Sequence[TableWord]) -> str:
    """Joins the words in reading order; all of them have the same direction, as far as the first one says."""
    for _ in range(words[0].quarters):
        words = [replace(word, box=(-word.box[3], word.box[0], -word.box[1], word.box[2])) for word in words]
    return " ".join(_joined(line) for line in lines_of_words(words))


def phrases_of(line: Sequence[TableWord]) -> list[TableWord]:
    """Joins words with no more than a space between them."""
    phrases = [[line[0]]]
    height = line[0].height
    for word in line[1:]:
        height = max(height, word.height)
        if word.box[0] - phrases[-1][-1].box[2] < 0.55 * height:
            phrases[-1].append(word)
        else:
            phrases.append([word])
            height = word.height
    return [TableWord(_joined(words), around(word.box for word in words)) for words in phrases]


def _joined(words: Sequence[TableWord]) -> str:
    return joined_in_direction([word.text for word in words])


def centre_in(inner: Box, box: Box) -> bool:
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def words_inside(words: Sequence[TableWord], box: Box) -> list[TableWord]:
    return [word for word in words if centre_in(word.box, box)]


def is_in_line(one: Box, other: Box) -> bool:
    """Whether both begin, end, or are centred at one place across the page."""
    left, right = one[0] - other[0], one[2] - other[2]
    return min(abs(left), abs(right), abs(left + right) / 2) < _IN_LINE


def overlap(one: Box, other: Box) -> float:
    """Returns the share of the smaller box that both have in common."""
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    area = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / area if area else 0.0
