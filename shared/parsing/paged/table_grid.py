"""Reconstructs a table's rows and columns from the places of its words."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from shared.parsing.paged.ruled_grid import LONGEST_REPEATED
from shared.parsing.paged.rulings import Ruling
from shared.parsing.paged.table_words import FIGURE, GridRow, TableWord, in_direction, lines_of_words, phrases_of

_FULL = 0.75
"""Share of the table's width that a rule between rows covers."""

_FEWEST_BANDS = 4
"""In a table with so many bands between rules, rules divide the rows."""


class _Cell(Struct, frozen=True):
    """A phrase in the columns from `first` to `last`."""

    phrase: TableWord
    first: int
    last: int


_Line = list[_Cell]


def table_rows(words: Sequence[TableWord], rulings: Sequence[Ruling] = ()) -> list[GridRow]:
    """Returns rows from the top, every row as wide as the table; none where the words stand in one column."""
    lines = [phrases_of(line) for line in lines_of_words(words)]
    columns = columns_of(lines)
    if len(columns) < 2 or len(lines) < 2:
        return []
    across = [one for one in rulings if one.horizontal]
    head = next(place for place, line in enumerate(lines) if len(line) == max(map(len, lines)))
    placed = [
        [_placed(phrase, line, columns, across, is_head=place < head) for phrase in line]
        for place, line in enumerate(lines)
    ]
    bands = _bands(placed, columns, across)
    rows = []
    for place, band in enumerate(bands):
        for group in _groups(band, len(columns), len(bands), is_head=place == 0):
            rows.append(_row(group, len(columns)))
    return in_direction(rows)


def columns_of(lines: Sequence[Sequence[TableWord]]) -> list[tuple[float, float]]:
    """Returns the left and right of each column, from the fullest lines, so that a title across several columns does
    not join them; then the columns that only other lines fill."""
    most = max(map(len, lines), default=0)
    spans: list[tuple[float, float]] = []
    ordered = sorted(lines, key=len, reverse=True)
    for line in ordered:
        for phrase in line if len(line) >= max(min(2, most), 0.6 * most) else ():
            spans = _with(spans, (phrase.box[0], phrase.box[2]))
    for line in ordered:
        for phrase in line if len(line) >= 2 else ():
            if not any(one[0] < phrase.box[2] and phrase.box[0] < one[1] for one in spans):
                spans.append((phrase.box[0], phrase.box[2]))
    return sorted(spans)


def _with(spans: list[tuple[float, float]], span: tuple[float, float]) -> list[tuple[float, float]]:
    """Adds a span to the column that it overlaps; one across two columns is ignored."""
    touched = [one for one in spans if one[0] < span[1] and span[0] < one[1]]
    if len(touched) > 1:
        return spans
    wide = (min(span[0], *(one[0] for one in touched)), max(span[1], *(one[1] for one in touched))) if touched else span
    return [one for one in spans if one not in touched] + [wide]


def _placed(
    phrase: TableWord,
    line: Sequence[TableWord],
    columns: Sequence[tuple[float, float]],
    across: Sequence[Ruling],
    *,
    is_head: bool,
) -> _Cell:
    """Returns the cell of a phrase: in the columns that it spans, else in the one that it overlaps most. Only a title
    above the fullest line spans columns without a rule."""
    spanned = _ruled_span(phrase, line, columns, across) or (_centred_span(phrase, columns) if is_head else [])
    if len(spanned) > 1 and len(phrase.text) <= LONGEST_REPEATED:
        return _Cell(phrase, spanned[0], spanned[-1])
    left, _, right, _ = phrase.box
    best = max(range(len(columns)), key=lambda place: min(columns[place][1], right) - max(columns[place][0], left))
    return _Cell(phrase, best, best)


def _ruled_span(
    phrase: TableWord, line: Sequence[TableWord], columns: Sequence[tuple[float, float]], across: Sequence[Ruling]
) -> list[int]:
    """Returns the columns above the short rule that underlines the phrase, and no other of its line."""
    width = columns[-1][1] - columns[0][0]
    left, _, right, bottom = phrase.box
    for rule in across:
        is_below = -0.3 * phrase.height <= rule.at - bottom <= 0.8 * phrase.height
        is_short = rule.end - rule.start < _FULL * width
        is_alone = sum(rule.start < one.box[2] and one.box[0] < rule.end for one in line) == 1
        if is_below and is_short and is_alone and rule.start <= left + 2 and right - 2 <= rule.end:
            return [place for place, column in enumerate(columns) if rule.start <= sum(column) / 2 <= rule.end]
    return []


def _centred_span(phrase: TableWord, columns: Sequence[tuple[float, float]]) -> list[int]:
    left, _, right, _ = phrase.box
    if left <= columns[0][0] + 2:  # a heading of the rows below it
        return []
    return [
        place
        for place, (start, end) in enumerate(columns)
        if min(end, right) - max(start, left) > 0.5 * min(end - start, right - left)
    ]


def _bands(
    lines: Sequence[_Line], columns: Sequence[tuple[float, float]], across: Sequence[Ruling]
) -> list[list[_Line]]:
    """Divides the lines where a rule runs across the table."""
    width = columns[-1][1] - columns[0][0]
    full = sorted(
        one.at for one in across if min(one.end, columns[-1][1]) - max(one.start, columns[0][0]) >= _FULL * width
    )
    bands: list[list[_Line]] = [[lines[0]]]
    for above, line in pairwise(lines):
        top, bottom = above[0].phrase.middle, line[0].phrase.middle
        if any(top < at < bottom for at in full):
            bands.append([])
        bands[-1].append(line)
    return bands


