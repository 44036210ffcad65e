"""Reports the calls that left for the cloud in a period: how many of which class, to which models, at what cost."""

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from shared.types.document import Classification
from shared.types.money import usd
from shared.types.period import Period, span
from shared.types.principal import Principal
from shared.usage.ledger import UsageLedger
from shared.usage.records import AlertRecord, OutboundRecord, UsageRecord


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


class AuditReport(Struct, frozen=True, kw_only=True):
    """`settled` are calls whose cost is known, `estimated` those among them whose token counts never came, `open` those
    without a usage record in the period."""

    since: datetime = field(name="from")
    until: datetime = field(name="to")
    calls: AuditedCalls
    settled: int
    estimated: int
    open: int
    reserved_usd: float
    settled_usd: float
    thresholds_reached: int
    chain: AuditedChain


async def handle(request: GetReport, ledger: UsageLedger, principal: Principal) -> AuditReport:
    since, until = span(request)
    tenants = await ledger.tenants() if principal.is_operator else [principal.tenant_id]
    records = [record for tenant_id in tenants for record in await ledger.records(tenant_id, since, until)]
    calls = [record for record in records if isinstance(record, OutboundRecord)]
    usage = [record for record in records if isinstance(record, UsageRecord) and record.location == "cloud"]
    settled = {record.usage_id for record in usage if not record.adjusts}
    number, head = await ledger.head()
    return AuditReport(
        since=since,
        until=until,
        calls=_count(calls),
        settled=len(settled),
        estimated=sum(record.estimated for record in usage),
        open=sum(call.operation_id not in settled for call in calls),
        reserved_usd=usd(sum(call.reserved_microusd for call in calls)),
        settled_usd=usd(sum(record.cost_microusd for record in usage)),
        thresholds_reached=sum(isinstance(record, AlertRecord) for record in records),
        chain=AuditedChain(number, head),
    )


def _count(calls: list[OutboundRecord]) -> AuditedCalls:
    classes: dict[Classification, int] = {"public": 0, "internal": 0, "confidential": 0}
    for call in calls:
        classes[call.classification] += 1
    models, tenants = Counter(call.model for call in calls), Counter(call.tenant_id for call in calls)
    return AuditedCalls(len(calls), classes, dict(sorted(models.items())), dict(sorted(tenants.items())))
