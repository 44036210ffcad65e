"""Records what callers did, where the table says so."""

from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from shared.runtime.http.exchange import Exchange
from shared.table.table import Operation
from shared.types.clock import now
from shared.types.http import SpooledBody
from shared.types.principal import Principal
from shared.usage.records import ActionRecord

_IDS = ("document_id", "key_id", "user_id", "tenant_id", "conversation_id", "dead_letter_id", "kid")


def action_record(
    operation: Operation, message: Struct, answer: Any, exchange: Exchange, principal: Principal
) -> ActionRecord:
    """The record of a call that succeeded: ids and names of fields, never a value."""
    assert operation.audit
    targets = {name: str(getattr(message, name)) for name in operation.path_parameters}
    for name in _IDS:
        if isinstance(found := getattr(answer, name, None), str):
            targets[name if targets.get(name, found) == found else f"new_{name}"] = found
    return ActionRecord(
        action_id=exchange.request_id,
        kind=operation.audit,
        action=operation.on,
        at=now(),
        # What an operator does to a tenant is in that tenant's list.
        tenant_id=principal.tenant_id or targets.get("tenant_id", ""),
        actor_id=principal.user_id or principal.key_id,
        request_id=exchange.request_id,
        label=exchange.label,
        address=exchange.address,
        targets=targets,
        fields=_changed(operation, message) if operation.audit == "change" else (),
    )


def _changed(operation: Operation, message: Struct) -> tuple[str, ...]:
    """The names of the fields that the caller gave; a body that is not decoded has none."""
    if isinstance(message, SpooledBody):
        return ()
    return tuple(
        one.encode_name
        for one in fields(message)
        if one.name not in operation.path_parameters
        and (one.required or getattr(message, one.name) != one.default)
        and one.name != "body"
    )
