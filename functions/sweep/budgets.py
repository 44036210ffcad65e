"""Money that nobody looks after any more: leases that ran out, records that wait to be booked, alerts to be sent."""

from datetime import timedelta

from events.budget import BudgetThresholdReached
from shared.bus.publisher import BoundPublisher
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import BudgetOperation, estimated
from shared.types.clock import now
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import AlertRecord, UsageRecord

_LONGEST_LEASE = timedelta(days=1)


async def look_after_budgets(budget: Budget, book: UsageLedger, journal: Journal, publisher: BoundPublisher) -> None:
    await flush_outbox(budget.outbox, journal)
    await budget.sweep()
    await settle_lapsed(budget, book)
    await flush_outbox(budget.outbox, journal)
    await send_alerts(budget, journal, publisher)


async def settle_lapsed(budget: Budget, book: UsageLedger) -> None:
    """A call that left and was not settled within its lease cost what the book says, else all that was held for it."""
    lapsed = await budget.lapsed()
    if not lapsed:
        return
    still_open = {call.operation_id for call in (await book.balances()).open}
    for operation in lapsed:
        booked = None if operation.operation_id in still_open else await _booked(operation, book)
        await budget.settle(booked or estimated(operation, now()))


async def _booked(operation: BudgetOperation, book: UsageLedger) -> UsageRecord | None:
    usage = await book.usage(operation.payer.tenant_id, operation.until - _LONGEST_LEASE, now())
    return next((one for one in usage if one.usage_id == operation.operation_id), None)


async def send_alerts(budget: Budget, journal: Journal, publisher: BoundPublisher) -> None:
    """Said, then booked, then forgotten by Redis: cut off in between it is said again, under the same id; once it is
    in the book an emptied Redis does not bring it back."""
    for alert in await budget.alerts():
        await publisher.publish(threshold_reached(alert))
        await journal.append(alert)
        await budget.alerted([alert])


def threshold_reached(alert: AlertRecord) -> BudgetThresholdReached:
    window = alert.window
    return BudgetThresholdReached(
        tenant_id=alert.tenant_id,
        scope=window.scope,
        scope_id=window.id,
        window=window.name,
        start=window.start,
        threshold_pct=alert.threshold_pct,
        spent_microusd=alert.spent_microusd,
        cap_microusd=alert.cap_microusd,
    )
