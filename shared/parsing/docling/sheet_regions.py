"""Tables of a sheet that empty or hidden columns and rows cut in pieces, joined again."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import Any

from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.labels import GroupLabel
from msgspec import Struct

from shared.parsing.docling.hidden_lines import HiddenLines, SheetLines
from shared.parsing.docling.sheets import has_figures

_WIDEST_GAP = 1
"""Columns or rows that only keep the others apart."""

_NONE_HIDDEN = SheetLines(HiddenLines(), HiddenLines())


class _Region(Struct, eq=False):
    """A table and the rectangle that it takes of the rows and columns that are shown. `blocks` are the columns of its
    parts, which empty columns keep apart."""

    item: Any
    top: int
    left: int
    bottom: int
    right: int
    blocks: tuple[tuple[int, int], ...]
    is_joined: bool = False


def join_regions(document: Any, hidden_lines: Mapping[str, SheetLines] = MappingProxyType({})) -> None:
    """Joins the tables of each sheet that one empty column or row, or hidden ones, keep apart; changes the document."""
    for group in document.groups:
        name = group.name.removeprefix("sheet: ")
        if group.label != GroupLabel.SHEET and name == group.name:
            continue
        lines = hidden_lines.get(name, _NONE_HIDDEN)
        regions = [_region(item, lines) for item in _tables(group, document)]
        cut, before = {region.item.self_ref for region in regions}, 0
        while len(regions) != before:
            before = len(regions)
            regions = _touching_joined(regions, has_hidden=any(lines))
            regions = _rows_joined(_columns_joined(regions))
        for region in regions:
            if region.is_joined:
                _drop_empty_lines(region.item.data)
        left = {region.item.self_ref for region in regions}
        group.children = [each for each in group.children if each.cref in left or each.cref not in cut]


def _tables(group: Any, document: Any) -> Iterator[Any]:
    for reference in group.children:
        item = reference.resolve(document)
        if isinstance(item, TableItem) and item.prov:
            yield item


def _region(item: Any, lines: SheetLines) -> _Region:
    if any(lines):
        _without_hidden(item, lines)
    box = item.prov[0].bbox
    top, bottom = (lines.rows.place(round(line)) for line in (box.t, box.b))
    left, right = (lines.columns.place(round(line)) for line in (box.l, box.r))
    return _Region(item, top, left, bottom, right, ((left, right),))


def _without_hidden(item: Any, lines: SheetLines) -> None:
    """Counts the rows and columns of a table without the hidden ones."""
    top, left = round(item.prov[0].bbox.t), round(item.prov[0].bbox.l)
    _renumber(item.data, "row", lambda line: lines.rows.place(top + line) - lines.rows.place(top))
    _renumber(item.data, "col", lambda line: lines.columns.place(left + line) - lines.columns.place(left))


def _renumber(data: Any, axis: str, place: Callable[[int], int]) -> None:
    """Gives the rows (`row`) or columns (`col`) of a table other numbers, without the cells for which none is left."""
    start, end, count = f"start_{axis}_offset_idx", f"end_{axis}_offset_idx", f"num_{axis}s"
    cells = []
    for cell in data.table_cells:
        first, last = place(getattr(cell, start)), place(getattr(cell, end))
        if first < last:
            setattr(cell, start, first)
            setattr(cell, end, last)
            cells.append(cell)
    data.table_cells = cells
    setattr(data, count, place(getattr(data, count)))


def _touching_joined(regions: list[_Region], *, has_hidden: bool) -> list[_Region]:
    """Joins regions between which there is nothing but hidden rows or columns, and those that lie in each other."""
    joined: list[_Region] = []
    rows: dict[int, list[_Region]] = defaultdict(list)
    for region in regions:
        near = (each for line in range(region.top - 1, region.bottom + 1) for each in rows.get(line, ()))
        partner = next((each for each in near if _share(each, region, edges=has_hidden)), None)
        if partner is None:
            joined.append(partner := region)
        else:
            _append(partner, region)
        for line in range(region.top, region.bottom):
            if partner not in rows[line]:
                rows[line].append(partner)
    return joined


def _share(one: _Region, other: _Region, *, edges: bool) -> bool:
    """Whether two regions share cells, or with `edges` a side."""
    rows = min(one.bottom, other.bottom) - max(one.top, other.top)
    columns = min(one.right, other.right) - max(one.left, other.left)
    return min(rows, columns) > 0 or (edges and min(rows, columns) == 0 < max(rows, columns))


def _columns_joined(regions: list[_Region]) -> list[_Region]:
    """Joins regions beside each other that begin in the same row. Where both are of one row, there must be others like
    them: words side by side are not yet a table."""
    rows: dict[int, list[_Region]] = defaultdict(list)
    for region in regions:
        rows[region.top].append(region)
    pairs = [
        (one, other)
        for row in rows.values()
        for one, other in pairwise(sorted(row, key=lambda each: each.left))
        if 0 < other.left - one.right <= _WIDEST_GAP
    ]
    found = Counter((one.left, other.left) for one, other in pairs)
    gone: dict[int, _Region] = {}
    for one, other in pairs:
        heights = {one.bottom - one.top, other.bottom - other.top}
        if 1 not in heights or (heights == {1} and found[one.left, other.left] > 1):
            gone[id(other)] = gone.get(id(one), one)
            _append(gone[id(other)], other)
    return [region for region in regions if id(region) not in gone]


def _rows_joined(regions: list[_Region]) -> list[_Region]:
    """Joins regions below each other that begin in the same column."""
    ends: dict[tuple[int, int], _Region] = {}
    joined: list[_Region] = []
    for region in sorted(regions, key=lambda each: (each.top, each.left)):
        above = (ends.get((region.left, region.top - gap)) for gap in range(1, _WIDEST_GAP + 1))
        partner = next((each for each in above if each is not None and _goes_on(each, region)), None)
        if partner is None:
            joined.append(partner := region)
        else:
            _append(partner, region)
        ends[partner.left, partner.bottom] = partner
    return joined


def _goes_on(upper: _Region, lower: _Region) -> bool:
    """Whether a table goes on after an empty row: behind its head, with figures instead of another head, as other rows
    did, or in the same parts without the same head."""
    if (
        upper.item.data.num_cols < 2
        or lower.right > upper.right
        or (lower.right < upper.right and len(lower.blocks) < 2)
    ):
        return False
    first = _row(lower.item.data, 0)
    is_single = lower.bottom - lower.top == 1
    is_alike = len(lower.blocks) > 1 and lower.blocks == upper.blocks and first != _row(upper.item.data, 0)
    return upper.bottom - upper.top == 1 or has_figures(first) or (is_single and upper.is_joined) or is_alike


def _row(data: Any, place: int) -> list[str]:
    return [cell.text for cell in data.table_cells if cell.start_row_offset_idx == place and cell.text]


def _append(one: _Region, other: _Region) -> None:
    """Puts the cells of a table into another one, where they stand on the sheet."""
    top, left = min(one.top, other.top), min(one.left, other.left)
    bottom, right = max(one.bottom, other.bottom), max(one.right, other.right)
    for each in (one, other):
        down, along = each.top - top, each.left - left
        for cell in each.item.data.table_cells if down or along else ():
            cell.start_row_offset_idx += down
            cell.end_row_offset_idx += down
            cell.start_col_offset_idx += along
            cell.end_col_offset_idx += along
    box, added = one.item.prov[0].bbox, other.item.prov[0].bbox
    box.l, box.t, box.r, box.b = min(box.l, added.l), min(box.t, added.t), max(box.r, added.r), max(box.b, added.b)
    data = one.item.data
    # Where cells lie above each other, the last one is seen.
    data.table_cells = sorted([*data.table_cells, *other.item.data.table_cells], key=lambda cell: bool(cell.text))
    data.num_rows, data.num_cols = bottom - top, right - left
    one.top, one.left, one.bottom, one.right = top, left, bottom, right
    one.blocks = tuple(sorted({*one.blocks, *other.blocks}))
    one.is_joined = True


def _drop_empty_lines(data: Any) -> None:
    """Takes out the rows and columns of a joined table in which nothing stands: they only kept its parts apart."""
    for axis in ("row", "col"):
        filled = {getattr(cell, f"start_{axis}_offset_idx") for cell in data.table_cells if cell.text.strip()}
        places = list(accumulate((line in filled for line in range(getattr(data, f"num_{axis}s"))), initial=0))
        _renumber(data, axis, places.__getitem__)
