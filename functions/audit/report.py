"""Reports on a period: the calls that left for the cloud, by class, model and cost; logins, accesses, changes and
erasures; and whether the ledger's chain of seals holds."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from msgspec import Struct, field

from shared.types.document import Classification
from shared.types.money import usd
from shared.types.period import Period, span
from shared.types.principal import Principal
from shared.usage.ledger import UsageLedger
from shared.usage.records import ActionKind, ActionRecord, AlertRecord, OutboundRecord, Record, UsageRecord


class GetReport(Period, frozen=True, kw_only=True):
    """An admin's report is of its own tenant, an operator's of all."""


class AuditedCalls(Struct, frozen=True):
    """Calls that left, or were to leave."""

    total: int
    by_classification: dict[Classification, int]
    by_model: dict[str, int]
    by_tenant: dict[str, int]


class AuditedChain(Struct, frozen=True):
    """The newest seal of the usage ledger: `aegis audit verify` holds everything against it."""

    seals: int
    head: str


class AuditedLogins(Struct, frozen=True):
    """`refused` are those of known users with a wrong password; the operator's report has unknown names, too."""

    succeeded: int
    refused: int


class AuditReport(Struct, frozen=True, kw_only=True):
    """`settled` are calls whose cost is known, `estimated` those among them whose token counts never came, `open` those
    without a usage record in the period. Accesses, changes and erasures are counted by operation."""

    since: datetime = field(name="from")
    until: datetime = field(name="to")
    calls: AuditedCalls
    settled: int
    estimated: int
    open: int
    reserved_usd: float
    settled_usd: float
    thresholds_reached: int
    logins: AuditedLogins
    accesses: dict[str, int]
    changes: dict[str, int]
    erasures: dict[str, int]
    chain: AuditedChain


async def handle(request: GetReport, ledger: UsageLedger, principal: Principal) -> AuditReport:
    since, until = span(request)
    tenants = await ledger.tenants() if principal.is_operator else [principal.tenant_id]
    counts = _Counts()
    for tenant_id in tenants:
        async for records in ledger.stream(tenant_id, since, until):
            await asyncio.to_thread(counts.add, records)
    number, head = await ledger.head()
    return AuditReport(
        since=since,
        until=until,
        calls=AuditedCalls(
            sum(counts.classes.values()),
            counts.classes,
            dict(sorted(counts.models.items())),
            dict(sorted(counts.tenants.items())),
        ),
        settled=counts.settled,
        estimated=counts.estimated,
        open=len(counts.open),
        reserved_usd=usd(counts.reserved),
        settled_usd=usd(counts.cost),
        thresholds_reached=counts.alerts,
        logins=AuditedLogins(counts.actions["login"]["done"], counts.actions["login"]["refused"]),
        accesses=dict(sorted(counts.actions["access"].items())),
        changes=dict(sorted(counts.actions["change"].items())),
        erasures=dict(sorted(counts.actions["erasure"].items())),
        chain=AuditedChain(number, head),
    )


class _Counts:
    """The sums of the report so far; amounts in micro-dollars. `open` and `early` are calls that lack their other
    record."""

    def __init__(self) -> None:
        self.classes: dict[Classification, int] = {"public": 0, "internal": 0, "confidential": 0}
        self.models, self.tenants = Counter[str](), Counter[str]()
        self.settled = self.estimated = self.reserved = self.cost = self.alerts = 0
        self.actions = {kind: Counter[str]() for kind in get_args(ActionKind)}
        self.open: set[str] = set()
        self._early: set[str] = set()

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            if isinstance(record, OutboundRecord):
                self._add_call(record)
            elif isinstance(record, ActionRecord):
                what = record.action if record.kind != "login" else "done" if record.done else "refused"
                self.actions[record.kind][what] += 1
            elif isinstance(record, AlertRecord):
                self.alerts += 1
            elif isinstance(record, UsageRecord) and record.location == "cloud":
                self._add_usage(record)

    def _add_call(self, call: OutboundRecord) -> None:
        self.classes[call.classification] += 1
        self.models[call.model] += 1
        self.tenants[call.tenant_id] += 1
        self.reserved += call.reserved_microusd
        _pair(call.operation_id, self._early, self.open)

    def _add_usage(self, usage: UsageRecord) -> None:
        self.estimated += usage.estimated
        self.cost += usage.cost_microusd
        if not usage.adjusts:
            self.settled += 1
            _pair(usage.usage_id, self.open, self._early)


def _pair(operation_id: str, others: set[str], own: set[str]) -> None:
    """Takes the other record of the call off its set, or waits for it."""
    if operation_id in others:
        others.discard(operation_id)
    else:
        own.add(operation_id)
