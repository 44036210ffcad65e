"""Shows a dead letter with its event."""

from typing import Any

from functions.failed.letters import OneLetter, ShownLetter, find, shown, without_text
from shared.records.records import PlatformRecords
from shared.types.errors import NotFound
from shared.types.principal import Principal


class WholeLetter(ShownLetter, frozen=True, kw_only=True):
    event: dict[str, Any]


ERRORS = (NotFound,)


async def handle(request: OneLetter, platform: PlatformRecords, principal: Principal) -> WholeLetter:
    letter = await find(request.dead_letter_id, platform, principal)
    brief = shown(letter)
    fields = {name: getattr(brief, name) for name in ShownLetter.__struct_fields__}
    return WholeLetter(**fields, event=without_text(letter, principal))
