"""Where every budget stands by the book: what an emptied Redis is filled from."""

from collections.abc import Mapping

from msgspec import Struct, field

from shared.usage.records import BudgetWindow, OutboundRecord


class Standing(Struct, frozen=True):
    """`spent` in micro-dollars, of every window that may still count; `open` are calls that left and whose usage is not
    in the book; `alerted` are thresholds (percent) whose event was sent."""

    spent: Mapping[BudgetWindow, int] = field(default_factory=dict)
    open: tuple[OutboundRecord, ...] = ()
    alerted: frozenset[tuple[BudgetWindow, int]] = frozenset()
