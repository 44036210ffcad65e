"""One holder at a time, none for ever."""

import asyncio
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.redis.leases import Leases
from shared.types.errors import StoreUnavailable
from tests.timing import within


def start(url: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.shared.redis.holding", url, *arguments]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


async def test_one_holds_and_the_other_does_not(redis: RedisClient) -> None:
    leases = Leases(redis)
    async with leases.hold("thing") as first, leases.hold("thing") as second, leases.hold("other") as third:
        assert (first, second, third) == (True, False, True)
        assert await leases.is_held("thing")
    assert not await leases.is_held("thing")
    async with leases.hold("thing") as again:
        assert again


async def test_a_failure_inside_gives_the_lease_back(redis: RedisClient) -> None:
    leases = Leases(redis)
    with pytest.raises(ValueError, match="inside"):
        async with leases.hold("thing"):
            raise ValueError("inside")
    assert not await leases.is_held("thing")


async def test_one_that_does_not_hold_it_does_not_give_it_back(redis: RedisClient) -> None:
    leases = Leases(redis)
    async with leases.hold("thing"):
        async with leases.hold("thing") as ours:
            assert not ours
        assert await leases.is_held("thing")


async def test_one_whose_lease_ran_out_does_not_give_back_its_successors(redis: RedisClient) -> None:
    leases = Leases(redis)
    async with leases.hold("thing") as first:
        assert first
        await redis.call("DEL", "lease:thing")
        successor = leases.hold("thing")
        assert await successor.__aenter__()
    assert await leases.is_held("thing"), "it belongs to the successor"
    await successor.__aexit__(None, None, None)


async def test_a_lease_renews_itself_while_it_is_held_and_only_its_own(redis: RedisClient) -> None:
    leases = Leases(redis)
    async with leases.hold("thing", 0.15):
        await asyncio.sleep(0.5)
        assert await leases.is_held("thing")
        await redis.call("SET", "lease:thing", "another's", "PX", 120)
        await asyncio.sleep(0.25)
        assert not await leases.is_held("thing"), "another's lease was renewed"


async def test_of_two_processes_one_holds_at_any_time(redis: RedisClient, redis_url: str) -> None:
    children = [start(redis_url, "thing", "5", "0.01", "60") for _ in range(2)]
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    events = [child.communicate(timeout=30)[0].splitlines() for child in children]
    assert all(events), "one never got it"
    held = sorted((int(begin), int(end)) for begin, end in (line.split() for line in events[0] + events[1]))
    for (_, end), (begin, _) in pairwise(held):
        assert end <= begin, "two held it at once"


async def test_a_killed_holder_holds_until_its_lease_runs_out_and_no_longer(redis: RedisClient, redis_url: str) -> None:
    leases = Leases(redis)
    child = start(redis_url, "thing", "1.2", "60", "1")
    assert child.stdin
    child.stdin.write("go\n")
    child.stdin.flush()
    while not await leases.is_held("thing"):
        await asyncio.sleep(0.01)
    child.kill()
    child.communicate()
    left_s = int(await redis.call("PTTL", "lease:thing")) / 1000
    assert 0 < left_s <= 1.2
    killed = time.monotonic()
    with within(left_s + 1):
        async with leases.wait("thing", timeout_s=60):
            waited = time.monotonic() - killed
    assert waited > left_s - 0.05


async def test_who_waits_gets_it_as_soon_as_it_is_free(redis: RedisClient) -> None:
    leases, order = Leases(redis), []

    async def work(name: str) -> None:
        async with leases.wait("thing"):
            order.append(f"{name} begins")
            await asyncio.sleep(0.02)
            order.append(f"{name} ends")

    await asyncio.gather(*(work(name) for name in "abcd"))
    assert len(order) == 8
    assert all(order[n].replace("begins", "ends") == order[n + 1] for n in range(0, 8, 2)), order


async def test_who_waits_too_long_is_told(redis: RedisClient) -> None:
    leases = Leases(redis)
    async with leases.hold("thing"):
        with pytest.raises(StoreUnavailable, match="too long"):
            async with leases.wait("thing", timeout_s=0.1):
                pytest.fail("both hold it")


async def test_the_owner_of_a_server_voids_every_lease_at_its_start(redis: RedisClient) -> None:
    leases = Leases(redis)
    await leases.void_all()
    async with leases.hold("one"), leases.hold("two"):
        await redis.call("SET", "kept", "1")
        await leases.void_all()
        assert not await leases.is_held("one")
        assert not await leases.is_held("two")
    assert await redis.call("GET", "kept") == "1"


async def test_a_lease_whose_redis_is_away_says_so_and_a_body_ends_all_the_same() -> None:
    absent = over_url("unix:///nowhere/at/all.sock")
    with pytest.raises(StoreUnavailable):
        async with Leases(absent).hold("thing"):
            pytest.fail("nobody can hold it")
    await absent.close()
