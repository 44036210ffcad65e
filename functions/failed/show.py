"""Shows a dead letter with its event."""

from typing import Any

from functions.failed.dead_letters import DeadLetterRequest, DeadLetterView, find, view, without_text
from shared.records.records import PlatformRecords
from shared.types.errors import NotFound
from shared.types.principal import Principal


class DeadLetterDetail(DeadLetterView, frozen=True, kw_only=True):
    event: dict[str, Any]


ERRORS = (NotFound,)


async def handle(request: DeadLetterRequest, platform: PlatformRecords, principal: Principal) -> DeadLetterDetail:
    dead_letter = await find(request.dead_letter_id, platform, principal)
    brief = view(dead_letter)
    fields = {name: getattr(brief, name) for name in DeadLetterView.__struct_fields__}
    return DeadLetterDetail(**fields, event=without_text(dead_letter, principal))
