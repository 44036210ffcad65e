"""Stores an event that no attempt could handle as a dead letter, and shows it at its document."""

from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from events.envelope import CloudEvent
from shared.catalogue.catalogue import Catalogue, StageView, ended_view
from shared.records.records import DocumentIsDeleted, PlatformRecords
from shared.records.structs import DeadLetter, Reason, StageRecord
from shared.table.table import Table
from shared.telemetry.metrics import count_dead_letter
from shared.types.clock import now
from shared.types.undelivered import UndeliveredEvent

_LONGEST_GAP = timedelta(minutes=60)
_REPLAYED_FOR = timedelta(hours=24)


async def handle(message: UndeliveredEvent, platform: PlatformRecords, catalogue: Catalogue, table: Table) -> None:
    event = message.event
    identifier = dead_letter_id(event, message.function)
    before = await platform.dead_letter(identifier, event.aegistenant)
    dead_letter = DeadLetter(
        dead_letter_id=identifier,
        tenant_id=event.aegistenant,
        document_id=event.subject,
        function=message.function,
        event=msgspec.to_builtins(event),
        status=message.status,
        detail=message.detail,
        attempts=message.attempts + (before.attempts if before else 0),
        failed_at=before.failed_at if before else now(),
        replays=before.replays if before else 0,
    )
    due = next_replay(dead_letter, now())
    await platform.write_dead_letter(msgspec.structs.replace(dead_letter, next_replay_at=due))
    count_dead_letter(message.function)
    if message.function not in table.stages():
        return
    generation = int(dead_letter.event["epoch"])
    if await platform.of(dead_letter.tenant_id).stage(dead_letter.document_id, generation, dead_letter.function):
        return  # the same event was delivered twice, and the other delivery has ended the stage
    if due is None:
        await _fail(dead_letter, platform, catalogue)
    else:
        await _wait(dead_letter, due, catalogue)


def dead_letter_id(event: CloudEvent, function: str) -> str:
    return "dlq_" + sha256(f"{event.id}\n{function}".encode()).hexdigest()[:24]


def next_replay(dead_letter: DeadLetter, at: datetime) -> datetime | None:
    """After 1, 2, 4 … 60 minutes for a day, where a store was away; never where the function itself failed."""
    if dead_letter.status != 503 or at - dead_letter.failed_at >= _REPLAYED_FOR:
        return None
    return at + min(timedelta(minutes=2 ** min(dead_letter.replays, 6)), _LONGEST_GAP)


async def _wait(dead_letter: DeadLetter, due: datetime, catalogue: Catalogue) -> None:
    """The document shows why it waits, and until when."""
    again = f"It is tried again at {due:%Y-%m-%dT%H:%M:%SZ}."
    view = StageView(
        dead_letter.function, "waiting", dead_letter.attempts, dead_letter.failed_at, reason=_reason(dead_letter, again)
    )
    await catalogue.show_stage(dead_letter.document_id, int(dead_letter.event["epoch"]), view)


async def _fail(dead_letter: DeadLetter, platform: PlatformRecords, catalogue: Catalogue) -> None:
    """The document has failed until its dead letter is replayed or it is retried."""
    generation = int(dead_letter.event["epoch"])
    records = platform.of(dead_letter.tenant_id)
    if await records.generation(dead_letter.document_id, generation) is None:
        return  # a signed event of a document that was never stored
    record = StageRecord(
        dead_letter.function,
        "",
        "failed",
        dead_letter.attempts,
        dead_letter.failed_at,
        now(),
        reason=_reason(dead_letter),
    )
    try:
        await records.write_stage(dead_letter.document_id, generation, record)
    except DocumentIsDeleted:
        return
    await catalogue.show_stage(dead_letter.document_id, generation, ended_view(record))
    await records.mark_closed(dead_letter.document_id, generation)


def _reason(dead_letter: DeadLetter, then: str = "") -> Reason:
    text = f"{dead_letter.function} failed {dead_letter.attempts} times: {dead_letter.detail}"
    return Reason("dead-letter", f"{text}. {then}" if then else text)
