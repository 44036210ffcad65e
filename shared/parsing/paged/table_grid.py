"""Reconstructs a table's rows and columns from the places of its words."""

from collections.abc import Sequence

from msgspec import Struct

from shared.types.passage import Box, around


class TableWord(Struct, frozen=True):
    """A cell's text or a part of it, with its place in points."""

    text: str
    box: Box

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


GridRow = tuple[str, ...]


def table_rows(words: Sequence[TableWord]) -> list[GridRow]:
    """Returns rows from the top, every row as wide as the table; none where the words stand in one column."""
    lines = _lines(words)
    columns = _columns(lines)
    if len(columns) < 2 or len(lines) < 2:
        return []
    return [tuple(" ".join(cell) for cell in row) for row in _rows(lines, columns)]


def _lines(words: Sequence[TableWord]) -> list[list[TableWord]]:
    lines: list[list[TableWord]] = []
    for word in sorted(words, key=_middle):
        first = lines[-1][0] if lines else None
        if first and abs(_middle(first) - _middle(word)) < 0.45 * min(first.height, word.height):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [_phrases(sorted(line, key=lambda word: word.box[0])) for line in lines]


def _middle(word: TableWord) -> float:
    return (word.box[1] + word.box[3]) / 2


def _phrases(line: list[TableWord]) -> list[TableWord]:
    """Joins words with no more than a space between them."""
    phrases = [line[0]]
    for word in line[1:]:
        last = phrases[-1]
        if word.box[0] - last.box[2] < 0.55 * max(last.height, word.height):
            phrases[-1] = TableWord(f"{last.text} {word.text}", around((last.box, word.box)))
        else:
            phrases.append(word)
    return phrases


def _columns(lines: list[list[TableWord]]) -> list[tuple[float, float]]:
    """Returns the left and right of each column, from the fullest lines, so that a title across several columns does
    not join them."""
    most = max(map(len, lines), default=0)
    spans: list[tuple[float, float]] = []
    for line in sorted(lines, key=len, reverse=True):
        for word in line if len(line) >= max(2, 0.6 * most) else ():
            spans = _with(spans, (word.box[0], word.box[2]))
    return sorted(spans)


def _with(spans: list[tuple[float, float]], span: tuple[float, float]) -> list[tuple[float, float]]:
    """Adds a span to the column that it overlaps; one across two columns is ignored."""
    touched = [one for one in spans if one[0] < span[1] and span[0] < one[1]]
    if len(touched) > 1:
        return spans
    wide = (min(span[0], *(one[0] for one in touched)), max(span[1], *(one[1] for one in touched))) if touched else span
    return [one for one in spans if one not in touched] + [wide]


def _rows(lines: list[list[TableWord]], columns: list[tuple[float, float]]) -> list[list[list[str]]]:
    """Merges lines that only continue cells of the row above into that row."""
    rows: list[list[list[str]]] = []
    bottom = 0.0
    for line in lines:
        cells: list[list[str]] = [[] for _ in columns]
        for word in line:
            cells[_column(word, columns)].append(word.text)
        top = min(word.box[1] for word in line)
        height = max(word.height for word in line)
        if rows and not cells[0] and top - bottom < 0.6 * height and _continues(rows[-1], cells):
            rows[-1] = [above + below for above, below in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
        bottom = max(word.box[3] for word in line)
    return rows


def _continues(above: list[list[str]], cells: list[list[str]]) -> bool:
    """Whether the cells continue a wrapped text: few of them are filled, each below one that has text."""
    filled = [place for place, cell in enumerate(cells) if cell]
    return 2 * len(filled) <= len(cells) and all(above[place] for place in filled)


def _column(word: TableWord, columns: list[tuple[float, float]]) -> int:
    """Returns the column that the word overlaps most, else the nearest."""

    def share(place: int) -> float:
        left, right = columns[place]
        return min(right, word.box[2]) - max(left, word.box[0])

    return max(range(len(columns)), key=share)
