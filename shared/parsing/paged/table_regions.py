"""The places of a page that layout analysis calls tables, joined and extended to what belongs to them."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import median_high

from shared.parsing.paged.table_grid import columns_of
from shared.parsing.paged.table_words import (
    TableWord,
    centre_in,
    is_in_line,
    lines_of_words,
    phrases_of,
    words_inside,
)
from shared.parsing.paged.text_columns import Gutter, begins_column, paragraph_lines
from shared.types.passage import Box, around

_LEVEL = 5.0
_FEWEST_LINES = 3
_MOST_TITLES = 2
"""Lines at the top of a table that may leave its first or last columns empty."""


def joined_regions(regions: Sequence[Box], words: Sequence[TableWord], gutter: Gutter | None) -> list[Box]:
    """Joins regions that are parts of one table: they stand side by side, from one top to one bottom, in one column."""
    whole: list[Box] = []
    for region in sorted(regions):
        inside = words_inside(words, region)
        left = min((word.box[0] for word in inside), default=region[0])
        last = next((one for one in whole if max(abs(one[1] - region[1]), abs(one[3] - region[3])) < _LEVEL), None)
        if last and not (gutter and begins_column(left, gutter)):
            whole[whole.index(last)] = around((last, region))
        else:
            whole.append(region)
    return whole


def grown_region(words: Sequence[TableWord], region: Box, others: Sequence[Box], gutter: Gutter | None) -> Box:
    """Extends the region by the columns right beside it, and by the lines right above and below it that stand in its
    columns, as far as they are in no other region."""
    free = [word for word in words if not any(centre_in(word.box, one) for one in others)]
    region = _widened(free, region, gutter)
    lines = [phrases_of(line) for line in lines_of_words(words_inside(words, region))]
    columns = columns_of(lines)
    if len(columns) < 2:
        return region
    cells = [phrase for line in lines for phrase in line]
    height = median_high(phrase.height for phrase in cells)
    left, top, right, bottom = around(phrase.box for phrase in cells)
    beside = [
        word
        for word in free
        if left - 2 * height < word.box[0] and word.box[2] < right + 2 * height and not centre_in(word.box, region)
    ]
    lines = [phrases_of(line) for line in lines_of_words(beside)]
    prose = paragraph_lines(lines)
    above = [line for line in lines if line[0].middle < top]
    below = [line for line in lines if line[0].middle > bottom]
    for line in _following(reversed(above), columns, cells, prose, 1.8 * height):
        top = min(phrase.box[1] for phrase in line)
    for line in _following(below, columns, cells, prose, 1.8 * height):
        bottom = max(phrase.box[3] for phrase in line)
    left, right = min(left, region[0]), max(right, region[2])
    return left, min(top, region[1]), right, max(bottom, region[3])


def _widened(words: Sequence[TableWord], region: Box, gutter: Gutter | None) -> Box:
    """Extends the region by columns beside it that have one text in each of its rows, and are those of no other part
    of the page."""
    rows = lines_of_words(words_inside(words, region))
    level = [word for word in words if region[1] < word.middle < region[3] and not centre_in(word.box, region)]
    if len(rows) < _FEWEST_LINES or not level:
        return region
    lines = [phrases_of(line) for line in lines_of_words(level)]
    columns = columns_of(lines)
    spare = len(rows) - len(lines)
    is_level = 0 <= spare <= _MOST_TITLES and all(
        len(line) == len(columns) and abs(line[0].middle - row[0].middle) < 0.3 * row[0].height
        for line, row in zip(lines, rows[spare:], strict=True)
    )
    box = around(word.box for word in level)
    if not is_level or len(lines) < 2 or paragraph_lines(lines) or (gutter and begins_column(box[0], gutter)):
        return region
    return min(region[0], box[0]), region[1], max(region[2], box[2]), region[3]


def _following(
    lines: Iterable[Sequence[TableWord]],
    columns: Sequence[tuple[float, float]],
    cells: Sequence[TableWord],
    prose: set[int],
    gap: float,
) -> Iterator[Sequence[TableWord]]:
    """Yields the lines, up to the last one with several cells, that follow each other without a wide gap and have each
    phrase in a column of its own, in line with its cells; `prose` are the phrases of paragraphs, which belong to no
    table."""
    waiting: list[Sequence[TableWord]] = []
    before: Sequence[TableWord] | None = None
    for line in lines:
        is_near = before is None or abs(line[0].middle - before[0].middle) < gap + line[0].height
        if (
            not is_near
            or (len(line) > 1 and all(id(phrase) in prose for phrase in line))
            or not _is_in_columns(line, columns, cells)
        ):
            return
        before = line
        waiting.append(line)
        if len(line) > 1:
            yield from waiting
            waiting = []


def _is_in_columns(
    line: Sequence[TableWord], columns: Sequence[tuple[float, float]], cells: Sequence[TableWord]
) -> bool:
    places = []
    for phrase in line:
        box = phrase.box
        found = [place for place, (left, right) in enumerate(columns) if box[0] < right and left < box[2]]
        if len(found) != 1 or not any(is_in_line(box, cell.box) for cell in cells):
            return False
        places += found
    return len(set(places)) == len(places)
