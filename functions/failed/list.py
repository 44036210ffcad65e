"""Lists dead letters, newest first: an admin's own tenant's, an operator's of all."""

from functions.failed.letters import DeadLetterView, reach, view
from shared.records.records import PlatformRecords
from shared.types.http import Paged
from shared.types.paging import PageRequest, cut
from shared.types.principal import Principal


class ListLetters(PageRequest, frozen=True):
    pass


class Letters(Paged, frozen=True, kw_only=True):
    items: list[DeadLetterView]


async def handle(request: ListLetters, platform: PlatformRecords, principal: Principal) -> Letters:
    letters = await platform.dead_letters(reach(principal))
    page, cursor = cut(letters, request, lambda letter: (letter.failed_at, letter.dead_letter_id))
    return Letters(items=[view(letter) for letter in page], next_cursor=cursor)
