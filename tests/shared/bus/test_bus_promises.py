"""What the embedded bus promises: nothing said is lost, whoever dies."""

import asyncio
import time

import msgspec
import pytest

from events.document import DocumentParsed, DocumentReady, DocumentStored, Origin
from shared.bus.streams import ReceivedEvent, StreamBus
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.types.errors import StoreUnavailable
from tests.pipeline.suite import SECRETS, Suite
from tests.stores import ANSWER_LIMIT_S
from tests.timing import within

ABOUT = Origin("ten_a", "doc_a", 1, "cpu", "req_a", "00-1-2-01")
STORED = DocumentStored(
    origin=ABOUT, key="k", original="t/x", filename="ä.md", media_type="text/plain", parser="text", size=3
)
PARSED = DocumentParsed(origin=ABOUT, key="k", parsed="t/x", pages=3, title="Größe")


async def receive(bus: StreamBus, function: str, count: int = 10, wait_ms: int = 1) -> list[ReceivedEvent]:
    return await bus.receive(function, count, wait_ms)


def restarted(suite: Suite) -> StreamBus:
    """The bus of the next process over the same server."""
    return StreamBus(suite.redis, suite.bus._reader, suite.table, SECRETS, "the next process")


async def test_an_event_reaches_every_function_that_listens_and_no_other(suite: Suite) -> None:
    await suite.bus.publish(PARSED, "parse")
    assert await suite.queued() == {"chunk": 1, "embed": 1}
    for function in ("chunk", "embed"):
        (one,) = await receive(suite.bus, function)
        assert one.event.type == PARSED.type_name()
        assert one.event.source == "/functions/parse"
        assert one.event.data["title"] == "Größe"
        assert one.attempts == 0


async def test_an_event_that_nobody_listens_to_is_no_error(suite: Suite) -> None:
    await suite.bus.publish(DocumentReady(origin=ABOUT, key="k", passages=1), "finish")
    assert await suite.queued() == {}


@pytest.mark.parametrize(("route", "waiting"), [("cpu", {"parse": 1}), ("gpu", {}), ("", {})])
async def test_a_function_gets_only_the_route_that_it_wants(suite: Suite, route: str, waiting: dict[str, int]) -> None:
    about = msgspec.structs.replace(ABOUT, route=route)
    await suite.bus.publish(msgspec.structs.replace(STORED, origin=about), "upload")
    assert await suite.queued() == waiting


