"""Tenants take turns in every queue, and no document is queued twice."""

import asyncio
from collections import Counter

import msgspec
import pytest

from events.document import DocumentStored, Origin
from events.envelope import encode, wrap
from shared.bus.streams import ReceivedEvent, StreamBus
from tests.pipeline.suite import SECRETS, Suite


def stored(tenant: str, document: str) -> DocumentStored:
    return DocumentStored(
        origin=Origin(tenant, document, 1, "cpu"),
        key="k",
        original="t/x",
        filename="a.md",
        media_type="text/plain",
        parser="text",
        size=3,
    )


async def upload(bus: StreamBus, tenant: str, count: int = 1) -> None:
    for number in range(count):
        await bus.publish(stored(tenant, f"doc_{number}"), "upload")


async def take(bus: StreamBus, count: int = 1) -> list[str]:
    """Tenants of the events that are given one after the other, while the ones before are in hand."""
    return [one.event.aegistenant for _ in range(count) for one in await bus.receive("parse", 1, 1)]


async def conclude(bus: StreamBus, received: ReceivedEvent) -> str:
    await bus.acknowledge(received, None)
    return received.event.aegistenant


async def test_a_small_document_waits_for_one_of_anothers_300(suite: Suite) -> None:
    await upload(suite.bus, "ten_a", 300)
    suite.bus.share_places("parse", 2)
    in_hand = [*await suite.bus.receive("parse", 1, 1), *await suite.bus.receive("parse", 1, 1)]
    await upload(suite.bus, "ten_b")
    assert await take(suite.bus) == ["ten_b"], "its first needs no place of the other's"
    assert await take(suite.bus) == []
    assert [await conclude(suite.bus, one) for one in in_hand] == ["ten_a", "ten_a"]
    assert await suite.queued() == {"parse": 299}


async def test_tenants_with_many_each_get_as_many_one_after_the_other(suite: Suite) -> None:
    for tenant, count in (("ten_a", 30), ("ten_b", 20), ("ten_c", 3)):
        await upload(suite.bus, tenant, count)
    order = []
    while found := await suite.bus.receive("parse", 1, 1):
        order.append(await conclude(suite.bus, found[0]))
    assert Counter(order[:9]) == {"ten_a": 3, "ten_b": 3, "ten_c": 3}
    assert Counter(order[9:43]) == {"ten_a": 17, "ten_b": 17}
    assert order[43:] == ["ten_a"] * 10


async def test_a_tenants_own_events_keep_their_order(suite: Suite) -> None:
    await upload(suite.bus, "ten_a", 9)
    await upload(suite.bus, "ten_b", 9)
    found = await suite.bus.receive("parse", 18, 1)
    for tenant in ("ten_a", "ten_b"):
        of_tenant = [one.event.subject for one in found if one.event.aegistenant == tenant]
        assert of_tenant == [f"doc_{number}" for number in range(9)]


async def test_one_tenant_alone_takes_all_places_and_gives_them_up_one_by_one(suite: Suite) -> None:
    suite.bus.share_places("parse", 2)
    await upload(suite.bus, "ten_a", 9)
    in_hand = [one for _ in range(3) for one in await suite.bus.receive("parse", 1, 1)]
    assert len(in_hand) == 2, "the place beyond them is for another"
    await upload(suite.bus, "ten_b", 9)
    await upload(suite.bus, "ten_c", 9)
    assert await take(suite.bus, 2) == ["ten_b"], "only one of them has the place more"
    await conclude(suite.bus, in_hand.pop())
    assert await take(suite.bus, 2) == ["ten_c"]


async def test_who_waits_gets_the_place_that_comes_free(suite: Suite) -> None:
    suite.bus.share_places("parse", 1)
    await upload(suite.bus, "ten_a", 2)
    (first,) = await suite.bus.receive("parse", 1, 1)
    waiting = asyncio.create_task(suite.bus.receive("parse", 1, 20_000))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    async with asyncio.timeout(10):
        await suite.bus.acknowledge(first, None)
        (second,) = await waiting
    assert second.event.subject == "doc_1"


async def test_a_retry_waits_for_its_tenants_turn(suite: Suite) -> None:
    await upload(suite.bus, "ten_a", 4)
    (failed,) = await suite.bus.receive("parse", 1, 1)
    await suite.bus.retry_later(failed, 0)
    await upload(suite.bus, "ten_b")
    assert await take(suite.bus, 9) == ["ten_a", "ten_b", "ten_a", "ten_a", "ten_a"]


