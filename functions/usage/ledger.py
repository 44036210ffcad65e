"""Lists the tenant's usage records, newest first: each is one billable act, and their sum is the bill."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from shared.proxy.budget.budget import Budget
from shared.types.http import Paged
from shared.types.model import AnswerLocation
from shared.types.money import usd
from shared.types.period import PagedPeriod, span
from shared.types.principal import Principal
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import Record, Unit, UsageRecord, in_units

_DEFAULT_PERIOD = timedelta(days=62)


class ListUsage(PagedPeriod, frozen=True, kw_only=True):
    """`request_id` is our own id or the client's label. Without `from` the last 62 days are read."""

    request_id: str | None = None


class UsageLineView(Struct, frozen=True):
    unit: Unit
    quantity: int | float
    cost_usd: float


class UsedPassage(Struct, frozen=True):
    """`entity_ids` are the entities over which the graph reached it."""

    passage_id: str
    score: float
    entity_ids: tuple[str, ...] = ()


class UsageRecordView(Struct, frozen=True, kw_only=True):
    """`adjusts` names the record whose cost this one lowers. `decision` holds the proxy's vetoes and their inputs."""

    usage_id: str
    at: datetime
    request_id: str | None
    label: str
    key_id: str | None
    document_id: str | None
    function: str
    location: AnswerLocation | None
    model: str
    reason: str
    lines: list[UsageLineView]
    cost_usd: float
    reserved_usd: float
    estimated: bool
    adjusts: str | None
    decision: dict[str, Any] | None
    passages: list[UsedPassage]


class UsageRecords(Paged, frozen=True, kw_only=True):
    items: list[UsageRecordView]


async def handle(
    request: ListUsage, ledger: UsageLedger, budget: Budget, journal: Journal, principal: Principal
) -> UsageRecords:
    since, until = span(request, _DEFAULT_PERIOD)
    await flush_outbox(budget.outbox, journal)

    def matches(record: Record) -> bool:
        if not isinstance(record, UsageRecord) or not since <= record.at < until:
            return False
        return request.request_id is None or request.request_id in (record.request_id, record.label)

    page, next_cursor = await ledger.page(
        [principal.tenant_id], request, matches, since, request.request_id, (UsageRecord,)
    )
    items = [_view(record) for record in page if isinstance(record, UsageRecord)]
    return UsageRecords(items=items, next_cursor=next_cursor)


def _view(record: UsageRecord) -> UsageRecordView:
    paths = dict(record.paths)
    fields = msgspec.structs.asdict(record) | {
        "lines": [
            UsageLineView(line.unit, in_units(line.unit, line.quantity), usd(line.cost_microusd))
            for line in record.lines
        ],
        "request_id": record.request_id or None,
        "key_id": record.key_id or None,
        "document_id": record.document_id or None,
        "cost_usd": usd(record.cost_microusd),
        "reserved_usd": usd(record.reserved_microusd),
        "adjusts": record.adjusts or None,
        "passages": [
            UsedPassage(passage_id, score / 1_000_000, paths.get(passage_id, ()))
            for passage_id, score in record.passages
        ],
    }
    return msgspec.convert(fields, UsageRecordView)
