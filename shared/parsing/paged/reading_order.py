"""Puts the blocks of a page into reading order by their places: columns from the left, each from the top; what stands
across columns divides them."""

from collections.abc import Sequence

from shared.parsing.document import Block
from shared.types.passage import Box

_GUTTER = 0.01
"""Least share of the page's width between two columns."""

_INSET = 0.003
"""Share of the page by which boxes may overlap each other and still stand apart."""

_FAR = 0.04
"""Share of the page's height between blocks that do not follow each other in a column."""

_SHORT = 60
"""Letters of a block that may be a label, a date or a running head; longer ones are text in columns."""

_Placed = tuple[int, Block, Box]
"""A block with its place in the given order, and its box without what may overlap others."""


def in_reading_order(blocks: Sequence[Block]) -> list[Block]:
    """Returns the blocks in reading order; one without a box follows the block that it followed. Where the places alone
    do not say whether lines or columns come first, the given order decides."""
    placed = [(place, block, _inset(block.box)) for place, block in enumerate(blocks) if block.box]
    following: dict[int, list[Block]] = {}
    last = -1
    for place, block in enumerate(blocks):
        if block.box:
            last = place
        else:
            following.setdefault(last, []).append(block)
    ordered = following.get(-1, [])
    for place, block, _ in _ordered(placed):
        ordered += [block, *following.get(place, ())]
    return ordered


def _inset(box: Box) -> Box:
    left, top, right, bottom = box
    across, down = min(_INSET, (right - left) / 4), min(_INSET, (bottom - top) / 4)
    return left + across, top + down, right - across, bottom - down


def _ordered(items: Sequence[_Placed]) -> list[_Placed]:
    strips = _apart(items, 1)
    if len(strips) < 2:
        return [one for side in sides for one in _ordered(side)] if (sides := _sides(items)) else _from_top(items)
    ordered = []
    for area in _areas(strips):
        whole = [one for strip in area for one in strip]
        for side in (len(area) > 1 and _sides(whole)) or [whole]:
            ordered += _ordered(side)
    return ordered


def _sides(items: Sequence[_Placed]) -> list[list[_Placed]]:
    """Divides the items at the widest gap between columns; nothing where there is none."""
    columns = _apart(items, 0)
    if len(columns) < 2:
        return []
    edges = [(min(box[0] for *_, box in column), max(box[2] for *_, box in column)) for column in columns]
    widest = max(range(1, len(columns)), key=lambda place: edges[place][0] - edges[place - 1][1])
    return [[one for column in part for one in column] for part in (columns[:widest], columns[widest:])]


def _apart(items: Sequence[_Placed], axis: int) -> list[list[_Placed]]:
    """Divides the items where a gap goes through all of them: from the left (axis 0) or from the top (axis 1)."""
    groups: list[list[_Placed]] = []
    end = 0.0
    for item in sorted(items, key=lambda item: item[2][axis]):
        if not groups or item[2][axis] >= end + (0.0 if axis else _GUTTER):
            groups.append([])
            end = item[2][axis + 2]
        groups[-1].append(item)
        end = max(end, item[2][axis + 2])
    return groups


def _areas(strips: Sequence[list[_Placed]]) -> list[list[list[_Placed]]]:
    """Joins strips, from the top, that have columns in common."""
    areas: list[list[list[_Placed]]] = []
    for strip in strips:
        if areas and _are_columns(areas[-1], strip):
            areas[-1].append(strip)
        else:
            areas.append([strip])
    return areas


def _are_columns(area: Sequence[list[_Placed]], strip: list[_Placed]) -> bool:
    """Whether the strip continues the columns of the area above it."""
    above = [one for part in area for one in part]
    columns = _apart([*above, *strip], 0)
    if len(columns) < 2:
        return False
    continued = [column for column in columns if any(one in column for one in strip)]
    long = [column for column in columns if any(len(block.text) > _SHORT for _, block, _ in column)]
    is_given = max(place for place, *_ in above) > min(place for place, *_ in strip)
    if len(long) < 2:
        return is_given
    if len(continued) > 1 or continued[0] is columns[-1]:
        return True
    top = min(box[1] for *_, box in strip)
    own = max((one[2][3] for one in above if one in continued[0]), default=0.0)
    all_of_it = max(box[3] for *_, box in above)
    if own >= all_of_it or top - own > 2 * (top - all_of_it) + _FAR:  # it follows its own column, or another one
        return own >= all_of_it
    return is_given


def _from_top(items: Sequence[_Placed]) -> list[_Placed]:
    """Returns items that no gap divides in the given order, except that none precedes what stands above it."""
    waiting = sorted(items, key=lambda item: item[0])
    ordered = []
    while waiting:
        free = (one for one in waiting if not any(_is_above(other[2], one[2]) for other in waiting if other is not one))
        first = next(free, waiting[0])
        waiting.remove(first)
        ordered.append(first)
    return ordered


def _is_above(one: Box, other: Box) -> bool:
    common = min(one[2], other[2]) - max(one[0], other[0])
    is_over = one[1] + one[3] < other[1] + other[3] and one[3] <= (other[1] + other[3]) / 2
    return is_over and common > 0.3 * min(one[2] - one[0], other[2] - other[0])
