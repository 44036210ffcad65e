"""Tables whose rows and columns are divided by ruling lines."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median_high

from msgspec import Struct
from msgspec.structs import replace

from shared.parsing.paged.rulings import SNAP, Ruling, clustered, gaps
from shared.parsing.paged.table_words import FIGURE, GridRow, TableWord, in_direction, lines_of_words, text_of_words
from shared.types.passage import Box, around

LONGEST_REPEATED = 60
"""Characters; a longer text that spans columns stands in the first of them alone, as in tables of web pages."""

_FEWEST_CELLS = 4
_FEWEST_OPEN = 3
_LONGEST_CELL = 80
_LONGEST_OF_FOUR = 15
"""Words of the usual cell, in a table of two rows and two columns."""

_LONGEST_OPEN = 5
"""Words of the usual line of a cell in a table without rules between rows."""

_REGULAR = 0.5
"""Share of the filled cells that span neither rows nor columns."""

_BULLET = re.compile(r"[^\w\s(\[$€£<>+−–-]")
_MOST_CELLS = 20_000
_COVERED = 0.6
"""Share of a cell's edge that a ruling must cover to divide it from its neighbour."""


class RuledGrid(Struct, frozen=True):
    """The places of a table's rules, from the left and from the top, with the rules themselves."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    rulings: tuple[Ruling, ...]

    @property
    def box(self) -> Box:
        return self.columns[0], self.rows[0], self.columns[-1], self.rows[-1]


def ruled_grids(rulings: Sequence[Ruling]) -> list[RuledGrid]:
    """Returns the grids of at least two columns that rulings draw on the page."""
    found = []
    for group in _connected(rulings):
        across = [one for one in group if one.horizontal]
        down = [one for one in group if not one.horizontal]
        if len(across) < 2 or not down:
            continue
        columns = clustered([*(one.at for one in down), *(x for one in across for x in _open_ends(one, down))])
        rows = clustered(one.at for one in across)
        if len(columns) > 2 and len(rows) > 1 and len(columns) * len(rows) < _MOST_CELLS:
            found.append(RuledGrid(tuple(columns), tuple(rows), tuple(group)))
    return found


def _open_ends(across: Ruling, down: Sequence[Ruling]) -> Iterator[float]:
    """Where a horizontal rule ends beyond the outermost vertical ones: a column without an outer rule."""
    left, right = min(one.at for one in down), max(one.at for one in down)
    if across.start < left - 2 * SNAP:
        yield across.start
    if across.end > right + 2 * SNAP:
        yield across.end


def _connected(rulings: Sequence[Ruling]) -> list[list[Ruling]]:
    """Groups rulings that meet."""
    across = [one for one in rulings if one.horizontal]
    down = [one for one in rulings if not one.horizontal]
    groups = _Sets(len(across) + len(down))
    for place, one in enumerate(across):
        for other_place, other in enumerate(down):
            if _meet(one, other):
                groups.join(place, len(across) + other_place)
    every = across + down
    return [[every[place] for place in group] for group in groups.sets()]


def _meet(across: Ruling, down: Ruling) -> bool:
    return across.start - SNAP <= down.at <= across.end + SNAP and down.start - SNAP <= across.at <= down.end + SNAP


class _Sets:
    """Disjoint sets of numbers."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def top(self, place: int) -> int:
        while self._above[place] != place:
            self._above[place] = place = self._above[self._above[place]]
        return place

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.top(one), self.top(other)))
        self._above[second] = first

    def sets(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for place in range(len(self._above)):
            found.setdefault(self.top(place), []).append(place)
        return list(found.values())


def ruled_rows(grid: RuledGrid, words: Sequence[TableWord]) -> list[GridRow]:
    """Returns the rows; a cell that spans rows or columns is repeated in each of them. There are no rows where
    the rules are those of a drawing."""
    width, height = len(grid.columns) - 1, len(grid.rows) - 1
    cells = _merged_cells(grid, width, height)
    held: dict[int, list[TableWord]] = {}
    for word in words:
        place = _place(grid, word)
        if place is not None:
            held.setdefault(cells.top(place[0] * width + place[1]), []).append(word)
    if len(held) < _FEWEST_CELLS or not _are_cells(cells, held, width):
        return []
    texts = {top: text_of_words(inside) for top, inside in held.items()}
    if _is_text(texts.values(), width, height):
        return []
    rows: list[GridRow] = []
    for down in range(height):
        row = []
        for across in range(width):
            top = cells.top(down * width + across)
            text = texts.get(top, "")
            is_first = top % width == across
            row.append(text if is_first or len(text) <= LONGEST_REPEATED else "")
        rows.append(tuple(row))
    return in_direction(rows)


def _are_cells(cells: _Sets, held: Collection[int], width: int) -> bool:
    """Whether all that hold text are rectangles, and most of them span nothing."""
    single = 0
    for group in cells.sets():
        if group[0] in held:
            rows, columns = {place // width for place in group}, {place % width for place in group}
            if len(rows) * len(columns) != len(group):
                return False
            single += len(group) == 1
    return single >= _REGULAR * len(held)


def _is_text(texts: Iterable[str], width: int, height: int) -> bool:
    """Whether the cells are frames around the columns of a text."""
    counts = sorted(len(text.split()) for text in texts)
    usual = counts[len(counts) // 2]
    return usual > (_LONGEST_CELL if max(width, height) > 2 else _LONGEST_OF_FOUR) or (
        counts[-1] > _LONGEST_CELL and counts[-1] > 0.5 * sum(counts)
    )


def divide_bands(grid: RuledGrid, words: Sequence[TableWord]) -> RuledGrid | None:
    """Adds rules between rows that only their lines divide: rows of figures in any band between two rules, other rows
    in the body of a table that has no rules between rows. None where the body is text in columns."""
    found = grid
    is_open = len(grid.rows) <= 3
    held: dict[tuple[int, int] | None, list[TableWord]] = {}
    for word in words:
        held.setdefault(_place(grid, word), []).append(word)
    for down in range(len(grid.rows) - 1):
        cells = [_lines(held.get((down, across), ())) for across in range(len(grid.columns) - 1)]
        if places := _figure_rows(cells):
            full = [column for column, cell in zip(gaps(grid.columns), cells, strict=True) if len(cell) > len(places)]
        elif is_open and (places := _label_rows(cells)):
            full = gaps(grid.columns)
        elif is_open and any(len(cell) >= _FEWEST_OPEN for cell in cells):
            return None
        else:
            continue
        rules = [Ruling(True, at, left, right) for at in places for left, right in full]
        found = replace(found, rows=tuple(sorted((*found.rows, *places))), rulings=(*found.rulings, *rules))
    return found


def _lines(words: Sequence[TableWord]) -> list[TableWord]:
    """Returns a cell's lines, each as one."""
    return [TableWord(text_of_words(line), around(word.box for word in line)) for line in lines_of_words(words)]


def _figure_rows(cells: Sequence[Sequence[TableWord]]) -> list[float]:
    """Returns the places between rows where at least two cells list figures, one a line, level with each other."""
    listed = [cell for cell in cells if len(cell) > 1 and all(FIGURE.fullmatch(line.text) for line in cell)]
    if len(listed) < 2 or any(len(cell) not in (0, 1, len(listed[0])) for cell in cells):
        return []
    full = [cell for cell in cells if len(cell) > 1]
    for row in zip(*full, strict=True):
        if max(line.middle for line in row) - min(line.middle for line in row) > 0.5 * row[0].height:
            return []
    return _between(listed[0])


def _label_rows(cells: Sequence[Sequence[TableWord]]) -> list[float]:
    """Returns the places between rows that each have a label in the first column and short texts beside it."""
    labels = cells[0]
    lines = [line for cell in cells for line in cell]
    usual = median_high(len(line.text.split()) for line in lines) if lines else 0
    full = sum(len(cell) >= 0.7 * len(labels) for cell in cells)
    if len(labels) < _FEWEST_OPEN or usual > _LONGEST_OPEN or full < max(2, 0.6 * len(cells)):
        return []
    if max(map(len, cells)) > 1.3 * len(labels) or any(_BULLET.match(line.text) for line in labels):
        return []
    return _between(labels)


def _between(lines: Sequence[TableWord]) -> list[float]:
    return [(one.box[3] + other.box[1]) / 2 for one, other in pairwise(lines)]


def _merged_cells(grid: RuledGrid, width: int, height: int) -> _Sets:
    cells = _Sets(width * height)
    across = [one for one in grid.rulings if one.horizontal]
    down = [one for one in grid.rulings if not one.horizontal]
    for row, (top, bottom) in enumerate(gaps(grid.rows)):
        for column, (left, right) in enumerate(gaps(grid.columns)):
            place = row * width + column
            if column + 1 < width and not _is_divided(down, right, top, bottom):
                cells.join(place, place + 1)
            if row + 1 < height and not _is_divided(across, bottom, left, right):
                cells.join(place, place + width)
    return cells


def _is_divided(rulings: Sequence[Ruling], at: float, start: float, end: float) -> bool:
    covered = sum(max(0.0, min(one.end, end) - max(one.start, start)) for one in rulings if abs(one.at - at) <= SNAP)
    return covered >= _COVERED * (end - start)


def _place(grid: RuledGrid, word: TableWord) -> tuple[int, int] | None:
    x, y = (word.box[0] + word.box[2]) / 2, (word.box[1] + word.box[3]) / 2
    row, column = bisect_right(grid.rows, y) - 1, bisect_right(grid.columns, x) - 1
    is_inside = 0 <= row < len(grid.rows) - 1 and 0 <= column < len(grid.columns) - 1
    return (row, column) if is_inside else None
