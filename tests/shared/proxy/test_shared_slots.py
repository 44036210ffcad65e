"""The account's calls at a time hold over all processes, go to the first that came, and none is lost for good."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from shared.proxy.routing.shared_slots import SharedSlots
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.types.errors import StoreUnavailable
from shared.upstreams.port import UpstreamError

Process = Callable[[], SharedSlots]


@pytest.fixture
def process(redis: RedisClient) -> Process:
    """What another process has: slots of its own over the same Redis."""
    return lambda: SharedSlots(lambda: redis, "cloud", 3)


async def held(redis: RedisClient) -> int:
    return int(await redis.call("ZCARD", "slots:cloud:held"))


async def test_no_more_calls_run_than_the_plan_allows_over_all_processes(process: Process) -> None:
    running = most = 0

    async def call(slots: SharedSlots) -> None:
        nonlocal running, most
        async with slots.hold(60):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.02)
            running -= 1

    processes = [process() for _ in range(4)]
    await asyncio.gather(*(call(slots) for slots in processes for _ in range(6)))
    assert most == 3
    for slots in processes:
        await slots.close()


async def test_a_slot_goes_to_the_call_that_waited_longest_whatever_its_process(redis: RedisClient) -> None:
    one, other = (SharedSlots(lambda: redis, "cloud", 1) for _ in range(2))
    order: list[str] = []

    async def call(slots: SharedSlots, name: str) -> None:
        async with slots.hold(60):
            order.append(name)

    async with one.hold(1):
        calls = []
        for number, name in enumerate(("one-1", "other-1", "one-2"), 1):
            calls.append(asyncio.create_task(call(one if name.startswith("one") else other, name)))
            while int(await redis.call("ZCARD", "slots:cloud:asked")) < number:
                await asyncio.sleep(0.01)
    await asyncio.gather(*calls)
    assert order == ["one-1", "other-1", "one-2"]


async def test_a_call_that_finds_no_slot_in_its_time_is_refused_and_waits_no_longer(
    process: Process, redis: RedisClient
) -> None:
    slots = process()
    async with slots.hold(1), slots.hold(1), slots.hold(1):
        with pytest.raises(UpstreamError) as refused:
            async with slots.hold(0.1):
                raise AssertionError("there was no slot")
        assert (refused.value.fault, refused.value.may_have_run) == ("rate_limited", False)
    await slots.close()
    assert await held(redis) == int(await redis.call("ZCARD", "slots:cloud:waiting")) == 0


async def test_a_call_that_is_cancelled_gives_its_slot_back(process: Process, redis: RedisClient) -> None:
    slots, has_slot = process(), asyncio.Event()

    async def call() -> None:
        async with slots.hold(5):
            has_slot.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await has_slot.wait()
    assert await held(redis) == 1
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await slots.close()
    assert await held(redis) == 0


async def test_the_slot_of_a_process_that_died_comes_free_and_that_of_a_long_call_does_not(
    redis: RedisClient,
) -> None:
    dead = int(time.time() * 1000) + 300
    await redis.call("ZADD", "slots:cloud:held", dead, "of-a-dead-process")
    slots = SharedSlots(lambda: redis, "cloud", 1, lease_s=1.5)
    async with slots.hold(30):
        assert time.time() * 1000 >= dead
        await asyncio.sleep(1.8)
        with pytest.raises(UpstreamError):
            async with SharedSlots(lambda: redis, "cloud", 1).hold(0):
                raise AssertionError("the slot is still held")
    await slots.close()


async def test_without_redis_no_slot_is_given() -> None:
    away = over_url("unix:///nothing/here")
    slots = SharedSlots(lambda: away, "cloud", 3)
    with pytest.raises(StoreUnavailable):
        async with slots.hold(1):
            raise AssertionError("nobody counts it")
    await slots.close()
    await away.close()
