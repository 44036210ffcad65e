"""A document goes through the warm pool as through `parse`, whatever happens to the pool on the way."""

import asyncio

import msgspec
import pytest

from functions.documents.access import OneDocument
from functions.documents.retry import Retry
from functions.failed.dead_letters import DeadLetterRequest
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.pool.queue import SliceQueue
from shared.types.errors import InvalidRequest, Rejected, StoreUnavailable
from tests.functions.parse_gpu.pooled import FakeReader, Pooled
from tests.pipeline.suite import Suite
from tests.shared.parsing import drawn


async def events_of(pooled: Suite, function: str) -> list[str]:
    """The ids of all events that wait for a function, which are received by the call."""
    ids = []
    while received := await pooled.receive(function):
        ids.append(received.event.id)
        await pooled.bus.acknowledge(received, None)
    return ids


def reject(code: str) -> FakeReader:
    """A reader to which the second slice shows that the document is at fault."""
    reader = FakeReader()

    async def refuse() -> None:
        raise Rejected(code, "it is damaged")

    reader.happens[21] = refuse
    return reader


async def test_a_document_waits_for_a_place_and_then_goes_the_way_of_all(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    view = await pooled.view(record.document_id)
    assert view and (view.status, view.waiting_for) == ("waiting", "gpu_slot")
    assert [stage.stage for stage in view.stages] == ["parse_gpu", "chunk", "embed", "finish"]
    reader = FakeReader()
    await pooled.read_by(reader)
    assert reader.asked == [1, 21, 41]
    await pooled.run_dry()
    view = await pooled.view(record.document_id)
    assert view and (view.status, view.waiting_for, view.pages) == ("ready", None, 45)
    assert view.stages[0].attempts == 1 and (view.stages[0].seconds or 0) > 0
    document = await pooled.read(record)
    assert [block.page for block in document.blocks] == list(range(1, 46))
    assert not [name for name in await pooled.blobs.names("t/") if "/parts/" in name]


async def test_the_pool_makes_of_a_document_what_parse_makes_of_it(pooled: Pooled) -> None:
    content = drawn.pdf(*(drawn.text_page(number) for number in range(1, 46)))
    record = await pooled.store_pages(content)
    await pooled.step("parse_gpu")
    parsers = ParserPool(ParsingLimits(), workers=2)
    try:
        await pooled.read_by(parsers, workers=2)
        plain = await parsers.parse("paged", "application/pdf", "a.pdf", content)
    finally:
        await parsers.close()
    assert await pooled.read(record) == plain and plain.pages == 45
    stage = await pooled.stage(record, "parse_gpu")
    assert stage and stage.event and 0 < stage.event["data"]["pool_ms"] < 60_000


async def test_without_a_pool_its_documents_are_read_in_the_delivery(pooled: Pooled) -> None:
    content = drawn.pdf(drawn.text_page(1), drawn.text_page(2))
    record = await pooled.store_pages(content)
    pooled.services.settings = msgspec.structs.replace(pooled.services.settings, pool_workers=0)
    await pooled.step("parse_gpu")
    assert (await pooled.read(record)).pages == 2 and await pooled.is_idle()


async def test_slices_of_a_document_are_read_side_by_side(pooled: Pooled) -> None:
    record = await pooled.queue_up(100)
    reader = FakeReader()
    together = asyncio.Barrier(2)
    reader.happens = dict.fromkeys((21, 41), lambda: asyncio.wait_for(wait(together), 60))
    await pooled.read_by(reader, workers=2)
    assert reader.most_at_once == 2 and len((await pooled.read(record)).blocks) == 100


async def wait(barrier: asyncio.Barrier) -> None:
    await barrier.wait()


async def test_a_slice_that_ends_early_leaves_the_rest_to_another(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    reader = FakeReader()
    reader.most = 15
    await pooled.read_by(reader)
    assert sorted(reader.asked) == [1, 16, 21, 36, 41]
    assert [block.page for block in (await pooled.read(record)).blocks] == list(range(1, 46))


async def test_a_document_at_fault_is_rejected_once_and_its_other_slices_go(pooled: Pooled) -> None:
    record = await pooled.queue_up(200)
    reader = reject("time-limit")
    await pooled.read_by(reader)
    view = await pooled.view(record.document_id)
    assert view and view.status == "rejected" and view.reason and view.reason.code == "time-limit"
    assert reader.asked == [1, 21] and (await pooled.services.slice_queue.depth()).slices == 0
    assert await pooled.markers() == []


async def test_a_rejected_document_can_be_tried_again(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    await pooled.read_by(reject("memory-limit"))
    await pooled.call("documents", "retry", Retry(record.document_id))
    await pooled.step("parse_gpu")
    await pooled.read_by(FakeReader())
    assert (await pooled.read(record)).pages == 45


async def test_a_finished_document_is_read_anew_where_that_is_asked_for(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    reader = FakeReader()
    await pooled.read_by(reader)
    await pooled.run_dry()
    await pooled.call("documents", "retry", Retry(record.document_id, from_stage="parse_gpu"))
    with pytest.raises(InvalidRequest, match="takes one of parse_gpu, chunk"):
        await pooled.call("documents", "retry", Retry(record.document_id, from_stage="parse"))
    await pooled.step("parse_gpu")
    await pooled.read_by(reader)
    assert reader.asked == [1, 21, 41] * 2 and (await pooled.read(record)).pages == 45


async def test_a_fault_of_ours_is_tried_five_times_and_then_a_dead_letter_that_can_be_replayed(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    reader = FakeReader()

    async def fail() -> None:
        raise RuntimeError("a fault of ours")

    reader.happens[21] = fail
    await pooled.read_by(reader)
    assert reader.asked.count(21) == 5 and reader.asked.count(1) == 1
    assert await pooled.status(record.document_id) == "failed"
    (dead_letter,) = await pooled.platform.dead_letters()
    assert (dead_letter.function, dead_letter.attempts, dead_letter.status, dead_letter.next_replay_at) == (
        "parse_gpu",
        5,
        500,
        None,
    )
    await pooled.call("failed", "replay", DeadLetterRequest(dead_letter.dead_letter_id))
    await pooled.step("parse_gpu")
    again = FakeReader()
    await pooled.read_by(again)
    assert 1 not in again.asked and (await pooled.read(record)).pages == 45


async def test_a_store_that_is_away_makes_a_dead_letter_that_is_replayed_by_itself(pooled: Pooled) -> None:
    record = await pooled.queue_up(10)
    reader = FakeReader()

    async def away() -> None:
        raise StoreUnavailable("blobs", "the store is away")

    reader.happens[1] = away
    await pooled.read_by(reader)
    (dead_letter,) = await pooled.platform.dead_letters()
    assert dead_letter.status == 503 and dead_letter.next_replay_at
    view = await pooled.view(record.document_id)
    assert view and view.status == "waiting" and view.reason and "tried again at" in view.reason.detail


async def test_a_deleted_document_leaves_the_queue_at_once(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    await pooled.call("documents", "delete", OneDocument(record.document_id))
    assert await pooled.is_idle() and (await pooled.services.slice_queue.depth()).slices == 0


async def test_a_slice_of_a_deleted_document_is_ended_soon(pooled: Pooled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.pool.pool.RENEWAL_S", 0.05)
    record = await pooled.queue_up(45)
    reader, started, ended = FakeReader(), asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    reader.happens[1] = hang
    pool = pooled.pool(reader)
    pool.start()
    await asyncio.wait_for(started.wait(), 60)
    await pooled.call("documents", "delete", OneDocument(record.document_id))
    await asyncio.wait_for(ended.wait(), 60)
    await pool.stop()
    await pooled.tick()
    assert not await pooled.records.has_blobs(record.document_id, 1) and await pooled.markers() == []


async def test_a_slice_that_is_kept_after_the_deletion_is_erased_too(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    reader = FakeReader()

    async def delete() -> None:
        await pooled.call("documents", "delete", OneDocument(record.document_id))

    reader.happens[1] = delete
    pool = pooled.pool(reader)
    pool.start()
    async with asyncio.timeout(60):
        while not reader.asked or pool._running:
            await asyncio.sleep(0.01)
    await pool.stop()
    await pooled.tick()
    assert not await pooled.records.has_blobs(record.document_id, 1) and await pooled.markers() == []


async def test_a_deletion_that_reaches_no_queue_is_seen_before_the_next_slice(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    await pooled.records.write_tombstone(record.document_id, record.generation)
    reader = FakeReader()
    await pooled.read_by(reader)
    assert reader.asked == []


async def test_an_emptied_redis_loses_no_document_and_no_slice_that_was_read(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    reader = FakeReader()
    emptied = asyncio.Event()

    async def empty() -> None:
        await pooled.redis.call("FLUSHDB")
        emptied.set()

    reader.happens[21] = empty
    pool = pooled.pool(reader)
    pool.start()
    await asyncio.wait_for(emptied.wait(), 60)
    await pool.stop(1)
    await pooled.open()
    await pooled.tick()
    await pooled.step("parse_gpu")
    reader.happens.clear()
    await pooled.read_by(reader)
    assert sorted(reader.asked) == [1, 21, 41]
    await pooled.run_dry()
    assert await pooled.status(record.document_id) == "ready"


async def test_the_sweep_leaves_what_waits_in_the_queue_alone(pooled: Pooled) -> None:
    await pooled.queue_up(45)
    await pooled.forget_recent()
    await pooled.services.slice_queue.mark_pool_alive()
    await pooled.tick()
    assert await pooled.queued() == {}


async def test_what_waits_for_a_pool_that_is_gone_is_read_without_it_and_not_again(pooled: Pooled) -> None:
    content = drawn.pdf(drawn.text_page(1))
    record = await pooled.store_pages(content)
    await pooled.step("parse_gpu")
    pooled.services.settings = msgspec.structs.replace(pooled.services.settings, pool_workers=0)
    await pooled.forget_recent()
    await pooled.tick()
    await pooled.run_dry()
    assert await pooled.status(record.document_id) == "ready"
    reader = FakeReader()
    await pooled.read_by(reader)
    assert reader.asked == []


async def test_said_twice_a_document_is_read_once_and_its_end_has_one_id(pooled: Pooled) -> None:
    record = await pooled.queue_up(45)
    await pooled.run("parse_gpu", pooled.stored(record))
    reader = FakeReader()
    await pooled.read_by(reader)
    again = await pooled.run("parse_gpu", pooled.stored(record))
    assert reader.asked == [1, 21, 41]
    assert again.reply and set(await events_of(pooled, "chunk")) == {again.reply.event_id}


async def test_a_stop_in_the_middle_of_a_slice_gives_it_back_at_once(pooled: Pooled) -> None:
    record = await pooled.queue_up(30)
    reader, started = FakeReader(), asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    reader.happens[21] = hang
    pool = pooled.pool(reader)
    pool.start()
    await asyncio.wait_for(started.wait(), 60)
    await pool.stop()
    reader.happens.clear()
    await pooled.read_by(reader)
    assert reader.asked == [1, 21, 21] and (await pooled.read(record)).pages == 30


async def test_a_document_whose_readers_die_five_times_is_a_dead_letter(pooled: Pooled) -> None:
    await pooled.queue_up(10)
    queue = SliceQueue(pooled.redis)
    for _ in range(5):
        assert await queue.claim()
        await queue.void_claims()
    reader = FakeReader()
    await pooled.read_by(reader)
    (dead_letter,) = await pooled.platform.dead_letters()
    assert (dead_letter.status, reader.asked) == (503, [])


async def test_a_short_document_of_another_tenant_passes_a_long_one(pooled: Pooled) -> None:
    await pooled.queue_up(500)
    order: list[str] = []
    reader = FakeReader()

    async def note_long() -> None:
        order.append("long")

    reader.happens = dict.fromkeys(range(21, 501, 20), note_long)
    pool = pooled.pool(reader)

    async def other_comes() -> None:
        await note_long()
        await pooled.store_pages(b"3 pages of another tenant", "ten_b")
        assert await pooled.step("parse_gpu")
        reader.happens[1] = note_other

    async def note_other() -> None:
        order.append("other")

    reader.happens[61] = other_comes
    pool.start()
    async with asyncio.timeout(60):
        while not await pooled.is_idle():
            await asyncio.sleep(0.01)
    await pool.stop()
    assert order.index("other") <= 4, "it waits for the slice that is read and for one in the other's turn"
    assert order.count("long") == 24
