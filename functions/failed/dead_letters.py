"""The view of dead letters for admins and operators."""

import re
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.records.records import PlatformRecords
from shared.records.structs import DeadLetter
from shared.types.errors import NotFound
from shared.types.principal import Principal

_DEAD_LETTER_ID = re.compile(r"dlq_[0-9a-z]{1,64}")


class DeadLetterRequest(Struct, frozen=True):
    dead_letter_id: str


class DeadLetterView(Struct, frozen=True):
    """`next_replay_at` is null where it is not replayed by itself."""

    dead_letter_id: str
    tenant_id: str
    document_id: str
    function: str
    event_type: str
    status: int
    detail: str
    attempts: int
    failed_at: datetime
    replays: int
    next_replay_at: datetime | None


def view(dead_letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        dead_letter_id=dead_letter.dead_letter_id,
        tenant_id=dead_letter.tenant_id,
        document_id=dead_letter.document_id,
        function=dead_letter.function,
        event_type=dead_letter.event["type"],
        status=dead_letter.status,
        detail=dead_letter.detail,
        attempts=dead_letter.attempts,
        failed_at=dead_letter.failed_at,
        replays=dead_letter.replays,
        next_replay_at=dead_letter.next_replay_at,
    )


def reach(principal: Principal) -> str | None:
    """The tenant whose dead letters the caller may see; None stands for all, for an operator."""
    return None if principal.is_operator else principal.tenant_id


async def find(dead_letter_id: str, platform: PlatformRecords, principal: Principal) -> DeadLetter:
    known = _DEAD_LETTER_ID.fullmatch(dead_letter_id)
    dead_letter = await platform.dead_letter(dead_letter_id, reach(principal)) if known else None
    if dead_letter is None:
        raise NotFound("There is no such dead letter.")
    return dead_letter


def without_text(dead_letter: DeadLetter, principal: Principal) -> dict[str, Any]:
    """The event; for an operator without its data, which names the tenant's files."""
    return {k: v for k, v in dead_letter.event.items() if k != "data" or not principal.is_operator}
