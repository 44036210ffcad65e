"""Lists what left for the cloud, thresholds that were reached, logins, accesses, changes and erasures, newest first.

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
from shared.usage.records import ActionKind, ActionRecord, AlertRecord, OutboundRecord, Record, ScopeName, WindowName

_DEFAULT_PERIOD = timedelta(days=62)
_KINDS = (OutboundRecord, AlertRecord, ActionRecord)


class ListAudit(PagedPeriod, frozen=True, kw_only=True):
    """With a classification or a request only calls are listed. Without `from` the last 62 days are read."""

    kind: Literal["outbound", "threshold", "login", "access", "change", "erasure"] | None = None
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


class _Action(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """`action` is the operation, `targets` the ids of what it was done to, `fields` the names of what was changed.
    `actor_id` is the user's or the key's."""

    at: datetime
    tenant_id: str | None
    actor_id: str | None
    request_id: str
    label: str
    address: str
    action: str
    targets: dict[str, str]
    fields: tuple[str, ...]


class LoginAttempted(_Action, frozen=True, kw_only=True, tag="login"):
    """`done` is false for one that was refused; of an unknown name neither tenant nor user is known."""

    done: bool


class Accessed(_Action, frozen=True, kw_only=True, tag="access"):
    pass


class Changed(_Action, frozen=True, kw_only=True, tag="change"):
    pass


class Erased(_Action, frozen=True, kw_only=True, tag="erasure"):
    pass


AuditItem = OutboundCall | ThresholdReached | LoginAttempted | Accessed | Changed | Erased
_ACTIONS: dict[ActionKind, type[LoginAttempted | Accessed | Changed | Erased]] = {
    "login": LoginAttempted,
    "access": Accessed,
    "change": Changed,
    "erasure": Erased,
}


class Audit(Paged, frozen=True, kw_only=True):
    items: list[AuditItem]


async def handle(request: ListAudit, ledger: UsageLedger, principal: Principal) -> Audit:
    since, until = span(request, _DEFAULT_PERIOD)
    tenants = await ledger.tenants() if principal.is_operator else [principal.tenant_id]

    def matches(record: Record) -> bool:
        if not since <= record.at < until:
            return False
        if isinstance(record, AlertRecord):
            is_of_request, kind = request.request_id is None, "threshold"
        elif isinstance(record, OutboundRecord | ActionRecord):
            is_of_request = request.request_id in (None, record.request_id, record.label)
            kind = "outbound" if isinstance(record, OutboundRecord) else record.kind
        else:
            return False
        classification = record.classification if isinstance(record, OutboundRecord) else None
        is_of_class = request.classification is None or classification == request.classification
        return is_of_request and is_of_class and request.kind in (None, kind)

    page, next_cursor = await ledger.page(tenants, request, matches, since, request.request_id, _KINDS)
    return Audit(items=[_view(record) for record in page], next_cursor=next_cursor)


def _view(record: Record) -> AuditItem:
    if isinstance(record, ActionRecord):
        listed = msgspec.structs.asdict(record) | {
            "tenant_id": record.tenant_id or None,
            "actor_id": record.actor_id or None,
        }
        kind = _ACTIONS[record.kind]
        return kind(**{name: listed[name] for name in kind.__struct_fields__})
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
