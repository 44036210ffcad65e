"""Recognises columns of yes and no, and columns that state the currency or unit of the numbers beside them."""

import re
from collections.abc import Iterable

from shared.answers.lexicon import words

_YES = frozenset(["yes", "y", "true", "x", "ja", "j", "wahr", "✓", "✔", "☑", "✅"])
_NO = frozenset(["no", "n", "false", "nein", "falsch", "✗", "✘", "☐", "❌", "-", "–", "—", ""])
_UNIT_HEAD = re.compile(
    r"(?:[^\W_]+[ _])?(?:currency|ccy|curr|uom|[^\W_]*währung|[^\W_]*einheit)(?:[ _]code)?|units?|unit of \w+"
    r"|price unit|(?:price |sold |preis |kosten )?(?:per|pro|je)",
    re.IGNORECASE,
)
_UNITS = words("units")
_CURRENCY_HEAD = re.compile(r"currency|ccy|curr\b|währung", re.IGNORECASE)
_CURRENCIES = words("currencies")


def is_yes_or_no(cells: Iterable[str]) -> bool:
    """Whether every cell says yes or no, and one at least is not empty."""
    low = {cell.strip().lower() for cell in cells}
    return low <= _YES | _NO and not low.isdisjoint((_YES | _NO) - {""})


def is_yes(cell: str) -> bool:
    return cell.strip().lower() in _YES


def states_currency(column: str, cells: Iterable[str]) -> bool:
    full = [cell.strip(" .()").lower() for cell in cells if cell.strip()]
    return _CURRENCY_HEAD.search(column) is not None or (bool(full) and _CURRENCIES.issuperset(full))


def states_units(column: str, cells: Iterable[str]) -> bool:
    """Whether the column's head or all its cells are currencies or units of other columns."""
    full = [cell.lower() for cell in cells if cell.strip()]
    all_units = bool(full) and all(_UNITS.issuperset(re.split(r"[\s/]+", cell.strip(" ./()"))) for cell in full)
    return all_units or _UNIT_HEAD.fullmatch(column.strip()) is not None
