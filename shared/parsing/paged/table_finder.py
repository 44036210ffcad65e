"""Finds the tables of a page by its ruling lines and by words that stand in columns."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median_high

from shared.parsing.paged.ruled_grid import RuledGrid, divide_bands, ruled_grids, ruled_rows
from shared.parsing.paged.rulings import Ruling
from shared.parsing.paged.table_grid import columns_of, table_rows
from shared.parsing.paged.table_groups import FEWEST_LINES, aligned_groups, crosses_columns, is_prose, is_title
from shared.parsing.paged.table_regions import grown_region, joined_regions
from shared.parsing.paged.table_words import (
    FIGURE,
    GridRow,
    TableWord,
    centre_in,
    lines_of_words,
    overlap,
    phrases_of,
    words_inside,
)
from shared.parsing.paged.text_columns import (
    divided_at_gutter,
    gutter_of,
    paragraph_lines,
)
from shared.parsing.paged.text_layer import TextRun, words_of
from shared.parsing.tables import rectangular
from shared.types.passage import Box, around

_LEAST_FILLED = 0.35
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
            and self._holds_words()
        )

    def _holds_words(self) -> bool:
        """Whether every word that stands in the table is in one of its cells."""
        inside = Counter(part for word in self.words for part in word.text.split())
        return not inside - Counter(part for row in self.rows for cell in row for part in cell.split())


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
    regions = joined_regions(regions, words, gutter)
    places = [(region, True) for region in regions] + [(box, False) for box in _between_rules(rulings)]
    for box, is_certain in places:
        if not any(overlap(table.box, box) > 0.5 for table in found):
            others = [region for region in regions if overlap(region, box) < 0.5]
            grown = grown_region(words, box, others, gutter)
            for table in _aligned_tables(words_inside(words, grown), rulings, is_certain=is_certain):
                _add(found, table)
    free = [word for word in words if not any(centre_in(word.box, table.box) for table in found)]
    for part in divided_at_gutter(free, aligned_groups(free), gutter):
        for box in aligned_groups(part):
            for table in _aligned_tables(words_inside(part, box), rulings, is_certain=False):
                _add(found, table)
    return sorted(found, key=lambda table: (table.box[1], table.box[0]))


def _add(found: list[FoundTable], table: FoundTable | None) -> None:
    if table and table.is_table() and not any(overlap(table.box, one.box) > 0.1 for one in found):
        found.append(table)


def _ruled(grid: RuledGrid, words: Sequence[TableWord], sideways: Sequence[TableWord]) -> FoundTable | None:
    inside = words_inside(words, grid.box)
    if not inside:
        return None
    turned = words_inside(sideways, grid.box)
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
        if (is_prose(line) or (len(line) == 1 and id(line[0]) in prose)) and crosses_columns(line, columns):
            yield _aligned(words, section, rulings, is_certain=is_certain)
            section = []
        else:
            section.append(line)
    yield _aligned(words, section, rulings, is_certain=is_certain)


def _aligned(
    words: Sequence[TableWord], lines: list[list[TableWord]], rulings: Sequence[Ruling], *, is_certain: bool
) -> FoundTable | None:
    left, _, right, _ = around(word.box for word in words)
    while len(lines) > 1 and len(lines[0]) == 1:
        if is_title(lines[0], lines[1]) or _is_underlined(lines[0][0], rulings, right - left):
            break
        lines.pop(0)  # a caption
    if len(lines) < 2:
        return None
    box = around(phrase.box for line in lines for phrase in line)
    inside = words_inside(words, box)
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
    if not _is_plausible(rows) or len(rows) < FEWEST_LINES or not _is_even(lines):
        return False
    body = rows[1:]
    figures = [sum(bool(FIGURE.fullmatch(row[column])) for row in body) for column in range(len(rows[0]))]
    if len(rows[0]) == 2:
        return figures[1] >= 0.7 * len(body) and not _is_contents(rows)
    full = sum(sum(map(bool, row)) > 2 for row in rows)
    return (full >= FEWEST_LINES and full >= 0.5 * len(rows)) or _has_figures(rows)


def _has_figures(rows: Sequence[GridRow]) -> bool:
    """Whether labels stand beside nothing but figures, below a title for each of their columns."""
    titles = [cell for cell in rows[0][1:] if cell]
    labels = [row[0] for row in rows[1:] if row[0]]
    cells = [cell for row in rows[1:] for cell in row[1:] if cell]
    if any(FIGURE.fullmatch(label) for label in labels) or len(labels) < 0.5 * len(rows) or len(cells) < FEWEST_LINES:
        return False
    return len(titles) >= len(rows[0]) - 1 and all(FIGURE.fullmatch(cell) or len(cell) < 2 for cell in cells)


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


def _meets(one: Ruling, box: Box) -> bool:
    left, top, right, bottom = one.box
    return left < box[2] and right > box[0] and top < box[3] + 6 and bottom > box[1] - 6
