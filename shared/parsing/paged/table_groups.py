"""Finds consecutive lines of a page that stand in columns."""

from collections.abc import Iterator, Sequence

from shared.parsing.paged.table_grid import columns_of
from shared.parsing.paged.table_words import TableWord, is_in_line, lines_of_words, phrases_of
from shared.parsing.paged.text_columns import PROSE_WORDS, paragraph_lines
from shared.types.passage import Box, around

FEWEST_LINES = 3
_MOST_TITLES = 3
"""Lines of titles at the top of a table that may stand over a part of its columns."""


def aligned_groups(words: Sequence[TableWord]) -> Iterator[Box]:
    """Yields the places of consecutive lines that stand in columns; lines of paragraphs alone are none."""
    lines = [phrases_of(line) for line in lines_of_words(words)]
    prose = paragraph_lines(lines)
    group: list[list[TableWord]] = []
    title: list[TableWord] = []  # a single phrase above the line that the group may begin with
    wrapped: list[list[TableWord]] = []  # lines of cells that read like a paragraph, below the group's last line
    for line in [*lines, []]:
        rest = [one for one in line if id(one) not in prose]
        if group and line and not rest:
            if _is_beside(group, line):
                continue
            if _follows([*group, *wrapped], line):
                wrapped.append(line)
                continue
        if group and (not rest or not _follows([*group, *wrapped], rest)):
            yield from _places(group, wrapped)
            group = []
        wrapped = []
        if not group and len(rest) > 1 and is_title(title, rest):
            group.append(title)
        if rest and (group or len(rest) > 1):
            group.append(rest)
        title = line if len(line) == 1 else []


def _places(group: list[list[TableWord]], wrapped: Sequence[Sequence[TableWord]]) -> Iterator[Box]:
    left = min(one.box[0] for row in group for one in row)
    while len(group[-1]) == 1 and group[-1][0].box[0] < left + 5:
        group.pop()
        wrapped = ()
    if len(group) >= FEWEST_LINES and len(columns_of(group)) > 1:
        yield around(phrase.box for row in (*group, *wrapped) for phrase in row)


def _follows(group: Sequence[Sequence[TableWord]], line: Sequence[TableWord]) -> bool:
    """Whether the line stands below the group without a wide gap, and within its columns."""
    last = group[-1]
    gap = min(one.box[1] for one in line) - max(one.box[3] for one in last)
    height = max(one.height for one in line)
    if gap >= 1.8 * height or not _is_within(group, line, height):
        return False
    return not (is_prose(line) and crosses_columns(line, columns_of(group)))


def is_title(title: Sequence[TableWord], line: Sequence[TableWord]) -> bool:
    """Whether the first phrase stands right above another than the first of the line, as the title of its column."""
    if not title or title[0].box[0] <= line[0].box[2] or line[0].box[1] - title[0].box[3] > 1.2 * line[0].height:
        return False
    return any(is_in_line(title[0].box, one.box) for one in line[1:])


def _is_beside(group: Sequence[Sequence[TableWord]], line: Sequence[TableWord]) -> bool:
    """Whether the line stands in another column of the page than the group."""
    left, right = min(one.box[0] for row in group for one in row), max(one.box[2] for row in group for one in row)
    return all(one.box[0] > right or one.box[2] < left for one in line)


def _is_within(group: Sequence[Sequence[TableWord]], line: Sequence[TableWord], height: float) -> bool:
    """Whether the line stands within the group's columns, or the group is the titles of a part of the line's."""
    left, right = min(one.box[0] for row in group for one in row), max(one.box[2] for row in group for one in row)
    if all(one.box[0] > left - 2 * height and one.box[0] < right for one in line):
        return True
    inside = [one for one in line if one.box[2] > left and one.box[0] < right]
    titled = [one for one in inside if any(is_in_line(one.box, title.box) for row in group for title in row)]
    return len(group) <= _MOST_TITLES and len(inside) == len(titled) == len(columns_of(group))


def is_prose(line: Sequence[TableWord]) -> bool:
    return len(line) == 1 and len(line[0].text.split()) >= PROSE_WORDS


def crosses_columns(line: Sequence[TableWord], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether the first phrase of a line runs across several columns."""
    start, _, end, _ = line[0].box
    return sum(start < right and left < end for left, right in columns) > 1
