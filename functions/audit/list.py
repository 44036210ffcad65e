"""Lists the calls that left for the cloud and the thresholds that were reached, newest first.

An admin sees its own tenant's, an operator those of all. Ids, classes and amounts, no text."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.types.document import Classification
from shared.types.http import Paged
from shared.types.money import usd
from shared.types.period import PagedPeriod, span
from shared.types.principal import Principal
from shared.usage.ledger import UsageLedger
from shared.usage.records import AlertRecord, OutboundRecord, Record, ScopeName, WindowName

_DEFAULT_PERIOD = timedelta(days=62)


class ListAudit(PagedPeriod, frozen=True, kw_only=True):
    """With a classification or a request only calls are listed. Without `from` the last 62 days are read."""

    kind: Literal["outbound", "threshold"] | None = None
    classification: Classification | None = None
    request_id: str | None = None


class OutboundCall(Struct, frozen=True, kw_only=True, tag_field="kind", tag="outbound"):
    """Written before the call left. `server` is the one that it went to, `prompt_hash` the SHA-256 of what was sent."""

    operation_id: str
    at: datetime
    tenant_id: str
    key_id: str | None
    request_id: str
    label: str
    function: str
    document_id: str | None
    model: str
    server: str
    classification: Classification
    reserved_usd: float
    prompt_hash: str


class ThresholdReached(Struct, frozen=True, kw_only=True, tag_field="kind", tag="threshold"):
    at: datetime
    tenant_id: str | None
    scope: ScopeName
    id: str | None
    window: WindowName
    start: str
    threshold_pct: int
    spent_usd: float
    reserved_usd: float
    cap_usd: float
    used_up: bool


class Audit(Paged, frozen=True, kw_only=True):
    items: list[OutboundCall | ThresholdReached]


async def handle(request: ListAudit, ledger: UsageLedger, principal: Principal) -> Audit:
    since, until = span(request, _DEFAULT_PERIOD)
    tenants = await ledger.tenants() if principal.is_operator else [principal.tenant_id]

    def matches(record: Record) -> bool:
        if not since <= record.at < until:
            return False
        if isinstance(record, OutboundRecord):
            if request.kind == "threshold":
                return False
            is_request = request.request_id in (None, record.request_id, record.label)
            return is_request and request.classification in (None, record.classification)
        is_listed = request.kind != "outbound" and request.classification is None and request.request_id is None
        return isinstance(record, AlertRecord) and is_listed

    page, next_cursor = await ledger.page(
        tenants, request, matches, since, request.request_id, (OutboundRecord, AlertRecord)
    )
    return Audit(items=[_view(record) for record in page], next_cursor=next_cursor)


def _view(record: Record) -> OutboundCall | ThresholdReached:
    if isinstance(record, OutboundRecord):
        found = msgspec.convert(record, OutboundCall, from_attributes=True)
        return replace(found, key_id=record.key_id or None, document_id=record.document_id or None)
    assert isinstance(record, AlertRecord)
    return ThresholdReached(
        at=record.at,
        tenant_id=record.tenant_id or None,
        scope=record.window.scope,
        id=record.window.id or None,
        window=record.window.name,
        start=record.window.start,
        threshold_pct=record.threshold_pct,
        spent_usd=usd(record.spent_microusd),
        reserved_usd=usd(record.reserved_microusd),
        cap_usd=usd(record.cap_microusd),
        used_up=record.used_up,
    )
