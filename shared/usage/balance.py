"""What the records so far come to: spent in each window, calls that are still open, alerts that were sent.

It is carried from seal to seal. The order of records does not matter: an outbound record is durable before its call
leaves, and a usage record counts once, when it meets its outbound record.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from msgspec import Struct

from shared.usage.records import AlertRecord, BudgetWindow, OutboundRecord, Record, UsageRecord
from shared.usage.standing import Standing

_DAYS_KEPT = 2
_MONTHS_KEPT = 2
_LIFE_KEPT = timedelta(days=35)
"""How long a document's own total is carried after it last changed."""
_ADJUSTED_KEPT = timedelta(days=70)
_EARLY_KEPT = timedelta(days=1)


class Total(Struct, frozen=True):
    window: BudgetWindow
    spent_microusd: int
    touched: date


class Alerted(Struct, frozen=True, order=True):
    window: BudgetWindow
    threshold_pct: int


class Adjusted(Struct, frozen=True, order=True):
    usage_id: str
    on: date


class Early(Struct, frozen=True, order=True):
    """What a call cost whose outbound record did not come yet: a write that seemed to fail may still arrive."""

    usage_id: str
    cost_microusd: int
    on: date


class Balance(Struct, frozen=True):
    """As of the end of a seal. `adjusted` are the records that lowered others and were counted; `early` are those
    without an outbound record, most of them told before."""

    totals: tuple[Total, ...] = ()
    open: tuple[OutboundRecord, ...] = ()
    alerted: tuple[Alerted, ...] = ()
    adjusted: tuple[Adjusted, ...] = ()
    early: tuple[Early, ...] = ()

    def standing(self) -> Standing:
        return Standing(
            spent={total.window: total.spent_microusd for total in self.totals},
            open=self.open,
            alerted=frozenset((alert.window, alert.threshold_pct) for alert in self.alerted),
        )


def lacks_outbound(balance: Balance, records: Iterable[Record]) -> bool:
    """Whether a charged usage record has met no outbound record: it is told again, or the other was not yet seen."""
    records = list(records)
    seen = {call.operation_id for call in balance.open}
    seen |= {record.operation_id for record in records if isinstance(record, OutboundRecord)}
    return any(usage.usage_id not in seen for usage in _charged(records))


def carried(balance: Balance, records: Iterable[Record], at: datetime) -> Balance:
    """The balance after more records; what is too old at `at` is left out."""
    records = list(records)
    today = at.date()
    spent = {total.window: total for total in balance.totals}
    calls = {call.operation_id: call for call in balance.open}
    calls |= {record.operation_id: record for record in records if isinstance(record, OutboundRecord)}
    adjusted = {one.usage_id: one for one in balance.adjusted}

    def charge(windows: Iterable[BudgetWindow], amount: int) -> None:
        for window in windows if amount else ():
            before = spent[window].spent_microusd if window in spent else 0
            spent[window] = Total(window, before + amount, today)

    told = {one.usage_id: one for one in balance.early}
    told |= {usage.usage_id: Early(usage.usage_id, usage.cost_microusd, today) for usage in _charged(records)}
    for usage_id in sorted(told.keys() & calls.keys()):
        charge(calls.pop(usage_id).windows, told.pop(usage_id).cost_microusd)
    for usage in _adjusting(records):
        if usage.usage_id not in adjusted:
            adjusted[usage.usage_id] = Adjusted(usage.usage_id, today)
            charge(usage.windows, usage.cost_microusd)
    alerted = {Alerted(record.window, record.threshold_pct) for record in records if isinstance(record, AlertRecord)}
    return Balance(
        totals=tuple(total for _, total in sorted(spent.items()) if _is_kept(total.window, total.touched, today)),
        open=tuple(calls[operation] for operation in sorted(calls)),
        alerted=tuple(sorted(one for one in {*balance.alerted, *alerted} if _is_kept(one.window, today, today))),
        adjusted=tuple(sorted(one for one in adjusted.values() if today - one.on <= _ADJUSTED_KEPT)),
        early=tuple(sorted(one for one in told.values() if today - one.on <= _EARLY_KEPT)),
    )


def _charged(records: Iterable[Record]) -> Iterator[UsageRecord]:
    return (record for record in records if isinstance(record, UsageRecord) and record.windows and not record.adjusts)


def _adjusting(records: Iterable[Record]) -> Iterator[UsageRecord]:
    return (record for record in records if isinstance(record, UsageRecord) and record.adjusts)


def _is_kept(window: BudgetWindow, touched: date, today: date) -> bool:
    if window.name == "day":
        return window.start >= (today - timedelta(days=_DAYS_KEPT)).isoformat()
    if window.name == "month":
        months = today.year * 12 + today.month - 1 - _MONTHS_KEPT
        return window.start >= f"{months // 12:04d}-{months % 12 + 1:02d}"
    return today - touched <= _LIFE_KEPT
