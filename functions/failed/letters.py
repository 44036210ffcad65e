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


class OneLetter(Struct, frozen=True):
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


def view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        dead_letter_id=letter.dead_letter_id,
        tenant_id=letter.tenant_id,
        document_id=letter.document_id,
        function=letter.function,
        event_type=letter.event["type"],
        status=letter.status,
        detail=letter.detail,
        attempts=letter.attempts,
        failed_at=letter.failed_at,
        replays=letter.replays,
        next_replay_at=letter.next_replay_at,
    )


def reach(principal: Principal) -> str | None:
    """The tenant whose letters the caller may see; None stands for all, for an operator."""
    return None if principal.is_operator else principal.tenant_id


async def find(dead_letter_id: str, platform: PlatformRecords, principal: Principal) -> DeadLetter:
    known = _DEAD_LETTER_ID.fullmatch(dead_letter_id)
    letter = await platform.dead_letter(dead_letter_id, reach(principal)) if known else None
    if letter is None:
        raise NotFound("There is no such dead letter.")
    return letter


def without_text(letter: DeadLetter, principal: Principal) -> dict[str, Any]:
    """The event; for an operator without its data, which names the tenant's files."""
    return {k: v for k, v in letter.event.items() if k != "data" or not principal.is_operator}
