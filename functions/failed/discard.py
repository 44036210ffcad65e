"""Discards a dead letter; its document stays as it is."""

from functions.failed.dead_letters import DeadLetterRequest, find
from shared.records.records import PlatformRecords
from shared.types.errors import NotFound
from shared.types.principal import Principal

ERRORS = (NotFound,)


async def handle(request: DeadLetterRequest, platform: PlatformRecords, principal: Principal) -> None:
    await platform.erase_dead_letter(await find(request.dead_letter_id, platform, principal))
