"""What every Redis promises through our port, whoever runs it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from shared.redis.client import ANSWER_S, RedisClient, Script, pairs
from shared.redis.connection import over_url
from shared.runtime.http.problems import problem_of
from shared.types.errors import StoreFull, StoreUnavailable
from tests.stores import ANSWER_LIMIT_S
from tests.timing import within


@pytest.fixture
async def narrow(redis_url: str, redis: RedisClient) -> AsyncIterator[RedisClient]:
    """Two connections and no more."""
    opened = over_url(redis_url, connections=2, answer_s=ANSWER_LIMIT_S)
    yield opened
    await opened.close()


async def test_a_command_is_answered_as_the_server_says_it(redis: RedisClient) -> None:
    assert await redis.call("SET", "name", "Größe") == "OK"
    assert await redis.call("GET", "name") == "Größe"
    assert await redis.call("HSET", "map", "a", 1, "b", 2) == 2
    assert dict(pairs(await redis.call("HGETALL", "map"))) == {"a": "1", "b": "2"}
    assert await redis.call("GET", "nothing") is None


async def test_a_batch_is_applied_together(redis: RedisClient) -> None:
    assert await redis.batch([("INCR", "n"), ("INCR", "n"), ("GET", "n")]) == [1, 2, "2"]
    assert await redis.batch([]) == []


async def test_nothing_comes_between_the_commands_of_a_batch(redis: RedisClient) -> None:
    batches = await asyncio.gather(*(redis.batch([("INCR", "n"), ("INCR", "n")]) for _ in range(50)))
    assert all(second == first + 1 for first, second in batches)


async def test_a_script_runs_on_a_server_that_does_not_know_it_yet(redis: RedisClient) -> None:
    script = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert await redis.run(script, ["n"], [5]) == 5
    assert await redis.run(script, ["n"], [5]) == 10
    await redis.call("SCRIPT", "FLUSH")
    assert await redis.run(script, ["n"], [5]) == 15


async def test_a_scan_finds_every_key_that_matches(redis: RedisClient) -> None:
    await redis.batch([("SET", f"a:{number}", 1) for number in range(1500)] + [("SET", "b:1", 1)])
    assert {key async for key in redis.scan("a:*")} == {f"a:{number}" for number in range(1500)}


async def test_more_callers_than_connections_wait_instead_of_failing(narrow: RedisClient) -> None:
    await asyncio.gather(*(narrow.call("INCR", "n") for _ in range(400)))
    assert await narrow.call("GET", "n") == "400"


async def test_no_caller_is_passed_over_by_those_who_come_again_and_again(narrow: RedisClient) -> None:
    until = time.monotonic() + 2 * ANSWER_S

    async def again_and_again() -> None:
        while time.monotonic() < until:
            await narrow.ping()

    await asyncio.gather(*(again_and_again() for _ in range(50)))


async def test_callers_wait_while_every_connection_is_at_work(narrow: RedisClient) -> None:
    blocked = [asyncio.create_task(narrow.call("BLPOP", f"nothing:{number}", 0.25)) for number in range(2)]
    await asyncio.sleep(0.05)
    assert await asyncio.gather(*(narrow.call("INCR", "n") for _ in range(20)))
    assert await asyncio.gather(*blocked) == [None, None]


async def test_an_answer_that_we_were_too_busy_to_read_is_an_answer(redis: RedisClient) -> None:
    await redis.call("SET", "n", 1)
    waiting = [asyncio.create_task(redis.call("GET", "n")) for _ in range(5)]
    await asyncio.sleep(0)
    time.sleep(0.8)  # the whole process, longer than an answer may take
    assert await asyncio.gather(*waiting) == ["1"] * 5


async def test_a_call_that_was_given_up_leaves_its_answer_to_nobody_else(narrow: RedisClient) -> None:
    await narrow.call("SET", "mine", "mine")
    for _ in range(6):
        given_up = asyncio.create_task(narrow.call("BLPOP", "nothing", 0.3))
        await asyncio.sleep(0.02)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert await asyncio.gather(*(narrow.call("GET", "mine") for _ in range(4))) == ["mine"] * 4


async def test_a_call_that_is_given_up_ends_whatever_it_was_just_doing(redis: RedisClient) -> None:
    went_on = []

    async def work() -> None:
        await redis.batch([("SET", "n", 1), ("GET", "n")])
        await redis.call("GET", "n")
        await asyncio.sleep(0)
        went_on.append(True)

    await asyncio.gather(*(redis.ping() for _ in range(3)))
    for turns in range(60):
        given_up = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        if given_up.cancel():
            before = len(went_on)
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert len(went_on) == before, f"it went on, given up after {turns} turns"


async def test_a_server_that_is_not_there_is_unavailable_at_once() -> None:
    for url in ("redis://127.0.0.1:1", "unix:///nowhere/at/all.sock"):
        absent = over_url(url)
        with within(1), pytest.raises(StoreUnavailable) as caught:
            await absent.ping()
        assert caught.value.store == "counters"
        await absent.close()


@pytest.mark.parametrize(
    "reply",
    ["OOM command not allowed", "READONLY You cannot write", "LOADING Redis is loading", "MASTERDOWN Link is down",
     "BUSY Redis is busy running a script"],
)  # fmt: skip
async def test_a_server_that_cannot_take_commands_is_unavailable(redis: RedisClient, reply: str) -> None:
    failing = Script(f"return redis.error_reply('{reply}')")
    with pytest.raises(StoreUnavailable):
        await redis.run(failing)
    with pytest.raises(StoreUnavailable):
        await redis.batch([("EVAL", failing.text, 0)])


@pytest.mark.parametrize(
    "reply",
    ["MISCONF Errors writing to the AOF file: No space left on device",
     "MISCONF Valkey is configured to save RDB snapshots, but it is currently unable to persist to disk."],
)  # fmt: skip
async def test_a_server_that_cannot_write_its_file_is_full(redis: RedisClient, reply: str) -> None:
    failing = Script(f"return redis.error_reply('{reply}')")
    with pytest.raises(StoreFull) as caught:
        await redis.run(failing)
    with pytest.raises(StoreFull):
        await redis.batch([("EVAL", failing.text, 0)])
    problem = problem_of(caught.value)
    assert (problem.slug, problem.status) == ("disk-full", 507)


async def test_a_full_server_is_unavailable_keeps_what_it_has_and_works_again(redis: RedisClient) -> None:
    await redis.call("SET", "kept", "x")
    await redis.call("CONFIG", "SET", "maxmemory", "1mb")
    try:
        with pytest.raises(StoreUnavailable) as caught:
            await redis.batch([("SET", "secret-name", "x" * 2_000_000)])
        assert "secret-name" not in str(caught.value)
        with pytest.raises(StoreUnavailable, match="Redis is full") as full:
            await redis.run(Script("return redis.call('SET', KEYS[1], ARGV[1])"), ["name"], ["x"])
        assert full.value.retry_after >= 60
        assert await redis.call("GET", "kept") == "x"
    finally:
        await redis.call("CONFIG", "SET", "maxmemory", "0")
    await redis.batch([("SET", "name", "x")])


async def test_a_wrong_command_is_our_fault_and_not_the_servers(redis: RedisClient) -> None:
    await redis.call("SET", "text", "x")
    with pytest.raises(Exception, match="WRONGTYPE") as caught:
        await redis.call("LPUSH", "text", "x")
    assert not isinstance(caught.value, StoreUnavailable)
