"""Watches are bounded for each tenant, and cost one question for all of them."""

import asyncio
from typing import Any

import pytest

from functions.documents.access import OneDocument
from shared.catalogue.watches import PER_PROCESS, PER_TENANT, Watches
from shared.redis.client import RedisClient
from shared.types.errors import RateLimited, StoreUnavailable
from tests.pipeline.suite import TENANT, Suite


def test_one_tenants_watches_are_bounded_and_leave_room_for_others(redis: RedisClient) -> None:
    watches = Watches(redis)
    of_a = [watches.open("ten_a", f"doc_{number}") for number in range(PER_TENANT)]
    with pytest.raises(RateLimited) as refused:
        watches.open("ten_a", "doc_more")
    assert refused.value.retry_after
    of_b = watches.open("ten_b", "doc_0")
    watches.close(of_a[0])
    assert watches.open("ten_a", "doc_more")
    watches.close(of_b)
    others = [watches.open(f"ten_{number}", "doc_0") for number in range(PER_PROCESS - PER_TENANT + 1)]
    with pytest.raises(RateLimited):
        watches.open("ten_c", "doc_0")
    del others
    assert watches.open("ten_c", "doc_0"), "a watch counts no longer than it is there"


async def test_a_watch_that_its_client_left_counts_no_more(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.step("parse")
    streams = [await suite.call("documents", "watch", OneDocument(record.document_id)) for _ in range(PER_TENANT)]
    with pytest.raises(RateLimited):
        await suite.call("documents", "watch", OneDocument(record.document_id))
    await anext(reading := streams.pop().events)
    await reading.aclose()
    streams += [await suite.call("documents", "watch", OneDocument(record.document_id))]
    streams.pop(0)  # its answer never began
    await suite.call("documents", "watch", OneDocument(record.document_id))


async def test_all_of_a_process_ask_redis_once(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await suite.upload("a text")
    watches, asked = Watches(suite.redis), list[int]()
    batch = suite.redis.batch

    async def counted(commands: Any) -> Any:
        asked.append(len(commands))
        return await batch(commands)

    monkeypatch.setattr(suite.redis, "batch", counted)
    open_ = [watches.open(TENANT, record.document_id) for _ in range(20)]
    assert all(await asyncio.gather(*(watches.wait(watch, 60) for watch in open_)))
    assert asked == [1]
    waiting = [asyncio.create_task(watches.wait(watch, 60)) for watch in open_]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in waiting)
    await suite.catalogue.drop(record.document_id, 1)
    assert all(await asyncio.gather(*waiting))


async def test_without_redis_a_watch_says_so(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    watches = Watches(suite.redis)

    async def is_away(commands: Any) -> Any:
        raise StoreUnavailable("counters", "away")

    monkeypatch.setattr(suite.redis, "batch", is_away)
    with pytest.raises(StoreUnavailable):
        await watches.wait(watches.open(TENANT, "doc_a"), 60)
