"""Finds the tables of a page by its ruling lines and by words that stand in columns."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median_high

from shared.parsing.paged.ruled_grid import RuledGrid, divide_bands, ruled_grids, ruled_rows
from shared.parsing.paged.rulings import Ruling
from shared.parsing.paged.table_grid import columns_of, table_rows
from shared.parsing.paged.table_words import (
    FIGURE,
    GridRow,
    TableWord,
    centre_in,
    lines_of_words,
    overlap,
    phrases_of,
)
from shared.parsing.paged.text_columns import (
    PROSE_WORDS,
    Gutter,
    begins_column,
    divided_at_gutter,
    gutter_of,
    paragraph_lines,
)
from shared.parsing.paged.text_layer import TextRun, words_of
from shared.parsing.tables import rectangular
from shared.types.passage import Box, around

_LEAST_FILLED = 0.35
_FEWEST_LINES = 3
_LONGEST_CELL = 9
"""Words of the usual cell; where it has more, the columns are those of a text."""

_EVEN = 0.7
_IN_LINE = 3.0
_LEVEL = 5.0
_HEAD = 24
"""Points above the first of several rules, where a header stands that has no rule above it."""

_MARK = re.compile(r"[^\w\s]+|\(?(?:\d{1,3}|\w|[ivx]{1,4})[.):]{0,2}")


_ITEM_MARK = re.compile(r"[^\w\s]+|\(?(?:\d{1,3}|\w|[ivx]{1,4})[.):]{1,2}")
_FEWEST_OF_ITEM = 4
"""Words of the usual item of a list."""


class FoundTable:
    """A table's rows and where it stands, in points. `words` are those that stand there."""

    def __init__(self, rows: Sequence[GridRow], box: Box, words: Sequence[TableWord]) -> None:
        self.rows = rectangular(rows)
        self.box = box
        self.words = words

    def is_table(self) -> bool:
        cells = [cell for row in self.rows for cell in row]
        return (
            len(self.rows) > 1
            and len(self.rows[0]) > 1
            and sum(map(bool, cells)) >= _LEAST_FILLED * len(cells)
            and not _is_right_to_left(self.words)
            and self._holds_words()
        )

    def _holds_words(self) -> bool:
        """Whether every word that stands in the table is in one of its cells."""
        inside = Counter(part for word in self.words for part in word.text.split())
        return not inside - Counter(part for row in self.rows for cell in row for part in cell.split())


def _is_right_to_left(words: Sequence[TableWord]) -> bool:
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for word in words for letter in word.text)


def find_tables(
    runs: Sequence[TextRun],
    rulings: Sequence[Ruling],
    regions: Sequence[Box] = (),
    sideways: Sequence[TextRun] = (),
) -> list[FoundTable]:
    """Returns the tables from the top. `regions` are the places that layout analysis calls tables, `sideways` the runs
    of other directions, which only a ruled table may have."""
    words = [word for run in runs for word in words_of(run)]
    turned = [TableWord(run.text, run.box, run.quarters) for run in sideways]
    found: list[FoundTable] = []
    for grid in ruled_grids(rulings):
        _add(found, _ruled(grid, words, turned))
    gutter = gutter_of(words)
    regions = _joined(regions, words, gutter)
    places = [(region, True) for region in regions] + [(box, False) for box in _between_rules(rulings)]
    for box, is_certain in places:
        if not any(overlap(table.box, box) > 0.5 for table in found):
            others = [region for region in regions if overlap(region, box) < 0.5]
            grown = _grown(words, box, others, gutter)
            for table in _aligned_tables(_inside(words, grown), rulings, is_certain=is_certain):
                _add(found, table)
    free = [word for word in words if not any(centre_in(word.box, table.box) for table in found)]
    for part in divided_at_gutter(free, list(_aligned_groups(free)), gutter):
        for box in _aligned_groups(part):
            for table in _aligned_tables(_inside(part, box), rulings, is_certain=False):
                _add(found, table)
    return sorted(found, key=lambda table: (table.box[1], table.box[0]))


def _joined(regions: Sequence[Box], words: Sequence[TableWord], gutter: Gutter | None) -> list[Box]:
    """Joins regions that are parts of one table: they stand side by side, from one top to one bottom, in one column."""
    whole: list[Box] = []
    for region in sorted(regions):
        inside = _inside(words, region)
        left = min((word.box[0] for word in inside), default=region[0])
        last = next((one for one in whole if max(abs(one[1] - region[1]), abs(one[3] - region[3])) < _LEVEL), None)
        if last and not (gutter and begins_column(left, gutter)):
            whole[whole.index(last)] = around((last, region))
        else:
            whole.append(region)
    return whole


def _add(found: list[FoundTable], table: FoundTable | None) -> None:
    if table and table.is_table() and not any(overlap(table.box, one.box) > 0.1 for one in found):
        found.append(table)


