"""Nothing is ever silently stuck: what stands still is found by the clock and set going again."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from events.document import DocumentChunked
from shared.blobs.port import BlobMissing
from shared.bus.retries import ATTEMPTS
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.redis.leases import stage_lease
from shared.runtime.events.delivery import DeliveryResult
from shared.stages.stages import StageWork
from shared.types import clock
from shared.types.errors import Rejected, StoreUnavailable
from tests.pipeline.suite import TENANT, Suite

_CLOCKS = (
    "functions.sweep.documents.now",
    "functions.sweep.dead_letters.now",
    "functions.failed.receive.now",
)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts the clocks of the sweep and of the dead letters forward."""

    class Clock:
        ahead = timedelta()

        def __call__(self, **by: float) -> None:
            self.ahead += timedelta(**by)

        def now(self) -> datetime:
            return clock.now() + self.ahead

    put = Clock()
    for name in _CLOCKS:
        monkeypatch.setattr(name, put.now)
    return put


async def lost(suite: Suite, text: str = "a text") -> DocumentRecord:
    """A document that stands in the ledger while no event about it is on its way."""
    return await suite.store(text)


async def away(_: StageWork) -> None:
    raise StoreUnavailable("vectors", "the index is away")


async def broken(_: StageWork) -> None:
    raise RuntimeError("a fault of ours")


async def raise_at_once(*_: object) -> None:
    raise RuntimeError("a fault of ours")


async def exhaust(suite: Suite, stage: str) -> None:
    """Lets every attempt at a stage fail."""
    for _ in range(ATTEMPTS):
        await suite.step(stage)
    assert await suite.step(stage) is None


async def test_a_document_with_nothing_on_its_way_is_said_again(suite: Suite) -> None:
    record = await lost(suite)
    assert (await suite.tick()).status == 204
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"