async def test_after_a_kill_events_wait_in_their_turns_and_those_in_hand_come_first(suite: Suite) -> None:
    await upload(suite.bus, "ten_a", 3)
    await upload(suite.bus, "ten_b")
    await suite.bus.receive("parse", 1, 1)
    after = StreamBus(suite.redis, suite.bus._reader, suite.table, SECRETS, "the next process")
    (left,) = await after.open("parse")
    assert (left.event.aegistenant, left.attempts) == ("ten_a", 1)
    assert await take(after, 3) == ["ten_b", "ten_a", "ten_a"]


async def test_what_an_earlier_version_left_in_the_stream_is_delivered(suite: Suite) -> None:
    text = encode(wrap(stored("ten_a", "doc_a"), "upload", SECRETS)).decode()
    await suite.redis.call("XADD", "queue:parse", "*", "event", text, "attempts", 2)
    old = {"event": text, "attempts": 1}
    await suite.redis.call("ZADD", "queue:parse:later", 0, msgspec.json.encode(old).decode())
    await upload(suite.bus, "ten_b")
    found = await suite.bus.receive("parse", 1, 1) + await suite.bus.receive("parse", 9, 1)
    assert [(one.event.aegistenant, one.attempts) for one in found] == [("ten_a", 2), ("ten_b", 0), ("ten_a", 1)]
    for one in found:
        await suite.bus.acknowledge(one, None)
    assert await suite.queued() == {}


async def test_a_full_redis_still_delivers_what_it_holds(suite: Suite) -> None:
    await upload(suite.bus, "ten_a", 2)
    await suite.redis.call("CONFIG", "SET", "maxmemory", "1mb")
    try:
        for _ in range(2):
            (one,) = await suite.bus.receive("parse", 1, 1)
            await suite.bus.acknowledge(one, None)
    finally:
        await suite.redis.call("CONFIG", "SET", "maxmemory", "0")
    assert await suite.queued() == {}


@pytest.mark.parametrize("place", ["queued", "in hand", "later"])
async def test_the_sweep_never_queues_a_document_twice(suite: Suite, place: str) -> None:
    record = await suite.upload("a text")
    if place != "queued":
        (received,) = await suite.bus.receive("parse", 1, 1)
    if place == "later":
        await suite.bus.retry_later(received, 60)
    for _ in range(3):
        await suite.forget_recent()
        await suite.tick()
    assert await suite.queued() == {"parse": 1}
    if place == "later":
        await suite.redis.call("DEL", "queue:parse:later")
        await suite.bus.receive("parse", 1, 1)
    else:
        received = received if place == "in hand" else (await suite.bus.receive("parse", 1, 1))[0]
        await suite.bus.acknowledge(received, None)
    await suite.forget_recent()
    await suite.tick()
    assert await suite.queued() == {"parse": 1}, "what was lost is published again"
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"
    assert await suite.redis.call("EXISTS", "queue:parse:documents") == 0


async def test_a_tenant_ends_early_where_one_with_fewer_in_hand_waits(suite: Suite) -> None:
    suite.bus.share_places("parse", 2)
    await upload(suite.bus, "ten_a", 3)
    in_hand = [one for _ in range(2) for one in await suite.bus.receive("parse", 1, 1)]
    assert not suite.bus.others_wait("parse", "ten_a")
    await upload(suite.bus, "ten_b", 2)
    assert suite.bus.others_wait("parse", "ten_a")
    assert await take(suite.bus, 1) == ["ten_b"]
    assert suite.bus.others_wait("parse", "ten_a"), "its second waits, and it has fewer in hand"
    await conclude(suite.bus, in_hand[0])
    await suite.bus.receive("parse", 1, 1)
    assert not suite.bus.others_wait("parse", "ten_b")


async def test_a_small_document_is_ready_after_a_few_deliveries_of_anothers_40(suite: Suite) -> None:
    for number in range(40):
        await suite.upload(f"text {number}")
    small = await suite.store("a small text", "ten_b")
    await suite.bus.publish(suite.stored(small, "ten_b"), "upload")
    while not any(run.stage == "finish" and run.document_id == small.document_id for run in suite.workshop.runs):
        assert [await suite.step(stage) for stage in suite.table.stages()]
    of_another = [run for run in suite.workshop.runs if run.document_id != small.document_id]
    assert len(of_another) <= 12, "3 in each of 4 stages"