def _ruled(grid: RuledGrid, words: Sequence[TableWord], sideways: Sequence[TableWord]) -> FoundTable | None:
    inside = _inside(words, grid.box)
    if not inside:
        return None
    turned = _inside(sideways, grid.box)
    divided = divide_bands(grid, inside)
    return FoundTable(ruled_rows(divided, [*inside, *turned]), grid.box, [*inside, *turned]) if divided else None


def _between_rules(rulings: Sequence[Ruling]) -> Iterator[Box]:
    """Yields the places between rules of the same width, as booktabs draws them."""
    across = sorted((one for one in rulings if one.horizontal and one.end - one.start > 60), key=lambda one: one.at)
    while across:
        first = across[0]
        same = [one for one in across if abs(one.start - first.start) < 5 and abs(one.end - first.end) < 5]
        across = [one for one in across if one not in same]
        if len(same) > 1:
            yield first.start - 2, same[0].at - _HEAD, first.end + 2, same[-1].at + 1


def _aligned_tables(
    words: Sequence[TableWord], rulings: Sequence[Ruling], *, is_certain: bool
) -> Iterator[FoundTable | None]:
    """Yields the tables among the words; a line of text across the whole width stands between two of them."""
    lines = [phrases_of(line) for line in lines_of_words(words)]
    if not lines:
        return
    columns = columns_of(lines)
    prose = paragraph_lines(lines)
    section: list[list[TableWord]] = []
    for line in lines:
        if (_is_prose(line) or (len(line) == 1 and id(line[0]) in prose)) and _crosses(line, columns):
            yield _aligned(words, section, rulings, is_certain=is_certain)
            section = []
        else:
            section.append(line)
    yield _aligned(words, section, rulings, is_certain=is_certain)


def _aligned(
    words: Sequence[TableWord], lines: list[list[TableWord]], rulings: Sequence[Ruling], *, is_certain: bool
) -> FoundTable | None:
    left, _, right, _ = around(word.box for word in words)
    while lines and len(lines[0]) == 1 and not _is_underlined(lines[0][0], rulings, right - left):
        lines.pop(0)  # a caption
    if len(lines) < 2:
        return None
    box = around(phrase.box for line in lines for phrase in line)
    inside = _inside(words, box)
    rows = table_rows(inside, [one for one in rulings if _meets(one, box)])
    if not rows or not (_is_plausible(rows) if is_certain else _is_sure(rows, lines)):
        return None
    return FoundTable(rows, box, inside)


def _is_underlined(phrase: TableWord, rulings: Sequence[Ruling], width: float) -> bool:
    """Whether a rule below the phrase, shorter than the table's width, makes it a title of columns."""
    return any(
        one.horizontal and 0 <= one.at - phrase.middle < 1.5 * phrase.height and one.start <= phrase.box[0] + 2
        and one.end >= phrase.box[2] - 2 and one.end - one.start < 0.75 * width
        for one in rulings
    )  # fmt: skip


def _is_plausible(rows: Sequence[GridRow]) -> bool:
    """Whether the rows are no list, table of contents, or text in columns."""
    filled = [cell for row in rows for cell in row if cell]
    usual = median_high(len(cell.split()) for cell in filled)
    firsts = [row[0] for row in rows if row[0]]
    is_list = len(rows[0]) == 2 and (all(map(_MARK.fullmatch, firsts)) or len(set(firsts)) == 1)
    spanned = sum(any(one and one == other for one, other in pairwise(row)) for row in rows)
    if spanned > 0.4 * len(rows) + 1:
        return False
    return usual <= _LONGEST_CELL and not is_list and not any("....." in cell or ". . . ." in cell for cell in filled)


def is_list(rows: Sequence[GridRow]) -> bool:
    """Whether the rows are marks and what stands beside them."""
    marks = [row[0] for row in rows if row[0]]
    texts = [len(row[-1].split()) for row in rows]
    if len(rows[0]) != 2 or len(marks) < 2 or median_high(texts) < _FEWEST_OF_ITEM:
        return False
    return all(map(_ITEM_MARK.fullmatch, marks)) or (len(marks) > 2 and len(set(marks)) == 1)


def _is_sure(rows: Sequence[GridRow], lines: Sequence[Sequence[TableWord]]) -> bool:
    """Whether the rows are a table although nothing but the places of words speaks for it."""
    if not _is_plausible(rows) or len(rows) < _FEWEST_LINES or not _is_even(lines):
        return False
    body = rows[1:]
    figures = [sum(bool(FIGURE.fullmatch(row[column])) for row in body) for column in range(len(rows[0]))]
    if len(rows[0]) == 2:
        return figures[1] >= 0.7 * len(body) and not _is_contents(rows)
    full = sum(sum(map(bool, row)) > 2 for row in rows)
    return full >= _FEWEST_LINES and full >= 0.5 * len(rows)


def _is_even(lines: Sequence[Sequence[TableWord]]) -> bool:
    """Whether the phrases of every column begin, end, or stand centred at one place."""
    for start, end in columns_of(lines):
        boxes = [phrase.box for line in lines for phrase in line if phrase.box[0] < end and phrase.box[2] > start]
        edges = [box[0] for box in boxes], [box[2] for box in boxes], [(box[0] + box[2]) / 2 for box in boxes]
        if max(map(_most_in_line, edges)) < _EVEN * len(boxes):
            return False
    return True


