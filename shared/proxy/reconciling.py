"""Compares the three accounts of money: the counts in Redis, the usage ledger, and the provider's bill.

The ledger wins over Redis. The provider's bill wins over what we estimated, and over nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from shared.proxy.budget.budget import Budget
from shared.proxy.budget.mending import Counted, counts, mend
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import BudgetWindow, UsageLine, UsageRecord


class Difference(Struct, frozen=True):
    """A window that Redis and the ledger count differently. One with a call under way is left as it is."""

    window: BudgetWindow
    redis_microusd: int
    book_microusd: int
    mended: bool


class Billed(Struct, frozen=True):
    """A UTC day of cloud calls: by the provider, by the ledger, and by how much estimates were lowered for it."""

    day: date
    provider_microusd: int
    book_microusd: int
    lowered_microusd: int


class Reconciled(Struct, frozen=True):
    windows: tuple[Difference, ...]
    days: tuple[Billed, ...]


async def reconcile(
    budget: Budget, redis: RedisClient, book: UsageLedger, journal: Journal, bills: Mapping[date, int] | None = None
) -> Reconciled:
    """`bills` are the provider's totals, in micro-dollars, of days that are over."""
    await flush_outbox(budget.outbox, journal)
    days = [await _hold_against_bill(book, journal, day, billed) for day, billed in sorted((bills or {}).items())]
    return Reconciled(await _hold_against_book(budget, redis, book, journal), tuple(days))


async def _hold_against_book(
    budget: Budget, redis: RedisClient, book: UsageLedger, journal: Journal
) -> tuple[Difference, ...]:
    """Reads the counts of Redis, writes its outbox to the ledger, then reads the ledger: what was
    settled in between shows in Redis as a later change, and such a window is not corrected."""
    await budget.sweep()  # warm, if it was cold
    found = await counts(redis)
    await flush_outbox(budget.outbox, journal)
    balances = await book.balances()
    held = {window for call in balances.open for window in call.windows}
    present = {window for window in {*found.windows, *balances.spent} if _counts_still(window)}
    differences = []
    for window in sorted(present):
        counted, booked = found.windows.get(window, Counted(0, 0)), balances.spent.get(window, 0)
        if counted.spent_microusd != booked:
            mended = window not in held and await mend(redis, found, window, booked)
            differences.append(Difference(window, counted.spent_microusd, booked, mended))
    return tuple(differences)


def _counts_still(window: BudgetWindow) -> bool:
    """Whether anything can still be reserved in it: what is over is not kept for ever by either."""
    today = now().astimezone(UTC).date().isoformat()
    return window.name == "life" or window.start in (today, today[:7])


async def _hold_against_bill(book: UsageLedger, journal: Journal, day: date, billed: int) -> Billed:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    usage: list[UsageRecord] = []
    for tenant_id in await book.tenants():
        usage += [
            one for one in await book.usage(tenant_id, start, start + timedelta(days=1)) if one.location == "cloud"
        ]
    booked = sum(one.cost_microusd for one in usage)
    lowered = 0
    for one in _lowered(usage, booked - billed):
        await journal.append(one)
        lowered -= one.cost_microusd
    return Billed(day, billed, booked, lowered)


def _lowered(usage: Sequence[UsageRecord], by: int) -> list[UsageRecord]:
    """Records that lower estimated ones, none below nothing, by at most so many micro-dollars in all."""
    adjusting = []
    for one in usage:
        earlier = [other for other in usage if other.adjusts == one.usage_id]
        left = one.cost_microusd + sum(other.cost_microusd for other in earlier)
        amount = min(left, by)
        if one.estimated and not one.adjusts and amount > 0:
            adjusting.append(_adjustment(one, amount, len(earlier)))
            by -= amount
    return adjusting


def _adjustment(of: UsageRecord, amount: int, number: int) -> UsageRecord:
    """At the time of what it lowers, so that both fall into the same period."""
    return UsageRecord(
        usage_id=f"{of.usage_id}-lowered-{number}",
        adjusts=of.usage_id,
        tenant_id=of.tenant_id,
        at=of.at,
        lines=(UsageLine("output_token", 0, -amount),),
        key_id=of.key_id,
        request_id=of.request_id,
        label=of.label,
        document_id=of.document_id,
        function=of.function,
        location=of.location,
        model=of.model,
        reason="reconciled",
        windows=of.windows,
    )
