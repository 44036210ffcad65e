"""Tables of a sheet that empty columns or rows cut in pieces, joined again."""

from typing import Any

from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.labels import GroupLabel

_WIDEST_GAP = 1
"""Columns or rows that only keep the others apart."""


def join_regions(document: Any) -> None:
    """Joins the tables of each sheet that one empty column or row keeps apart; changes the document."""
    for group in document.groups:
        if group.label != GroupLabel.SHEET:
            continue
        held: list[Any] = []
        for reference in list(group.children):
            item = reference.resolve(document)
            if not isinstance(item, TableItem) or not item.prov:
                continue
            partner = next((each for each in held if _is_beside(each, item) or _is_below(each, item)), None)
            if partner is None:
                held.append(item)
                continue
            _append(partner, item)
            group.children.remove(reference)


def _is_beside(one: Any, other: Any) -> bool:
    left, right = one.prov[0].bbox, other.prov[0].bbox
    return bool(
        left.t == right.t and 0 < right.l - left.r <= _WIDEST_GAP and min(one.data.num_rows, other.data.num_rows) > 1
    )


def _is_below(one: Any, other: Any) -> bool:
    """Whether a table goes on after an empty row: behind its head, or with figures instead of another head."""
    upper, lower = one.prov[0].bbox, other.prov[0].bbox
    if (upper.l, upper.r) != (lower.l, lower.r) or not 0 < lower.t - upper.b <= _WIDEST_GAP or one.data.num_cols < 2:
        return False
    first = [cell.text for cell in other.data.table_cells if cell.start_row_offset_idx == 0]
    return one.data.num_rows == 1 or any(text[:1].isdigit() or text[:1] in "-$€£" for text in first if text)


def _append(one: Any, other: Any) -> None:
    box, added = one.prov[0].bbox, other.prov[0].bbox
    right, down = (0, one.data.num_rows) if added.t > box.t else (one.data.num_cols, 0)
    for cell in other.data.table_cells:
        cell.start_row_offset_idx += down
        cell.end_row_offset_idx += down
        cell.start_col_offset_idx += right
        cell.end_col_offset_idx += right
        one.data.table_cells.append(cell)
    one.data.num_cols = max(one.data.num_cols, other.data.num_cols + right)
    one.data.num_rows = max(one.data.num_rows, other.data.num_rows + down)
    box.r, box.b = max(box.r, added.r), max(box.b, added.b)
