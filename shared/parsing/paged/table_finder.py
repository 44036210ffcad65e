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
from shared.parsing.paged.text_layer import TextRun, words_of
from shared.parsing.tables import rectangular
from shared.types.passage import Box, around

_LEAST_FILLED = 0.35
_FEWEST_LINES = 3
_PROSE_WORDS = 7
_OPEN_STACKS = 60
_LONGEST_CELL = 9
"""Words of the usual cell; where it has more, the columns are those of a text."""

_EVEN = 0.7
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
    places = [(region, True) for region in regions] + [(box, False) for box in _between_rules(rulings)]
    for box, is_certain in places:
        if not any(overlap(table.box, box) > 0.5 for table in found):
            for table in _aligned_tables(_inside(words, _grown(words, box)), rulings, is_certain=is_certain):
                _add(found, table)
    free = [word for word in words if not any(centre_in(word.box, table.box) for table in found)]
    for box in _aligned_groups(free):
        for table in _aligned_tables(_inside(free, box), rulings, is_certain=False):
            _add(found, table)
    return sorted(found, key=lambda table: (table.box[1], table.box[0]))


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
    section: list[list[TableWord]] = []
    for line in lines:
        if _is_prose(line) and _crosses(line, columns):
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
    return len(line) == 1 and len(line[0].text.split()) >= _PROSE_WORDS


def _crosses(line: Sequence[TableWord], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether the first phrase of a line runs across several columns."""
    start, _, end, _ = line[0].box
    return sum(start < right and left < end for left, right in columns) > 1


def _grown(words: Sequence[TableWord], region: Box) -> Box:
    """Extends the region by the lines right above and below it that stand in its columns."""
    inside = _inside(words, region)
    columns = columns_of([phrases_of(line) for line in lines_of_words(inside)])
    if len(columns) < 2:
        return region
    height = median_high(word.height for word in inside)
    left, top, right, bottom = around(word.box for word in inside)
    beside = [
        word
        for word in words
        if left - 2 * height < word.box[0] and word.box[2] < right + 2 * height and not centre_in(word.box, region)
    ]
    lines = [phrases_of(line) for line in lines_of_words(beside)]
    above = [line for line in lines if line[0].middle < top]
    below = [line for line in lines if line[0].middle > bottom]
    for line in _following(reversed(above), columns, 1.8 * height):
        top = min(phrase.box[1] for phrase in line)
    for line in _following(below, columns, 1.8 * height):
        bottom = max(phrase.box[3] for phrase in line)
    left, right = min(left, region[0]), max(right, region[2])
    return left, min(top, region[1]), right, max(bottom, region[3])


def _following(
    lines: Iterable[Sequence[TableWord]], columns: Sequence[tuple[float, float]], gap: float
) -> Iterator[Sequence[TableWord]]:
    """Yields the lines, up to the last one with several cells, that follow each other without a wide gap and have each
    phrase in a column of its own."""
    waiting: list[Sequence[TableWord]] = []
    before: Sequence[TableWord] | None = None
    for line in lines:
        is_near = before is None or abs(line[0].middle - before[0].middle) < gap + line[0].height
        places = [
            [place for place, (left, right) in enumerate(columns) if box[0] < right and left < box[2]]
            for box in (phrase.box for phrase in line)
        ]
        is_placed = all(len(found) == 1 for found in places) and len({found[0] for found in places}) == len(places)
        if not is_near or not is_placed:
            return
        before = line
        waiting.append(line)
        if len(line) > 1:
            yield from waiting
            waiting = []


def _aligned_groups(words: Sequence[TableWord]) -> Iterator[Box]:
    """Yields the places of consecutive lines that stand in columns; lines of paragraphs alone are none."""
    lines = [phrases_of(line) for line in lines_of_words(words)]
    prose = _paragraphs(lines)
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


def _paragraphs(lines: Sequence[Sequence[TableWord]]) -> set[int]:
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
        if (len(stack) >= 4 and usual >= 4) or (len(stack) >= 2 and usual >= _PROSE_WORDS):
            found |= {id(phrase) for phrase in stack}
    return found


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
