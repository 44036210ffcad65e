"""Recognises columns of yes and no."""

from collections.abc import Iterable

_YES = frozenset(["yes", "y", "true", "x", "ja", "j", "wahr", "✓", "✔", "☑", "✅"])
_NO = frozenset(["no", "n", "false", "nein", "falsch", "✗", "✘", "☐", "❌", "-", "–", "—", ""])


def is_yes_or_no(cells: Iterable[str]) -> bool:
    """Whether every cell says yes or no, and one at least is not empty."""
    low = {cell.strip().lower() for cell in cells}
    return low <= _YES | _NO and not low.isdisjoint((_YES | _NO) - {""})


def is_yes(cell: str) -> bool:
    return cell.strip().lower() in _YES
