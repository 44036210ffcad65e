"""Lists dead letters, newest first: an admin's own tenant's, an operator's of all."""

from functions.failed.dead_letters import DeadLetterView, reach, view
from shared.records.records import PlatformRecords
from shared.types.http import Paged
from shared.types.paging import PageRequest, cut
from shared.types.principal import Principal


class ListDeadLetters(PageRequest, frozen=True):
    pass


class DeadLetterPage(Paged, frozen=True, kw_only=True):
    items: list[DeadLetterView]


async def handle(request: ListDeadLetters, platform: PlatformRecords, principal: Principal) -> DeadLetterPage:
    dead_letters = await platform.dead_letters(reach(principal))
    page, cursor = cut(dead_letters, request, lambda dead_letter: (dead_letter.failed_at, dead_letter.dead_letter_id))
    return DeadLetterPage(items=[view(dead_letter) for dead_letter in page], next_cursor=cursor)
