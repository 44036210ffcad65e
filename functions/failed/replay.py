"""Sends a dead letter to its function again."""

from typing import ClassVar, Literal

from msgspec import Struct

from functions.failed.dead_letters import DeadLetterRequest, find
from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogues
from shared.catalogue.reopening import event_of, reopen
from shared.records.records import PlatformRecords
from shared.types.errors import NotFound
from shared.types.principal import Principal


class Replaying(Struct, frozen=True):
    http_status: ClassVar[int] = 202

    dead_letter_id: str
    document_id: str
    status: Literal["replaying"]


ERRORS = (NotFound,)


async def handle(
    request: DeadLetterRequest,
    platform: PlatformRecords,
    catalogues: Catalogues,
    publisher: BoundPublisher,
    principal: Principal,
) -> Replaying:
    dead_letter = await find(request.dead_letter_id, platform, principal)
    # Dropped first: should it fail again at once, its new dead letter must stay. The open document is the safety net.
    await reopen(dead_letter, platform, catalogues)
    await platform.erase_dead_letter(dead_letter)
    await publisher.send_to(dead_letter.function, event_of(dead_letter))
    return Replaying(dead_letter.dead_letter_id, dead_letter.document_id, "replaying")
