"""Lists the tenant's usage records, newest first: each is one billable act, and their sum is the bill."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from shared.proxy.budget.budget import Budget
from shared.records.records import TenantRecords
from shared.types.http import Paged
from shared.types.model import AnswerLocation, Rating
from shared.types.money import usd
from shared.types.period import PagedPeriod, span
from shared.types.principal import Principal
from shared.usage.concurrency import map_concurrently
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import FeedbackRecord, Record, Unit, UsageRecord, in_units

_DEFAULT_PERIOD = timedelta(days=62)
_MOST_RATINGS = 100


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


class FeedbackView(Struct, frozen=True, kw_only=True):
    """The newest rating of a caller. `key_id` is a user's id where a user was logged in."""

    request_id: str
    at: datetime
    key_id: str
    rating: Rating
    comment: str | None


class UsageRecords(Paged, frozen=True, kw_only=True):
    """`feedback` is there where the records of one request are listed: up to 100 ratings, newest first."""

    items: list[UsageRecordView]
    feedback: list[FeedbackView] | UnsetType = UNSET


async def handle(
    request: ListUsage,
    ledger: UsageLedger,
    budget: Budget,
    journal: Journal,
    records: TenantRecords,
    principal: Principal,
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
    feedback = await _feedback(request.request_id, since, ledger, records) if request.request_id else UNSET
    return UsageRecords(items=items, next_cursor=next_cursor, feedback=feedback)


async def _feedback(
    request_id: str, since: datetime, ledger: UsageLedger, records: TenantRecords
) -> list[FeedbackView]:
    def matches(record: Record) -> bool:
        return isinstance(record, FeedbackRecord) and request_id in (record.request_id, record.label)

    found = await ledger.newest([records.tenant_id], _MOST_RATINGS, None, matches, since, request_id, (FeedbackRecord,))
    newest: dict[tuple[str, str], FeedbackRecord] = {}
    for one in found:
        if isinstance(one, FeedbackRecord):
            newest.setdefault((one.request_id, one.key_id), one)

    async def view(one: FeedbackRecord) -> FeedbackView:
        text = await records.feedback(one.request_id, one.key_id)
        return FeedbackView(
            request_id=one.request_id,
            at=one.at,
            key_id=one.key_id,
            rating=text.rating if text else one.rating,
            comment=text.comment if text else None,
        )

    return await map_concurrently(view, list(newest.values()))


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
