"""The running balance of the ledger: spent in each window, open calls, alerts that were sent.

Each seal stores the balance up to it. The order of records does not matter: an outbound record is durable before its
call leaves, and a usage record counts once, when it meets its outbound record.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from msgspec import Struct, field

from shared.usage.records import AlertRecord, BudgetWindow, OutboundRecord, Record, UsageRecord

_RETAINED_DAYS = 2
_RETAINED_MONTHS = 2
_DOCUMENT_RETENTION = timedelta(days=35)
"""How long a document's own total is carried after it last changed."""
_ADJUSTED_RETENTION = timedelta(days=70)
_EARLY_RETENTION = timedelta(days=1)
_WORK_RETENTION = timedelta(hours=1)


class BudgetBalances(Struct, frozen=True):
    """What each budget has spent by the ledger: an emptied Redis is filled from it.

    `spent` in micro-dollars, of every window that may still count; `open` are calls that left and have no usage record
    yet; `alerted` are thresholds (percent) whose event was sent; `work` are ids of late records that were charged
    without a reservation.
    """

    spent: Mapping[BudgetWindow, int] = field(default_factory=dict)
    open: tuple[OutboundRecord, ...] = ()
    alerted: frozenset[tuple[BudgetWindow, int]] = frozenset()
    work: frozenset[str] = frozenset()


class Total(Struct, frozen=True):
    """What was spent in one window; `touched` is the day of its last change."""

    window: BudgetWindow
    spent_microusd: int
    touched: date


class Alerted(Struct, frozen=True, order=True):
    """A threshold whose event was sent."""

    window: BudgetWindow
    threshold_pct: int


class Adjusted(Struct, frozen=True, order=True):
    """A record that lowered another and was counted."""

    usage_id: str
    on: date


class Early(Struct, frozen=True, order=True):
    """The cost of a call whose outbound record is missing so far: a write that seemed to fail may still arrive."""

    usage_id: str
    cost_microusd: int
    on: date


class CountedWork(Struct, frozen=True, order=True):
    """A record of work that was charged without a reservation and was counted. One that comes a second time, after a
    process died between the ledger and Redis' outbox, comes soon."""

    usage_id: str
    at: datetime


class Balance(Struct, frozen=True):
    """The balance at the end of a seal. Most of `early` are records that came twice."""

    totals: tuple[Total, ...] = ()
    open: tuple[OutboundRecord, ...] = ()
    alerted: tuple[Alerted, ...] = ()
    adjusted: tuple[Adjusted, ...] = ()
    early: tuple[Early, ...] = ()
    work: tuple[CountedWork, ...] = ()

    def budgets(self) -> BudgetBalances:
        return BudgetBalances(
            spent={total.window: total.spent_microusd for total in self.totals},
            open=self.open,
            alerted=frozenset((alert.window, alert.threshold_pct) for alert in self.alerted),
            work=frozenset(one.usage_id for one in self.work),
        )


def lacks_outbound(balance: Balance, records: Iterable[Record]) -> bool:
    """Whether a charged usage record has no outbound record: it came twice, or the other was not read yet."""
    records = list(records)
    outbound = {call.operation_id for call in balance.open}
    outbound |= {record.operation_id for record in records if isinstance(record, OutboundRecord)}
    return any(usage.usage_id not in outbound for usage in _charged(records))


def add_records(balance: Balance, records: Iterable[Record], at: datetime) -> Balance:
    """The balance after more records, without what is too old at `at`."""
    records = list(records)
    today = at.date()
    spent = {total.window: total for total in balance.totals}
    calls = {call.operation_id: call for call in balance.open}
    calls |= {record.operation_id: record for record in records if isinstance(record, OutboundRecord)}
    adjusted = {one.usage_id: one for one in balance.adjusted}
    work = {one.usage_id: one for one in balance.work}

    def add(windows: Iterable[BudgetWindow], amount: int) -> None:
        for window in windows if amount else ():
            before = spent[window].spent_microusd if window in spent else 0
            spent[window] = Total(window, before + amount, today)

    costs = {one.usage_id: one for one in balance.early}
    costs |= {usage.usage_id: Early(usage.usage_id, usage.cost_microusd, today) for usage in _charged(records)}
    for usage_id in sorted(costs.keys() & calls.keys()):
        add(calls.pop(usage_id).windows, costs.pop(usage_id).cost_microusd)
    for usage in records:
        if isinstance(usage, UsageRecord) and usage.adjusts and usage.usage_id not in adjusted:
            adjusted[usage.usage_id] = Adjusted(usage.usage_id, today)
            add(usage.windows, usage.cost_microusd)
        elif isinstance(usage, UsageRecord) and usage.settled_at_once and usage.usage_id not in work:
            work[usage.usage_id] = CountedWork(usage.usage_id, at)
            add(usage.windows, usage.cost_microusd)
    alerted = {Alerted(record.window, record.threshold_pct) for record in records if isinstance(record, AlertRecord)}
    return Balance(
        totals=tuple(total for _, total in sorted(spent.items()) if _is_retained(total.window, total.touched, today)),
        open=tuple(calls[operation] for operation in sorted(calls)),
        alerted=tuple(sorted(one for one in {*balance.alerted, *alerted} if _is_retained(one.window, today, today))),
        adjusted=tuple(sorted(one for one in adjusted.values() if today - one.on <= _ADJUSTED_RETENTION)),
        early=tuple(sorted(one for one in costs.values() if today - one.on <= _EARLY_RETENTION)),
        work=tuple(sorted(one for one in work.values() if at - one.at <= _WORK_RETENTION)),
    )


def _charged(records: Iterable[Record]) -> list[UsageRecord]:
    return [
        record
        for record in records
        if isinstance(record, UsageRecord) and record.windows and not record.adjusts and not record.settled_at_once
    ]


def _is_retained(window: BudgetWindow, touched: date, today: date) -> bool:
    if window.name == "day":
        return window.start >= (today - timedelta(days=_RETAINED_DAYS)).isoformat()
    if window.name == "month":
        months = today.year * 12 + today.month - 1 - _RETAINED_MONTHS
        return window.start >= f"{months // 12:04d}-{months % 12 + 1:02d}"
    return today - touched <= _DOCUMENT_RETENTION
