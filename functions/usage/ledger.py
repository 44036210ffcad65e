"""Lists the tenant's usage records, newest first: each is one billable act, and their sum is the bill."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from shared.proxy.budget.budget import Budget
from shared.types.http import Paged
from shared.types.model import Location
from shared.types.money import usd
from shared.types.paging import read_cursor, write_cursor
from shared.types.period import PagedPeriod, span
from shared.types.principal import Principal
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger, position
from shared.usage.outbox import flush_outbox
from shared.usage.records import PER_UNIT, Record, Unit, UsageLine, UsageRecord

_LOOKED_BACK = timedelta(days=62)


class ListUsage(PagedPeriod, frozen=True, kw_only=True):
    """`request_id` is our own id or the client's label. Without `from` the last 62 days are looked through."""

    request_id: str | None = None


class ShownLine(Struct, frozen=True):
    unit: Unit
    quantity: int | float
    cost_usd: float


class UsedPassage(Struct, frozen=True):
    passage_id: str
    score: float


class ShownUsage(Struct, frozen=True, kw_only=True):
    """`adjusts` names the record whose cost this one lowers. `decision` holds the proxy's vetoes and their inputs."""

    usage_id: str
    at: datetime
    request_id: str
    label: str
    key_id: str
    document_id: str
    function: str
    location: Location | None
    model: str
    reason: str
    lines: list[ShownLine]
    cost_usd: float
    reserved_usd: float
    estimated: bool
    adjusts: str | None
    decision: dict[str, Any] | None
    passages: list[UsedPassage]


class UsageRecords(Paged, frozen=True, kw_only=True):
    items: list[ShownUsage]


async def handle(
    request: ListUsage, ledger: UsageLedger, budget: Budget, journal: Journal, principal: Principal
) -> UsageRecords:
    since, until = span(request, _LOOKED_BACK)
    after = read_cursor(request.cursor) if request.cursor else None
    await flush_outbox(budget.outbox, journal)

    def matches(record: Record) -> bool:
        if not isinstance(record, UsageRecord) or not since <= record.at < until:
            return False
        return request.request_id is None or request.request_id in (record.request_id, record.label)

    found = await ledger.newest([principal.tenant_id], request.limit + 1, after, matches, since)
    page = found[: request.limit]
    cursor = write_cursor(*position(page[-1])) if len(found) > len(page) else None
    return UsageRecords(
        items=[_shown(record) for record in page if isinstance(record, UsageRecord)], next_cursor=cursor
    )


def _shown(record: UsageRecord) -> ShownUsage:
    return ShownUsage(
        usage_id=record.usage_id,
        at=record.at,
        request_id=record.request_id,
        label=record.label,
        key_id=record.key_id,
        document_id=record.document_id,
        function=record.function,
        location=record.location,
        model=record.model,
        reason=record.reason,
        lines=[_line(line) for line in record.lines],
        cost_usd=usd(record.cost_microusd),
        reserved_usd=usd(record.reserved_microusd),
        estimated=record.estimated,
        adjusts=record.adjusts or None,
        decision=record.decision,
        passages=[UsedPassage(passage_id, score / 1_000_000) for passage_id, score in record.passages],
    )


def _line(line: UsageLine) -> ShownLine:
    per_unit = PER_UNIT.get(line.unit, 1)
    quantity = line.quantity if per_unit == 1 else round(line.quantity / per_unit, 6)
    return ShownLine(line.unit, quantity, usd(line.cost_microusd))
