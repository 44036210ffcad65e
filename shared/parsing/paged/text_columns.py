"""Finds the lines of paragraphs among the words of a page, and the gutter between two columns of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import median_high

from shared.parsing.paged.table_words import TableWord, centre_in, lines_of_words, phrases_of, words_inside
from shared.types.passage import Box

PROSE_WORDS = 7
_OPEN_STACKS = 60
_FEWEST_LINES = 3
_EDGE = 3.0
_PADDING = 8.0
"""Points between the left edge of a column and that of a table's text in it."""

_MOSTLY = 0.5
Gutter = tuple[float, float]


def paragraph_lines(lines: Sequence[Sequence[TableWord]]) -> set[int]:
    """Returns the ids of the phrases that are lines of paragraphs: long ones close above each other, from the same
    left."""
    stacks: list[list[TableWord]] = []
    for phrase in (phrase for line in lines for phrase in line):
        for stack in stacks[-_OPEN_STACKS:]:
            last = stack[-1]
            step = phrase.middle - last.middle
            if abs(phrase.box[0] - last.box[0]) < 3 and 0 < step < 1.4 * max(phrase.height, last.height):
                stack.append(phrase)
                break
        else:
            stacks.append([phrase])
    found = set()
    for stack in stacks:
        usual = median_high(len(phrase.text.split()) for phrase in stack)
        if (len(stack) >= 4 and usual >= 4) or (len(stack) >= 2 and usual >= PROSE_WORDS):
            found |= {id(phrase) for phrase in stack}
    return found


def divided_at_gutter(
    words: Sequence[TableWord], boxes: Iterable[Box], gutter: Gutter | None
) -> Iterator[list[TableWord]]:
    """Yields the words; those in a box that holds what stands level in two columns, for each column apart."""
    if gutter is None:
        yield list(words)
        return
    across = [box for box in boxes if box[0] < gutter[0] and box[2] > gutter[1]]
    yield [word for word in words if not any(centre_in(word.box, box) for box in across)]
    for box in across:
        for _, area in _areas(words_inside(words, box), gutter):
            yield from area


def text_columns(words: Sequence[TableWord]) -> list[list[TableWord]]:
    """Returns the words of each part of a text in two columns, in reading order; nothing where most words are not in
    lines of its paragraphs."""
    gutter = gutter_of(words)
    if gutter is None:
        return []
    areas = list(_areas(words, gutter))
    prose = sum(count for count, _ in areas)
    return [part for _, area in areas for part in area] if prose > _MOSTLY * len(words) else []


def _areas(words: Sequence[TableWord], gutter: Gutter) -> Iterator[tuple[int, list[list[TableWord]]]]:
    """Yields what stands in two columns, as two parts, and what stands across them, as one, from the top; with the
    number of words that are in paragraphs of the columns."""
    lines = [(line, phrases_of(line)) for line in lines_of_words(words)]
    prose = paragraph_lines([phrases for _, phrases in lines])
    states: list[bool] = []
    for _, phrases in lines:
        states.append(_is_divided(phrases, prose, gutter, above=bool(states) and states[-1]))
    for is_divided, group in groupby(zip(states, lines, strict=True), itemgetter(0)):
        inside = [line for _, line in group]
        found = [word for line, _ in inside for word in line]
        sides = [[word for word in found if (word.box[0] < gutter[0]) == is_left] for is_left in (True, False)]
        count = sum(len(one.text.split()) for _, phrases in inside for one in phrases if id(one) in prose)
        yield (count, sides) if is_divided else (0, [found])


def gutter_of(words: Sequence[TableWord]) -> Gutter | None:
    """Returns the gap between the paragraphs of two columns."""
    lines = [phrases_of(line) for line in lines_of_words(words)]
    prose = paragraph_lines(lines)
    boxes = [phrase.box for line in lines for phrase in line if id(phrase) in prose]
    best, most = None, _FEWEST_LINES - 1
    for edge in {box[0] for box in boxes}:
        before = [box[2] for box in boxes if box[2] < edge]
        fewest = min(len(before), sum(abs(box[0] - edge) < _EDGE for box in boxes))
        if fewest > most:
            best, most = (max(before), edge), fewest
    return best


def _is_divided(line: Sequence[TableWord], prose: set[int], gutter: Gutter, *, above: bool) -> bool:
    """Whether the line's phrases stand in two columns: none in the gutter, and what is right of it begins at the right
    column's left. A line in one of them is as the line above it."""
    start, edge = gutter
    if any(one.box[0] < start and one.box[2] > edge - _EDGE for one in line):
        return False
    rights = [one.box[0] for one in line if one.box[0] >= start]
    if any(id(one) in prose for one in line):
        return True
    if not rights or len(rights) == len(line):
        return above
    return begins_column(min(rights), gutter)


def begins_column(left: float, gutter: Gutter) -> bool:
    """Whether text that begins at this place stands at the left of the right column, or of a table's cell there."""
    return gutter[1] - _EDGE <= left <= gutter[1] + _PADDING