async def test_what_is_in_hand_is_given_to_nobody_else(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    assert len(await receive(suite.bus, "parse")) == 1
    assert await receive(suite.bus, "parse") == []
    assert await suite.queued() == {"parse": 1}, "it is not done yet"


async def test_what_is_done_is_gone_and_its_reply_on_its_way(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    await suite.bus.acknowledge(one, PARSED)
    assert await suite.queued() == {"chunk": 1, "embed": 1}
    assert await restarted(suite).open("parse") == []


async def test_a_reply_and_its_acknowledgement_happen_together_or_not_at_all(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    await suite.redis.call("CONFIG", "SET", "maxmemory", "1mb")  # no room for the reply; room to acknowledge
    try:
        with pytest.raises(StoreUnavailable):
            await suite.bus.acknowledge(one, PARSED)
    finally:
        await suite.redis.call("CONFIG", "SET", "maxmemory", "0")
    assert await suite.queued() == {"parse": 1}
    (again,) = await restarted(suite).open("parse")
    assert again.event == one.event


async def test_a_crash_between_receiving_and_acknowledging_delivers_again(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    (left,) = await restarted(suite).open("parse")
    assert (left.event, left.attempts) == (one.event, 1)
    await restarted(suite).acknowledge(left, None)
    assert await restarted(suite).open("parse") == []
    assert await suite.queued() == {}


async def test_crashes_count_as_attempts_and_so_do_failures_before_them(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    await suite.bus.retry_later(one, 0)
    (one,) = await receive(suite.bus, "parse")
    assert one.attempts == 1
    for crashes in (1, 2, 3):
        after = restarted(suite)
        (left,) = await after.open("parse")
        assert (left.failures, left.interruptions, left.attempts) == (1, crashes, 1 + crashes)
        await after.mark_started(left)


async def test_what_was_left_and_not_started_again_is_not_counted_again(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    await receive(suite.bus, "parse")
    for _ in range(3):
        (left,) = await restarted(suite).open("parse")
        assert left.attempts == 1


async def test_what_an_orderly_end_releases_is_not_counted(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    await suite.bus.release(one)
    for _ in range(3):
        after = restarted(suite)
        (left,) = await after.open("parse")
        assert (left.event, left.attempts) == (one.event, 0)
        await after.mark_started(left)
        await after.release(left)


async def test_what_is_to_come_again_waits_its_time(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    await suite.bus.retry_later(one, 0.3)
    started = time.monotonic()
    assert await receive(suite.bus, "parse") == []
    assert await suite.queued() == {"parse": 1}
    while not (back := await receive(suite.bus, "parse", wait_ms=10)):
        assert time.monotonic() - started < 60
    assert time.monotonic() - started > 0.25
    assert (back[0].event, back[0].attempts) == (one.event, 1)


async def test_what_waits_for_its_time_survives_a_crash(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    await suite.bus.retry_later(one, 0.05)
    after = restarted(suite)
    assert await after.open("parse") == []
    await asyncio.sleep(0.06)
    (back,) = await receive(after, "parse")
    assert back.event == one.event


async def test_who_waits_gets_an_event_as_soon_as_it_is_there(suite: Suite) -> None:
    waiting = asyncio.create_task(receive(suite.bus, "parse", wait_ms=4000))
    await asyncio.sleep(0.05)
    with within(1):
        await suite.bus.publish(STORED, "upload")
        assert len(await waiting) == 1


async def test_a_dead_letter_goes_to_its_function_alone(suite: Suite) -> None:
    await suite.bus.publish(PARSED, "parse")
    (one,) = await receive(suite.bus, "embed")
    await suite.bus.acknowledge(one, None)
    await suite.bus.send_to("embed", one.event)
    assert await suite.queued() == {"chunk": 1, "embed": 1}


@pytest.mark.parametrize("waits", [True, False])
async def test_an_emptied_redis_is_noticed_and_the_queues_come_back(suite: Suite, waits: bool) -> None:
    waiting = asyncio.create_task(receive(suite.bus, "parse", wait_ms=3000)) if waits else None
    await asyncio.sleep(0.05)
    await suite.redis.call("FLUSHALL")
    assert await (waiting or receive(suite.bus, "parse")) == []
    assert suite.bus.was_emptied.is_set()
    await suite.bus.publish(STORED, "upload")
    assert len(await receive(suite.bus, "parse")) == 1


async def test_what_is_said_before_the_queue_is_back_waits_in_it(suite: Suite) -> None:
    await suite.redis.call("FLUSHALL")
    await suite.bus.publish(STORED, "upload")
    assert await receive(suite.bus, "parse") == []
    assert len(await receive(suite.bus, "parse")) == 1


async def test_what_was_in_hand_when_redis_was_emptied_can_still_be_concluded(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    (one,) = await receive(suite.bus, "parse")
    await suite.redis.call("FLUSHALL")
    await suite.bus.acknowledge(one, PARSED)
    await receive(suite.bus, "chunk")
    assert len(await receive(suite.bus, "chunk")) == 1


async def test_a_young_event_is_marked_as_on_its_way_and_an_old_one_is_not(suite: Suite) -> None:
    await suite.bus.publish(STORED, "upload")
    assert 50 < await suite.redis.call("TTL", "recent:ten_a:doc_a:1") <= 60


async def test_after_a_start_only_what_stands_in_the_queues_is_on_its_way(suite: Suite) -> None:
    other = msgspec.structs.replace(STORED, origin=msgspec.structs.replace(ABOUT, document_id="doc_b"))
    later = msgspec.structs.replace(STORED, origin=msgspec.structs.replace(ABOUT, document_id="doc_c"))
    for event in (STORED, later, other):
        await suite.bus.publish(event, "upload")
    first, second = await receive(suite.bus, "parse", count=2)
    await suite.bus.acknowledge(first, None)
    await suite.bus.retry_later(second, 60)
    await suite.redis.call("DEL", "recent:ten_a:doc_b:1")
    await restarted(suite).mark_queued_only()
    marked = {key async for key in suite.redis.scan("recent:*")}
    assert marked == {"recent:ten_a:doc_b:1", "recent:ten_a:doc_c:1"}


async def test_many_that_take_at_once_share_and_none_gets_the_same(suite: Suite) -> None:
    for number in range(40):
        about = msgspec.structs.replace(ABOUT, document_id=f"doc_{number}")
        await suite.bus.publish(msgspec.structs.replace(STORED, origin=about), "upload")
    found = await asyncio.gather(*(receive(suite.bus, "parse", count=1, wait_ms=50) for _ in range(60)))
    subjects = [one.event.subject for batch in found for one in batch]
    assert sorted(subjects) == sorted(f"doc_{number}" for number in range(40))


async def test_without_redis_nothing_is_said_and_the_speaker_knows(suite: Suite) -> None:
    absent = over_url("unix:///nowhere/at/all.sock")
    bus = StreamBus(absent, absent, suite.table, SECRETS, "x")
    with pytest.raises(StoreUnavailable):
        await bus.publish(STORED, "upload")
    with pytest.raises(StoreUnavailable):
        await bus.receive("parse", 1, 1)
    await absent.close()


async def test_the_wait_for_an_event_needs_no_connection_of_those_who_write(redis_url: str, suite: Suite) -> None:
    writing: RedisClient = over_url(redis_url, connections=1, answer_s=ANSWER_LIMIT_S)
    bus = StreamBus(writing, suite.bus._reader, suite.table, SECRETS, "x")
    waiting = [asyncio.create_task(bus.receive("parse", 1, 600)) for _ in range(5)]
    await asyncio.sleep(0.05)
    await bus.publish(STORED, "upload")
    assert sum(len(found) for found in await asyncio.gather(*waiting)) == 1
    await writing.close()


async def test_what_was_given_out_in_an_answer_that_got_lost_is_given_out_again(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await suite.bus.publish(STORED, "upload")
    (in_hand,) = await receive(suite.bus, "parse")
    await suite.bus.publish(msgspec.structs.replace(STORED, key="another"), "upload")
    read = suite.bus._reader.call

    async def deaf(*command: object) -> None:
        await read(*command)  # type: ignore[arg-type]
        raise StoreUnavailable("counters", "the answer never came")

    with monkeypatch.context() as patch:
        patch.setattr(suite.bus._reader, "call", deaf)
        with pytest.raises(StoreUnavailable):
            await receive(suite.bus, "parse")
    (recovered,) = await receive(suite.bus, "parse")
    assert recovered.event.id != in_hand.event.id
    assert await receive(suite.bus, "parse") == [], "nor is what is in hand given out twice"
    for one in (in_hand, recovered):
        await suite.bus.acknowledge(one, None)
    assert await suite.queued() == {}