async def test_money_that_cannot_be_looked_after_keeps_no_document_waiting(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await lost(suite)
    for name in ("functions.sweep.handler.BudgetUpkeep.run", "functions.sweep.handler.StorageMetering.run"):
        monkeypatch.setattr(name, raise_at_once)
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"


async def test_a_tick_seals_what_was_used(suite: Suite) -> None:
    await suite.upload("a text")
    await suite.run_dry()
    await suite.tick()
    number, _ = await suite.services.usage_ledger.head()
    assert number == 1


async def test_one_that_was_stored_while_the_bus_was_away_becomes_ready(suite: Suite) -> None:
    record = await lost(suite)
    await suite.redis.call("FLUSHALL")
    await suite.open()
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"


async def test_a_document_with_a_young_event_is_left_alone(suite: Suite) -> None:
    await suite.upload("a text")
    await suite.tick()
    assert await suite.queued() == {"parse": 1}


async def test_a_document_that_a_stage_is_at_work_on_is_left_alone(suite: Suite) -> None:
    record = await lost(suite)
    async with suite.leases.hold(stage_lease(TENANT, record.document_id, 1, "embed")):
        await suite.tick()
        assert await suite.queued() == {}
    await suite.tick()
    assert await suite.queued() == {"parse": 1}


async def test_only_what_is_awaited_is_said_again(suite: Suite) -> None:
    record = await suite.upload("a text")
    for stage in ("parse", "chunk"):
        await suite.step(stage)
    for key in [key async for key in suite.redis.scan("queue:*")]:
        await suite.redis.call("DEL", key)
    await suite.open()
    await suite.forget_recent()
    await suite.tick()
    assert await suite.queued() == {"chunk": 1, "embed": 1, "finish": 1}
    await suite.run_dry()
    assert sorted(suite.workshop.stages()) == ["chunk", "embed", "finish", "parse"]
    assert await suite.status(record.document_id) == "ready"


async def test_it_is_said_again_after_1_2_4_and_up_to_30_minutes_so_that_a_backlog_does_not_feed_itself(
    suite: Suite,
) -> None:
    record = await lost(suite)
    quiet = f"sweep:quiet:{TENANT}:{record.document_id}:1"
    for minutes in (1, 2, 4, 8, 16, 30, 30):
        await suite.tick()
        (received,) = await suite.bus.receive("parse", 9, 1)
        await suite.bus.acknowledge(received, None)
        assert minutes * 60 - 5 < await suite.redis.call("TTL", quiet) <= minutes * 60
        await suite.redis.call("DEL", f"recent:{TENANT}:{record.document_id}:1")
        await suite.tick()
        assert await suite.queued() == {}, "it speaks before its time"
        await suite.redis.call("DEL", quiet)


async def test_one_tenants_store_that_is_away_does_not_keep_the_others_waiting(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lost(suite, "one")
    await lost(suite, "two")
    publish, calls = suite.bus.publish_missing, []

    async def fails_once(event: Any, source: str) -> bool:
        calls.append(event)
        if len(calls) == 1:
            raise StoreUnavailable("bus", "away")
        return await publish(event, source)

    monkeypatch.setattr(suite.bus, "publish_missing", fails_once)
    await suite.tick()
    assert await suite.queued() == {"parse": 1}


async def test_a_marker_that_a_crash_left_behind_is_closed(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.records.mark_open(record.document_id, 1, "ingesting")
    await suite.forget_recent()
    await suite.tick()
    assert await suite.markers() == []
    assert await suite.queued() == {}
    assert await suite.status(record.document_id) == "ready"


async def test_a_rejected_document_is_final(suite: Suite) -> None:
    async def refuses(_: StageWork) -> None:
        raise Rejected("corrupt", "It cannot be read.")

    suite.workshop.happens["chunk"] = refuses
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.records.mark_open(record.document_id, 1, "ingesting")
    await suite.forget_recent()
    for _ in range(3):
        await suite.tick()
        await suite.run_dry()
        await suite.forget_recent()
    assert await suite.status(record.document_id) == "rejected"
    assert suite.workshop.stages().count("chunk") == 1


async def test_what_the_catalogue_shows_of_a_killed_stage_is_mended(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.step("parse")
    await suite.catalogue.hide_stages(record.document_id, ["parse"])
    await suite.forget_recent()
    await suite.tick()
    assert await suite.status(record.document_id) == "parsed"


async def test_an_upload_cut_off_before_its_record_is_given_up_and_its_bytes_erased(suite: Suite, later: Any) -> None:
    record = await lost(suite)
    await suite.blobs.erase(f"t/{TENANT}/d/{record.document_id}/1/document")
    later(minutes=14)
    await suite.tick()
    assert len(await suite.markers()) == 1
    later(minutes=2)
    await suite.tick()
    assert await suite.markers() == []
    assert not await suite.records.has_blobs(record.document_id, 1)


async def test_an_upload_under_way_while_the_clock_is_set_forward_goes_on(suite: Suite, later: Any) -> None:
    record = await lost(suite)
    await suite.blobs.erase(f"t/{TENANT}/d/{record.document_id}/1/document")
    later(hours=2)
    await suite.tick()
    assert await suite.records.has_blobs(record.document_id, 1)


async def test_bytes_that_come_in_again_while_their_cut_off_upload_is_given_up_are_kept(
    suite: Suite, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await lost(suite)
    await suite.blobs.erase(f"t/{TENANT}/d/{record.document_id}/1/document")
    await suite.tick()
    later(minutes=16)
    read_generation = TenantRecords.generation

    async def uploaded_meanwhile(self: TenantRecords, document_id: str, generation: int) -> DocumentRecord | None:
        monkeypatch.setattr(TenantRecords, "generation", read_generation)
        before = await read_generation(self, document_id, generation)
        await suite.store("a text")
        return before

    monkeypatch.setattr(TenantRecords, "generation", uploaded_meanwhile)
    await suite.tick()
    assert TenantRecords.generation is read_generation
    again = await suite.records.document(record.document_id)
    assert again
    assert b"".join([piece async for piece in suite.records.original(again)]) == b"a text"


async def test_an_interrupted_deletion_goes_on(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.records.mark_open(record.document_id, 1, "deleting")
    await suite.tick()
    assert await suite.view(record.document_id) is None
    assert await suite.records.document(record.document_id) is None
    assert not await suite.records.has_blobs(record.document_id, 1)
    assert await suite.markers() == []


async def test_a_deletion_goes_on_whatever_was_marked_since(suite: Suite) -> None:
    record = await suite.store("a text")
    await suite.records.write_tombstone(record.document_id, 1)
    assert await suite.markers() == [f"{TENANT}/{record.document_id}/1/ingesting"]
    await suite.tick()
    assert not await suite.records.has_blobs(record.document_id, 1)
    assert await suite.markers() == []


async def test_a_deletion_leaves_the_next_life_alone(suite: Suite) -> None:
    first = await suite.store("a text")
    await suite.records.mark_open(first.document_id, 1, "deleting")
    await suite.records.write_tombstone(first.document_id, 1)
    second = await suite.upload("a text")
    await suite.tick()
    assert await suite.markers() == [f"{TENANT}/{first.document_id}/2/ingesting"]
    await suite.run_dry()
    assert await suite.records.document(first.document_id) == second
    assert await suite.status(first.document_id) == "ready"
    with pytest.raises(BlobMissing):
        await suite.records.read(f"t/{TENANT}/d/{first.document_id}/1/original")


async def test_what_a_stage_wrote_after_the_erasure_is_erased(suite: Suite) -> None:
    record = await suite.store("a text")

    ticks: list[asyncio.Task[DeliveryResult]] = []

    async def is_deleted(_: StageWork) -> None:
        await suite.records.write_tombstone(record.document_id, 1)
        ticks.append(asyncio.create_task(suite.tick()))
        await asyncio.wait(ticks)  # where it takes long, this stage is cancelled meanwhile

    suite.workshop.happens["parse"] = is_deleted
    await suite.run("parse", suite.stored(record))
    await asyncio.gather(*ticks)
    assert not await suite.records.has_blobs(record.document_id, 1)
    await suite.tick()
    assert not await suite.records.has_blobs(record.document_id, 1)
    assert await suite.markers() == []


async def test_what_a_killed_stage_wrote_after_the_erasure_is_erased_too(suite: Suite) -> None:
    record = await suite.upload("a text")
    received = await suite.receive("parse")
    assert received
    await suite.records.write_tombstone(record.document_id, 1)
    await suite.tick()
    await suite.blobs.write(f"t/{TENANT}/d/{record.document_id}/1/parsed", b"written late, then killed")
    (left,) = await suite.bus.open("parse")
    await suite.bus.acknowledge(left, (await suite.deliver(left)).reply)
    await suite.tick()
    assert not await suite.records.has_blobs(record.document_id, 1)


async def test_a_dead_letter_of_a_store_that_was_away_is_replayed_at_its_time(suite: Suite, later: Any) -> None:
    suite.workshop.happens["embed"] = away
    record = await suite.upload("a text")
    for stage in ("parse", "chunk"):
        await suite.step(stage)
    await exhaust(suite, "embed")
    (dead_letter,) = await suite.platform.dead_letters()
    assert (dead_letter.function, dead_letter.status, dead_letter.attempts) == ("embed", 503, ATTEMPTS)
    assert await suite.status(record.document_id) == "waiting"

    await suite.forget_recent()
    await suite.tick()
    assert "embed" not in await suite.queued(), "it waits for its letter's time"

    suite.workshop.happens.clear()
    later(minutes=1, seconds=1)
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"
    await suite.tick()
    assert await suite.platform.dead_letters() == []


async def test_it_is_replayed_after_1_2_4_and_up_to_60_minutes_for_a_day_and_then_the_document_failed(
    suite: Suite, later: Any
) -> None:
    suite.workshop.happens["parse"] = away
    record = await suite.upload("a text")
    await exhaust(suite, "parse")
    waited = timedelta()
    pauses = []
    while True:
        (dead_letter,) = await suite.platform.dead_letters()
        if dead_letter.next_replay_at is None:
            break
        pause = dead_letter.next_replay_at - (clock.now() + later.ahead)
        pauses.append(round(pause.total_seconds() / 60))
        later(seconds=pause.total_seconds() - 30)
        await suite.tick()
        assert await suite.queued() == {}, "it is replayed before its time"
        later(seconds=31)
        await suite.tick()
        assert await suite.queued() == {"parse": 1}
        await exhaust(suite, "parse")
        waited += pause
        assert await suite.status(record.document_id) in ("waiting", "failed")
        assert len(pauses) < 60
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert set(pauses[8:]) == {60}
    assert timedelta(hours=23) < waited < timedelta(hours=26)
    view = await suite.view(record.document_id)
    assert view and (view.status, view.reason and view.reason.code) == ("failed", "dead-letter")
    assert await suite.markers() == []
    await suite.forget_recent()
    await suite.tick()
    assert await suite.queued() == {}, "only a person sends it again"


async def test_a_replay_from_which_nothing_was_heard_is_tried_once_more(suite: Suite, later: Any) -> None:
    suite.workshop.happens["parse"] = away
    record = await suite.upload("a text")
    await exhaust(suite, "parse")
    suite.workshop.happens.clear()
    later(minutes=2)
    await suite.tick()
    await suite.redis.call("FLUSHALL")
    await suite.open()
    await suite.tick()
    assert await suite.queued() == {}
    later(minutes=61)
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"


async def test_a_dead_letter_of_our_own_fault_waits_for_a_person(suite: Suite, later: Any) -> None:
    suite.workshop.happens["parse"] = broken
    record = await suite.upload("a text")
    await exhaust(suite, "parse")
    assert await suite.status(record.document_id) == "failed"
    for _ in range(3):
        later(hours=12)
        await suite.forget_recent()
        await suite.tick()
    assert await suite.queued() == {}
    assert await suite.status(record.document_id) == "failed"


async def test_the_dead_letters_of_a_deleted_document_are_dropped(suite: Suite) -> None:
    suite.workshop.happens["parse"] = away
    record = await suite.upload("a text")
    await exhaust(suite, "parse")
    await suite.records.write_tombstone(record.document_id, 1)
    await suite.tick()
    assert await suite.platform.dead_letters() == []


async def test_a_dead_letter_whose_stage_succeeded_since_is_dropped(suite: Suite, later: Any) -> None:
    suite.workshop.happens["parse"] = away
    record = await suite.upload("a text")
    await exhaust(suite, "parse")
    suite.workshop.happens.clear()
    await suite.run("parse", suite.stored(record))
    later(minutes=5)
    await suite.tick()
    assert await suite.platform.dead_letters() == []
    assert "parse" not in await suite.queued()


@pytest.mark.parametrize("generation", ["", "one", "1"])
async def test_whatever_is_wrong_with_one_letter_keeps_no_other_waiting(
    suite: Suite, later: Any, generation: str
) -> None:
    suite.workshop.happens["parse"] = away
    record = await suite.upload("a text")
    await exhaust(suite, "parse")
    (dead_letter,) = await suite.platform.dead_letters()
    wrong = {**dead_letter.event, "epoch": generation, "unknown": "attribute"}
    newer = dead_letter.failed_at + timedelta(seconds=1)
    await suite.platform.write_dead_letter(
        msgspec.structs.replace(dead_letter, dead_letter_id="dlq_wrong", event=wrong, failed_at=newer)
    )
    suite.workshop.happens.clear()
    later(minutes=2)
    assert (await suite.tick()).status == 204
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"


async def test_whatever_is_wrong_with_one_document_keeps_no_other_waiting(suite: Suite) -> None:
    records = sorted([await lost(suite, text) for text in ("one", "two")], key=lambda record: record.document_id)
    wrong, right = records
    await suite.blobs.write(f"t/{TENANT}/d/{wrong.document_id}/1/document", b"not a record")
    assert (await suite.tick()).status == 204
    await suite.run_dry()
    assert await suite.status(right.document_id) == "ready"


async def test_two_sweeps_at_once_say_it_once(suite: Suite) -> None:
    await lost(suite)
    await asyncio.gather(*(suite.tick() for _ in range(4)))
    assert await suite.queued() == {"parse": 1}


async def test_a_stage_between_two_continuations_whose_event_was_lost_goes_on(suite: Suite) -> None:
    record = await suite.upload("a text")
    for stage in ("parse", "embed"):
        await suite.step(stage)
    received = await suite.receive("chunk")
    assert received
    await suite.bus.acknowledge(received, None)
    await suite.forget_recent()
    await suite.tick()
    reported = await suite.step("chunk")
    assert reported and isinstance(reported.reply, DocumentChunked)
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"
