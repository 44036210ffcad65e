"""Reads the values of a column of a table, all of one unit, and compares them with a bound."""

import re
from collections.abc import Sequence
from decimal import Decimal

from shared.answers.cell_kinds import states_currency, states_units
from shared.answers.cell_statements import named_cell
from shared.answers.cell_values import CalendarDay, Quantity, day_of, quantity_of, style_of
from shared.answers.columns import column_phrase, groups_of
from shared.answers.measures import converted, in_one_unit
from shared.answers.records import RecordRow
from shared.answers.table_questions import ColumnBound
from shared.answers.whole_tables import JoinedTable

Value = Quantity | CalendarDay

EMPTY = re.compile(r"[\W_]*|n/?a|none|null|unknown|unbekannt", re.IGNORECASE)
_OF_MONEY = groups_of(
    ["price", "salary", "amount", "fee", "rent", "deposit", "tax", "bonus", "discount", "contribution"]
)
_MONEY_WORDS = frozenset(
    ["budget", "value", "revenue", "turnover", "profit", "balance", "donation", "grant", "wert", "umsatz", "gewinn",
     "saldo", "spende", "förderung", "total", "gesamt"]
)  # fmt: skip
_OF_QUANTITY = groups_of(["stock", "amount", "weight", "length", "size", "capacity", "menge"])
_PER = re.compile(r"\b(?:per|pro|je|price|preis)\b", re.IGNORECASE)


def column_values(table: JoinedTable, rows: Sequence[RecordRow], at: int, german: bool) -> list[Value | None] | None:
    """The numbers or dates of a column, None for empty cells; None where a cell is neither, or units differ."""
    cells = [named_cell(row, at)[1] for row in rows]
    full = [cell for cell in cells if not EMPTY.fullmatch(cell)]
    days = {cell: day_of(cell) for cell in full}
    if full and all(days.values()):
        return [days.get(cell) for cell in cells]
    style = style_of(full, german) if full else None
    if style is None:
        return None
    numbers = [quantity_of(cell, style) for cell in full]
    known = [number for number in numbers if number is not None]
    alike = in_one_unit(known) if len(known) == len(numbers) else None
    if alike is None or not _is_of_one_unit(table, rows, at):
        return None
    by_cell = dict(zip(full, alike, strict=True))
    return [by_cell.get(cell) for cell in cells]


def _is_of_one_unit(table: JoinedTable, rows: Sequence[RecordRow], at: int) -> bool:
    """Whether no other column states different currencies or units for this one."""
    full = [row for row in rows if not EMPTY.fullmatch(row.cells[at])]
    for place in range(1, len(table.columns)):
        if place == at or len({row.cells[place].lower() for row in full}) < 2:
            continue
        cells = [row.cells[place] for row in table.rows]
        if states_units(table.columns[place], cells) and at in _measured_by(table, place, cells):
            return False
    return True


def _measured_by(table: JoinedTable, place: int, cells: Sequence[str]) -> set[int]:
    """The columns that a column of currencies or units is about: those whose heads say so, else those beside it."""
    of_money = states_currency(table.columns[place], cells) or _PER.search(table.columns[place]) is not None
    groups, words = (_OF_MONEY, _MONEY_WORDS) if of_money else (_OF_QUANTITY, frozenset[str]())
    heads = [column_phrase(column) for column in table.columns]
    named = {at for at, head in enumerate(heads) if head.groups & groups or not words.isdisjoint(head.low)}
    return named - {place} or {place - 1, place + 1}


def comparable(value: Value) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, value)) if isinstance(value, tuple) else (value.value,)


def meets(value: Value, bound: ColumnBound) -> bool:
    if isinstance(bound.value, tuple) != isinstance(value, tuple):
        return False
    if isinstance(value, tuple):
        assert isinstance(bound.value, tuple)
        given = sum(part > 0 for part in bound.value)
        own, limit = value[:given], bound.value[:given]
    else:
        assert not isinstance(bound.value, tuple)
        least = converted(bound.value, bound.unit, value.behind)
        if least is None:
            return False
        own, limit = (int(value.value > least) - int(value.value < least),), (0,)
    if own == limit:
        return bound.inclusive
    return own > limit if bound.above else own < limit
