"""Lists what left for the cloud and which thresholds were reached, newest first: an admin's own tenant's, an operator's
of all. Ids, classes and amounts, no text."""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from shared.types.document import Classification
from shared.types.http import Paged
from shared.types.money import usd
from shared.types.paging import read_cursor, write_cursor
from shared.types.period import PagedPeriod, span
from shared.types.principal import Principal
from shared.usage.ledger import UsageLedger, position
from shared.usage.records import AlertRecord, OutboundRecord, Record

_LOOKED_BACK = timedelta(days=62)


class ListAudit(PagedPeriod, frozen=True, kw_only=True):
    """With a class or a request only calls are listed. Without `from` the last 62 days are looked through."""

    classification: Classification | None = None
    request_id: str | None = None


class OutboundCall(Struct, frozen=True, kw_only=True, tag_field="kind", tag="outbound"):
    """Written before the call left. `prompt_hash` is the SHA-256 of what was sent."""

    operation_id: str
    at: datetime
    tenant_id: str
    key_id: str
    request_id: str
    label: str
    function: str
    document_id: str
    model: str
    classification: Classification
    reserved_usd: float
    prompt_hash: str


class ThresholdReached(Struct, frozen=True, kw_only=True, tag_field="kind", tag="threshold"):
    at: datetime
    tenant_id: str
    scope: Literal["tenant", "key", "platform", "document"]
    id: str
    window: Literal["day", "month", "life"]
    start: str
    threshold_pct: int
    spent_usd: float
    cap_usd: float


class Audit(Paged, frozen=True, kw_only=True):
    items: list[OutboundCall | ThresholdReached]


async def handle(request: ListAudit, ledger: UsageLedger, principal: Principal) -> Audit:
    since, until = span(request, _LOOKED_BACK)
    tenants = await ledger.tenants() if principal.is_operator else [principal.tenant_id]
    after = read_cursor(request.cursor) if request.cursor else None

    def matches(record: Record) -> bool:
        return since <= record.at < until and _matches(record, request)

    found = await ledger.newest(tenants, request.limit + 1, after, matches, since)
    page = found[: request.limit]
    cursor = write_cursor(*position(page[-1])) if len(found) > len(page) else None
    return Audit(items=[_shown(record) for record in page], next_cursor=cursor)


def _matches(record: Record, request: ListAudit) -> bool:
    if isinstance(record, OutboundRecord):
        asked = request.request_id in (None, record.request_id, record.label)
        return asked and request.classification in (None, record.classification)
    return isinstance(record, AlertRecord) and request.classification is None and request.request_id is None


def _shown(record: Record) -> OutboundCall | ThresholdReached:
    if isinstance(record, OutboundRecord):
        return OutboundCall(
            operation_id=record.operation_id,
            at=record.at,
            tenant_id=record.tenant_id,
            key_id=record.key_id,
            request_id=record.request_id,
            label=record.label,
            function=record.function,
            document_id=record.document_id,
            model=record.model,
            classification=record.classification,
            reserved_usd=usd(record.reserved_microusd),
            prompt_hash=record.prompt_hash,
        )
    assert isinstance(record, AlertRecord)
    window = record.window
    return ThresholdReached(
        at=record.at,
        tenant_id=record.tenant_id,
        scope=window.scope,
        id=window.id,
        window=window.name,
        start=window.start,
        threshold_pct=record.threshold_pct,
        spent_usd=usd(record.spent_microusd),
        cap_usd=usd(record.cap_microusd),
    )
