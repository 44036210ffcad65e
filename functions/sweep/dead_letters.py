"""Dead letters that ended because a store was away are sent again by themselves."""

from datetime import timedelta

import msgspec

from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogues
from shared.catalogue.reopening import event_of, reopen
from shared.records.records import PlatformRecords
from shared.records.structs import DeadLetter
from shared.telemetry.logs import log
from shared.types.clock import now

_LOST_AFTER = timedelta(hours=1)
"""When a replay from which nothing was heard is tried once more."""


async def replay_due(
    platform: PlatformRecords, catalogues: Catalogues, publisher: BoundPublisher
) -> set[tuple[str, str]]:
    """Sends what is due and drops what is settled; returns the documents (tenant, id) that still wait for theirs."""
    waiting: set[tuple[str, str]] = set()
    for letter in await platform.dead_letters():
        about = {"function": "sweep", "tenant": letter.tenant_id, "dead_letter": letter.dead_letter_id}
        try:
            if await _is_settled(letter, platform):
                await platform.erase_dead_letter(letter)
            elif letter.next_replay_at:
                waiting.add((letter.tenant_id, letter.document_id))
                if letter.next_replay_at <= now():
                    await _replay(letter, platform, catalogues, publisher)
        except Exception:  # noqa: BLE001 - whatever is wrong with one letter must not keep the others waiting
            log().exception("cannot look after a dead letter", extra=about)
    return waiting


async def _is_settled(letter: DeadLetter, platform: PlatformRecords) -> bool:
    """Its document is deleted, or the stage has succeeded since."""
    records = platform.of(letter.tenant_id)
    generation = int(letter.event.get("epoch") or 0)
    if not letter.document_id or await records.is_deleted(letter.document_id, generation):
        return True
    stage = await records.stage(letter.document_id, generation, letter.function)
    return stage is not None and stage.outcome != "failed"


async def _replay(
    letter: DeadLetter, platform: PlatformRecords, catalogues: Catalogues, publisher: BoundPublisher
) -> None:
    sent = msgspec.structs.replace(letter, replays=letter.replays + 1, next_replay_at=now() + _LOST_AFTER)
    await platform.write_dead_letter(sent)
    await reopen(letter, platform, catalogues)
    await publisher.send_to(letter.function, event_of(letter))