def _groups(band: list[_Line], width: int, bands: int, *, is_head: bool) -> list[list[_Line]]:
    """Returns the lines of each row."""
    is_spanned = any(cell.last > cell.first for line in band for cell in line)
    if len(band) == 1 or (bands > 1 and is_head and not is_spanned and _is_one_header(band)):
        return [band]
    if bands >= _FEWEST_BANDS and not _has_rows(band) and not is_spanned:
        return [band]
    return _wrapped(band) or _continued(band, width)


def _is_one_header(lines: Sequence[_Line]) -> bool:
    """Whether the lines are those of wrapped titles."""
    if len(lines) > 3 or any(FIGURE.fullmatch(cell.phrase.text) for line in lines for cell in line):
        return False
    steps = [other[0].phrase.middle - one[0].phrase.middle for one, other in pairwise(lines)]
    return max(steps) < 1.4 * max(cell.phrase.height for cell in lines[0])


def _has_rows(band: Sequence[_Line]) -> bool:
    """Whether most columns have text in most of the lines."""
    counts = _counts(band)
    return len(counts) > 1 and sum(count >= 0.7 * len(band) for count in counts) >= max(2, 0.6 * len(counts))


def _counts(lines: Sequence[_Line]) -> list[int]:
    """Returns how many lines fill each column that has text."""
    filled = [cell.first for line in lines for cell in line]
    return [filled.count(column) for column in set(filled)]


def _wrapped(band: list[_Line]) -> list[list[_Line]]:
    """Returns rows where lines within a cell are closer to each other than rows are; none where they are not."""
    columns: dict[int, list[TableWord]] = {}
    for line in band:
        for cell in line:
            columns.setdefault(cell.first, []).append(cell.phrase)
    least = {
        column: min(other.middle - one.middle for one, other in pairwise(phrases))
        for column, phrases in columns.items()
        if len(phrases) > 1
    }
    pitch = min(least.values(), default=0.0)
    if not any(step > 1.25 * pitch for step in least.values()):
        return []
    joined = {column: _joined(phrases, 1.2 * pitch) for column, phrases in columns.items()}
    edges = _row_edges([span for spans in joined.values() for span in spans])
    rows = [[line for line in band if top <= line[0].phrase.middle <= bottom] for top, bottom in edges]
    return rows if _are_rows(rows, edges, joined) else []


def _joined(phrases: Sequence[TableWord], most: float) -> list[tuple[float, float]]:
    """Returns the vertical extent of each cell of a column, between the middles of its first and its last line."""
    spans = [(phrases[0].middle - 1, phrases[0].middle + 1)]
    for one, other in pairwise(phrases):
        if other.middle - one.middle <= most:
            spans[-1] = (spans[-1][0], other.middle + 1)
        else:
            spans.append((other.middle - 1, other.middle + 1))
    return spans


def _row_edges(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    edges: list[tuple[float, float]] = []
    for top, bottom in sorted(spans):
        if edges and top <= edges[-1][1]:
            edges[-1] = (edges[-1][0], max(edges[-1][1], bottom))
        else:
            edges.append((top, bottom))
    return edges


def _are_rows(
    rows: Sequence[Sequence[_Line]],
    edges: Sequence[tuple[float, float]],
    cells: dict[int, list[tuple[float, float]]],
) -> bool:
    """Whether no row has two cells of a column, and not most of the rows are whole sections of rows."""
    for spans in cells.values():
        tops = [next(place for place, (_, bottom) in enumerate(edges) if top <= bottom) for top, _ in spans]
        if len(set(tops)) < len(tops):
            return False
    tall = [row for place, row in enumerate(rows) if len(row) > 1 and (place or not _is_one_header(row))]
    return sum(map(_has_rows, tall)) <= 0.5 * len(tall)


def _continued(band: list[_Line], width: int) -> list[list[_Line]]:
    """Adds lines that only continue cells of the row above to that row."""
    rows: list[list[_Line]] = []
    bottom = 0.0
    for line in band:
        top = min(cell.phrase.box[1] for cell in line)
        height = max(cell.phrase.height for cell in line)
        if rows and top - bottom < 0.6 * height and _continues(rows[-1], line, width):
            rows[-1].append(line)
        else:
            rows.append([line])
        bottom = max(cell.phrase.box[3] for cell in line)
    return rows


def _continues(above: Sequence[_Line], line: _Line, width: int) -> bool:
    """Whether the line continues wrapped texts: few of its cells are filled, each below one that has text."""
    filled = {cell.first for cell in line}
    before = {cell.first for one in above for cell in one}
    is_single = all(cell.first == cell.last for one in (*above, line) for cell in one)
    return is_single and 0 not in filled and 2 * len(filled) <= width and filled <= before


def _row(lines: Sequence[_Line], width: int) -> GridRow:
    texts: list[list[str]] = [[] for _ in range(width)]
    for cell in _cells(lines):
        for column in range(cell.first, cell.last + 1):
            texts[column].append(cell.phrase.text)
    return tuple(map(" ".join, texts))


def _cells(lines: Sequence[_Line]) -> Iterator[_Cell]:
    for line in lines:
        yield from line
