"""Settles budget leases that ran out, books the records that wait in Redis and sends the alerts that are due."""

from datetime import timedelta

from msgspec import Struct

from events.budget import BudgetThresholdReached
from shared.bus.publisher import BoundPublisher
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import estimated
from shared.telemetry.metrics import show_models_off
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import AlertRecord

_LONGEST_LEASE = timedelta(days=1)


class BudgetUpkeep(Struct, frozen=True):
    budget: Budget
    book: UsageLedger
    journal: Journal
    publisher: BoundPublisher

    async def run(self) -> None:
        await flush_outbox(self.budget.outbox, self.journal)
        await self.budget.sweep()
        await settle_lapsed(self.budget, self.book)
        await flush_outbox(self.budget.outbox, self.journal)
        await self._send_alerts()
        show_models_off([record.model for record in await self.budget.switches.models()])

    async def _send_alerts(self) -> None:
        """Publishes each alert, then books it, then drops it from Redis: interrupted in between it is published again
        under the same id; once it is booked an emptied Redis does not bring it back."""
        for alert in await self.budget.alerts():
            await self.publisher.publish(threshold_reached(alert))
            await self.journal.append(alert)
            await self.budget.alerted([alert])


async def settle_lapsed(budget: Budget, book: UsageLedger) -> None:
    """Charges a call that was not settled within its lease: what the ledger states, else all that was reserved, at the
    time when it left."""
    lapsed = await budget.lapsed()
    if not lapsed:
        return
    left_at = {call.operation_id: call.at for call in (await book.balances()).open}
    for operation in lapsed:
        payer, since = operation.payer, operation.until - _LONGEST_LEASE
        booked = None
        if operation.operation_id not in left_at:
            booked = await book.find(payer.tenant_id, operation.operation_id, payer.request_id, since)
        at = left_at.get(operation.operation_id, operation.until)
        await budget.settle(booked or estimated(operation, at))


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
        reserved_microusd=alert.reserved_microusd,
        used_up=alert.used_up,
    )
