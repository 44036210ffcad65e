"""An emptied, restarted or replaced Redis knows what was spent before it admits anything."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.proxy.budget.mending import Counted
from shared.proxy.budget.operations import Over, Reserved, ScopeOf
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.redis.valkey import ValkeyServer
from shared.types.errors import StoreUnavailable
from shared.usage.balance import BudgetBalances
from tests.shared.proxy.budget.environment import BudgetEnvironment, usage
from tests.stores import ANSWER_LIMIT_S

GENERATION = "budget:generation"


async def test_an_emptied_redis_counts_what_the_book_tells(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.spend("opr_1", 300, payer)
    await env.book_outbox()
    assert await env.leave("opr_2", 50, payer)
    await env.budget.reserve("opr_3", 40, payer, 60)
    await env.redis.call("FLUSHDB")
    assert not await env.budget.confirm("opr_3")
    assert set((await env.counted()).values()) == {Counted(300, 50)}
    assert isinstance(await env.budget.reserve("opr_4", 651, payer, 60), Over)
    assert isinstance(await env.budget.reserve("opr_5", 650, payer, 60), Reserved)
    await env.settle("opr_2", 20)
    assert set((await env.counted()).values()) == {Counted(320, 650)}


async def test_what_was_settled_and_not_booked_counts_at_its_reservation_once_redis_forgot_it(
    env: BudgetEnvironment,
) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 50, payer)
    await env.settle("opr_1", 20)
    await env.redis.call("FLUSHDB")
    await env.budget.seed()
    assert set((await env.counted()).values()) == {Counted(0, 50)}
    assert (await env.settle("opr_1", 20)).booked  # told again, it is as it was
    assert set((await env.counted()).values()) == {Counted(20, 0)}


async def test_a_lease_goes_on_where_it_was(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 50, payer, lease_s=60)
    await env.redis.call("FLUSHDB")
    assert not await env.budget.lapsed()
    env.budget.ahead_s += 61
    assert [one.operation_id for one in await env.budget.lapsed()] == ["opr_1"]


async def test_another_server_with_the_same_keys_is_cold(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.spend("opr_1", 300, payer)
    await env.budget.reserve("opr_2", 700, payer, 60)
    stale = await env.redis.call("GET", GENERATION)
    await env.redis.call("SET", GENERATION, "f" * 40 + stale[40:])
    before = env.recorded.reads
    assert await env.budget.remaining(payer) == 19_700
    assert env.recorded.reads == before + 1
    assert set((await env.counted()).values()) == {Counted(300, 0)}, "the outbox is told to the new generation"


async def test_what_a_former_generation_left_is_erased_by_the_sweep(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.spend("opr_1", 300, payer)
    former = await env.redis.call("GET", GENERATION)
    keys = [key async for key in env.redis.scan(f"budget:{former}:*")]
    replacement = "f" * 40 + former[40:]
    await env.redis.batch([("RENAME", key, key.replace(former, replacement)) for key in keys])
    await env.redis.call("SET", GENERATION, replacement)
    await env.budget.sweep()
    assert not [key async for key in env.redis.scan(f"budget:{replacement}:*")]
    assert not await env.redis.call("SMEMBERS", "budget:stale")
    assert set((await env.counted()).values()) == {Counted(300, 0)}


async def test_a_restarted_server_counts_as_before(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    await blobs.prepare()
    server = ValkeyServer(tmp_path / "valkey")
    await server.start()
    try:
        env = BudgetEnvironment(blobs, server.redis(answer_s=ANSWER_LIMIT_S))
        await env.noon()
        payer = await env.payer()
        await env.spend("opr_1", 300, payer)
        assert await env.leave("opr_2", 50, payer)
        generation = await env.redis.call("GET", GENERATION)
        assert server._process
        server._process.kill()
        await server._process.wait()
        await server._answering()
        assert await env.budget.remaining(payer) == 19_650
        assert await env.redis.call("GET", GENERATION) != generation
        assert set((await env.counted()).values()) == {Counted(300, 50)}
        assert (await env.settle("opr_2", 50)).booked
        await env.redis.close()
    finally:
        await server.close()


async def test_a_book_read_before_redis_was_emptied_again_is_not_believed(blobs: Blobs, redis: RedisClient) -> None:
    """Another process seeds, spends, and Redis is emptied, all while a slow one still holds its old reading."""
    quick = BudgetEnvironment(blobs, redis)
    await quick.noon()
    payer = await quick.payer()
    reads: list[BudgetBalances] = []

    async def slow_balances() -> BudgetBalances:
        balances = await quick.recorded.balances()
        reads.append(balances)
        if len(reads) == 1:
            await redis.call("DEL", "lease:budget:seeding")  # it took too long
            await quick.spend("opr_1", 600, payer)
            await quick.book_outbox()
            await redis.call("FLUSHDB")
        return balances

    slow = BudgetEnvironment(blobs, redis, balances=slow_balances)
    slow.budget.ahead_s = quick.budget.ahead_s
    assert isinstance(await slow.budget.reserve("opr_2", 500, payer, 60), Over)
    assert len(reads) == 2
    assert isinstance(await slow.budget.reserve("opr_3", 400, payer, 60), Reserved)


async def test_of_two_that_seed_only_one_counts(blobs: Blobs, redis: RedisClient) -> None:
    environments = [BudgetEnvironment(blobs, redis) for _ in range(2)]
    payer = await environments[0].payer()
    environments[1].recorded = environments[0].recorded
    await asyncio.gather(*(env.budget.reserve(f"opr_{n}", 10, payer, 60) for n, env in enumerate(environments * 5)))
    reserved = {counted.reserved_microusd for counted in (await environments[0].counted()).values()}
    assert reserved == {100}


async def test_a_big_book_comes_whole(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.leave("opr_0", 1, payer)
    call = env.recorded.outbound.pop("opr_0")
    for number in range(1200):
        key = replace(call.windows[0], id=f"key_{number}")
        one = replace(call, operation_id=f"opr_{number}", windows=(key, *call.windows[2:]))
        env.recorded.outbound[one.operation_id] = one
        if number % 2:
            env.recorded.usage[one.operation_id] = usage(one.operation_id, 2)
    await env.redis.call("FLUSHDB")
    await env.budget.seed()
    counted = await env.counted()
    assert len(counted) == 1204
    assert [counted[window] for window in call.windows[2:]] == [Counted(1200, 600)] * 4
    assert len(await env.budget.lapsed(1)) == 0
    env.budget.ahead_s += 61
    assert len(await env.budget.lapsed(1000)) == 600


async def test_a_book_that_cannot_be_read_admits_nothing(blobs: Blobs, redis: RedisClient) -> None:
    async def away() -> BudgetBalances:
        raise StoreUnavailable("blobs", "S3 does not answer")

    env = BudgetEnvironment(blobs, redis, balances=away)
    payer = await env.payer("enterprise")
    with pytest.raises(StoreUnavailable):
        await env.budget.reserve("opr_1", 1, payer, 60)
    with pytest.raises(StoreUnavailable):
        await env.budget.windows([ScopeOf("platform")])
    assert await redis.call("GET", GENERATION) is None


async def test_a_caller_that_gives_up_does_not_end_the_seeding_of_the_others(blobs: Blobs, redis: RedisClient) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slow() -> BudgetBalances:
        asked.set()
        await answered.wait()
        return BudgetBalances()

    env = BudgetEnvironment(blobs, redis, balances=slow)
    payer = await env.payer("enterprise")
    impatient = asyncio.create_task(env.budget.reserve("opr_1", 1, payer, 60))
    patient = asyncio.create_task(env.budget.reserve("opr_2", 1, payer, 60))
    await asked.wait()
    impatient.cancel()
    answered.set()
    assert isinstance(await patient, Reserved)


async def test_a_call_waits_for_a_seeding_no_longer_than_its_time_and_the_seeding_goes_on(
    env: BudgetEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.proxy.budget.budget.SEEDING_S", 0.1)
    payer = await env.payer()
    await env.spend("opr_1", 300, payer)
    await env.book_outbox()
    await env.redis.call("FLUSHDB")
    async with Leases(env.redis).hold("budget:seeding"):  # another process reads the ledger, or died while it did
        with pytest.raises(StoreUnavailable, match="usage ledger"):
            await env.budget.reserve("opr_2", 50, payer, 60)
    monkeypatch.setattr("shared.proxy.budget.budget.SEEDING_S", 20)
    assert isinstance(await env.budget.reserve("opr_3", 50, payer, 60), Reserved)
    assert set((await env.counted()).values()) == {Counted(300, 50)}
