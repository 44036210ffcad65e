"""Finds the tables of a page by its ruling lines and by words that stand in columns."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

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
            for table in _aligned_tables(_inside(words, box), rulings, is_certain=is_certain):
                _add(found, table)
    free = [word for word in words if not any(centre_in(word.box, table.box) for table in found)]
    for group in _aligned_groups(free):
        for table in _aligned_tables(group, rulings, is_certain=False):
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
    left, _, right, _ = around(phrase.box for line in lines for phrase in line)
    section: list[list[TableWord]] = []
    for line in lines:
        start, _, end, _ = line[0].box
        is_text = len(line) == 1 and len(line[0].text.split()) >= _PROSE_WORDS
        if is_text and start < left + 5 and end - start > 0.6 * (right - left):
            yield _aligned(words, section, rulings, is_certain=is_certain)
            section = []
        else:
            section.append(line)
    yield _aligned(words, section, rulings, is_certain=is_certain)


def _aligned(
    words: Sequence[TableWord], lines: list[list[TableWord]], rulings: Sequence[Ruling], *, is_certain: bool
) -> FoundTable | None:
    while lines and len(lines[0]) == 1 and not _is_underlined(lines[0][0], rulings):
        lines.pop(0)  # a caption
    while lines and len(lines[-1]) == 1 and len(lines[-1][0].text.split()) >= _PROSE_WORDS:
        lines.pop()  # a note below the table
    if len(lines) < 2:
        return None
    box = around(phrase.box for line in lines for phrase in line)
    inside = _inside(words, box)
    rows = table_rows(inside, [one for one in rulings if _meets(one, box)])
    if not rows or not (_is_plausible(rows) if is_certain else _is_sure(rows, lines)):
        return None
    return FoundTable(rows, box, inside)


def _is_underlined(phrase: TableWord, rulings: Sequence[Ruling]) -> bool:
    return any(
        one.horizontal and 0 <= one.at - phrase.middle < 1.5 * phrase.height and one.start <= phrase.box[0] + 2
        and one.end >= phrase.box[2] - 2
        for one in rulings
    )  # fmt: skip


def _is_plausible(rows: Sequence[GridRow]) -> bool:
    """Whether the rows are no list, table of contents, or text in columns."""
    filled = [cell for row in rows for cell in row if cell]
    usual = sorted(len(cell.split()) for cell in filled)[len(filled) // 2]
    firsts = [row[0] for row in rows if row[0]]
    is_list = len(rows[0]) == 2 and (all(map(_MARK.fullmatch, firsts)) or len(set(firsts)) == 1)
    spanned = sum(any(one and one == other for one, other in pairwise(row)) for row in rows)
    if spanned > 0.4 * len(rows) + 1:
        return False
    return usual <= _LONGEST_CELL and not is_list and not any("....." in cell or ". . . ." in cell for cell in filled)


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
        if max(sum(abs(one - sorted(places)[len(places) // 2]) < 2.5 for one in places) for places in edges) < (
            _EVEN * len(boxes)
        ):
            return False
    return True


def _is_contents(rows: Sequence[GridRow]) -> bool:
    """Whether the last column counts pages: whole numbers that never fall."""
    last = [number for row in rows for number in row[-1].split()]
    return all(map(str.isdigit, last)) and all(int(one) <= int(other) for one, other in pairwise(last))


def _aligned_groups(words: Sequence[TableWord]) -> Iterator[list[TableWord]]:
    """Yields the words of consecutive lines that stand in columns, without those of paragraphs."""
    lines = [phrases_of(line) for line in lines_of_words(words)]
    prose = _paragraphs(lines)
    lines = [[one for one in line if id(one) not in prose] for line in lines]
    group: list[list[TableWord]] = []
    for line in [*filter(None, lines), []]:
        if group and (not line or not _follows(group, line)):
            left = min(one.box[0] for row in group for one in row)
            while len(group[-1]) == 1 and group[-1][0].box[0] < left + 5:
                group.pop()
            if len(group) >= _FEWEST_LINES and len(columns_of(group)) > 1:
                yield _words_of(words, group)
            group = []
        if line and (group or len(line) > 1):
            group.append(line)


def _words_of(words: Sequence[TableWord], group: Sequence[Sequence[TableWord]]) -> list[TableWord]:
    phrases = [phrase.box for line in group for phrase in line]
    return [word for word in words if any(centre_in(word.box, box) for box in phrases)]


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
        usual = sorted(len(phrase.text.split()) for phrase in stack)[len(stack) // 2]
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
    return gap < 1.8 * height and is_within and not (len(line) == 1 and len(line[0].text.split()) >= _PROSE_WORDS)


def _inside(words: Sequence[TableWord], box: Box) -> list[TableWord]:
    return [word for word in words if centre_in(word.box, box)]


def _meets(one: Ruling, box: Box) -> bool:
    left, top, right, bottom = one.box
    return left < box[2] and right > box[0] and top < box[3] + 6 and bottom > box[1] - 6