def _most_in_line(places: Sequence[float]) -> int:
    """Returns how many of the places are next to the usual one."""
    usual = median_high(places) if places else 0.0
    return sum(abs(place - usual) < 2.5 for place in places)


def _is_contents(rows: Sequence[GridRow]) -> bool:
    """Whether the last column counts pages: whole numbers that never fall."""
    last = [number for row in rows for number in row[-1].split()]
    return all(map(str.isdigit, last)) and all(int(one) <= int(other) for one, other in pairwise(last))


def _is_prose(line: Sequence[TableWord]) -> bool:
    return len(line) == 1 and len(line[0].text.split()) >= PROSE_WORDS


def _crosses(line: Sequence[TableWord], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether the first phrase of a line runs across several columns."""
    start, _, end, _ = line[0].box
    return sum(start < right and left < end for left, right in columns) > 1


def _grown(words: Sequence[TableWord], region: Box, others: Sequence[Box], gutter: Gutter | None) -> Box:
    """Extends the region by the columns right beside it, and by the lines right above and below it that stand in its
    columns, as far as they are in no other region."""
    free = [word for word in words if not any(centre_in(word.box, one) for one in others)]
    region = _widened(free, region, gutter)
    lines = [phrases_of(line) for line in lines_of_words(_inside(words, region))]
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
    rows = lines_of_words(_inside(words, region))
    level = [word for word in words if region[1] < word.middle < region[3] and not centre_in(word.box, region)]
    if len(rows) < _FEWEST_LINES or not level:
        return region
    lines = [phrases_of(line) for line in lines_of_words(level)]
    columns = columns_of(lines)
    is_level = len(lines) == len(rows) and all(
        len(line) == len(columns) and abs(line[0].middle - row[0].middle) < 0.3 * row[0].height
        for line, row in zip(lines, rows, strict=True)
    )
    box = around(word.box for word in level)
    if not is_level or paragraph_lines(lines) or (gutter and begins_column(box[0], gutter)):
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
        if not is_near or any(id(phrase) in prose for phrase in line) or not _is_in_columns(line, columns, cells):
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
        if len(found) != 1 or not any(_is_in_line(box, cell.box) for cell in cells):
            return False
        places += found
    return len(set(places)) == len(places)


def _is_in_line(one: Box, other: Box) -> bool:
    """Whether both begin, end, or are centred at one place."""
    left, right = one[0] - other[0], one[2] - other[2]
    return min(abs(left), abs(right), abs(left + right) / 2) < _IN_LINE


def _aligned_groups(words: Sequence[TableWord]) -> Iterator[Box]:
    """Yields the places of consecutive lines that stand in columns; lines of paragraphs alone are none."""
    lines = [phrases_of(line) for line in lines_of_words(words)]
    prose = paragraph_lines(lines)
    group: list[list[TableWord]] = []
    wrapped: list[list[TableWord]] = []  # lines of cells that read like a paragraph, below the group's last line
    for line in [*lines, []]:
        rest = [one for one in line if id(one) not in prose]
        if group and line and not rest and _follows([*group, *wrapped], line):
            wrapped.append(line)
            continue
        if group and (not rest or not _follows([*group, *wrapped], rest)):
            yield from _places(group, wrapped)
            group = []
        wrapped = []
        if rest and (group or len(rest) > 1):
            group.append(rest)


def _places(group: list[list[TableWord]], wrapped: Sequence[Sequence[TableWord]]) -> Iterator[Box]:
    left = min(one.box[0] for row in group for one in row)
    while len(group[-1]) == 1 and group[-1][0].box[0] < left + 5:
        group.pop()
        wrapped = ()
    if len(group) >= _FEWEST_LINES and len(columns_of(group)) > 1:
        yield around(phrase.box for row in (*group, *wrapped) for phrase in row)


def _follows(group: Sequence[Sequence[TableWord]], line: Sequence[TableWord]) -> bool:
    """Whether the line stands below the group without a wide gap, and within its columns."""
    last = group[-1]
    gap = min(one.box[1] for one in line) - max(one.box[3] for one in last)
    height = max(one.height for one in line)
    left, right = min(one.box[0] for row in group for one in row), max(one.box[2] for row in group for one in row)
    is_within = all(one.box[0] > left - 2 * height and one.box[0] < right for one in line)
    if gap >= 1.8 * height or not is_within:
        return False
    return not (_is_prose(line) and _crosses(line, columns_of(group)))


def _inside(words: Sequence[TableWord], box: Box) -> list[TableWord]:
    return [word for word in words if centre_in(word.box, box)]


def _meets(one: Ruling, box: Box) -> bool:
    left, top, right, bottom = one.box
    return left < box[2] and right > box[0] and top < box[3] + 6 and bottom > box[1] - 6
