"""Limits are exact: per tenant, over all its keys, in all processes, on Redis' own clock."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from shared.access.accounts import Accounts
from shared.access.apikeys import new_key
from shared.access.credentials import Credentials
from shared.access.gate import PER_ADDRESS_A_MINUTE, REFUSED_A_MINUTE, Gate, RateLimits, admit_address
from shared.access.refusals import Refusals
from shared.blobs.port import Blobs
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.types.errors import Unauthenticated
from shared.types.principal import Tier

MINUTE, DAY = 60, 86400


@pytest.fixture
def accounts(blobs: Blobs, redis: RedisClient) -> Accounts:
    return Accounts(blobs, redis)


@pytest.fixture
def gate(accounts: Accounts, redis: RedisClient) -> Gate:
    return Gate(Credentials(accounts), redis)


async def key_of(accounts: Accounts, tier: Tier) -> tuple[str, str]:
    """A new tenant's id and a key of it."""
    tenant = await accounts.create_tenant("a tenant", tier)
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    return tenant.tenant_id, key


async def room_in_the_minute(redis: RedisClient, seconds: float) -> int:
    """The server's time, with so much left of its minute."""
    now = int((await redis.call("TIME"))[0])
    left = MINUTE - now % MINUTE
    if left >= seconds:
        return now
    await asyncio.sleep(left)
    return now + left


async def use(redis: RedisClient, tenant_id: str, policy: str, span: int, window: int, used: int) -> str:
    """Says that so many calls were made in a window."""
    name = f"limit:{tenant_id}:{policy}:{span}:{window}"
    await redis.call("SET", name, used)
    return name


async def admit(gate: Gate, key: str, policy: str, times: int) -> list[RateLimits]:
    return [(await gate.admit(key, policy))[1] for _ in range(times)]


def fire(url: str, key: str, policy: str, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.shared.access.firing", url, key, policy, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("policy", "admitted"), [("default", 10), ("reads", 100)])
async def test_of_200_calls_at_once_in_two_processes_exactly_the_limit_is_admitted(
    policy: str, admitted: int, accounts: Accounts, gate: Gate, redis: RedisClient, redis_url: str
) -> None:
    _, key = await key_of(accounts, "free")
    await gate.admit(key, "none")  # from here on Redis knows the key
    processes = [fire(redis_url, key, policy, 100) for _ in range(2)]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    await room_in_the_minute(redis, 4)
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    counted = [tuple(map(int, process.communicate(timeout=20)[0].split())) for process in processes]
    assert sum(count[0] for count in counted) == admitted
    assert sum(count[1] for count in counted) == 200 - admitted


async def test_each_tier_has_its_limit(accounts: Accounts, gate: Gate, redis: RedisClient) -> None:
    await room_in_the_minute(redis, 3)
    for tier, limit in (("free", 10), ("pro", 100)):
        _, key = await key_of(accounts, tier)  # type: ignore[arg-type]
        limits = await admit(gate, key, "default", limit + 1)
        assert [one.remaining for one in limits] == [*range(limit - 1, -1, -1), 0]
        assert [bool(one.retry_after) for one in limits] == [False] * limit + [True]
    _, key = await key_of(accounts, "enterprise")
    assert set(await admit(gate, key, "default", 150)) == {RateLimits()}


async def test_reads_have_ten_times_the_limit_and_are_counted_apart(
    accounts: Accounts, gate: Gate, redis: RedisClient
) -> None:
    await room_in_the_minute(redis, 3)
    _, key = await key_of(accounts, "free")
    assert (await admit(gate, key, "default", 11))[-1].retry_after
    limits = await admit(gate, key, "reads", 101)
    assert limits[0] == RateLimits(100, 99, limits[0].reset, 0)
    assert not limits[99].retry_after and limits[100].retry_after


async def test_what_does_not_count_is_never_refused(accounts: Accounts, gate: Gate) -> None:
    _, key = await key_of(accounts, "free")
    assert set(await admit(gate, key, "none", 30)) == {RateLimits()}


async def test_a_new_minute_begins_with_the_whole_limit(accounts: Accounts, gate: Gate, redis: RedisClient) -> None:
    tenant_id, key = await key_of(accounts, "free")
    now = await room_in_the_minute(redis, 3)
    await use(redis, tenant_id, "default", MINUTE, now // MINUTE - 1, 10)
    await use(redis, tenant_id, "default", MINUTE, now // MINUTE + 1, 10)
    assert (await admit(gate, key, "default", 1))[0].remaining == 9
    await use(redis, tenant_id, "default", MINUTE, now // MINUTE, 9)
    last, refused = await admit(gate, key, "default", 2)
    assert (last.remaining, last.retry_after) == (0, 0)
    assert refused.reset == (now // MINUTE + 1) * MINUTE
    assert 0 < refused.retry_after <= MINUTE


async def test_a_day_that_is_used_up_is_refused_until_its_end(
    accounts: Accounts, gate: Gate, redis: RedisClient
) -> None:
    tenant_id, key = await key_of(accounts, "free")
    now = await room_in_the_minute(redis, 3)
    day = await use(redis, tenant_id, "default", DAY, now // DAY, 99)
    last, refused = await admit(gate, key, "default", 2)
    assert (last.limit, last.remaining, last.retry_after) == (100, 0, 0)
    assert refused.reset == (now // DAY + 1) * DAY
    assert abs(refused.reset - now - refused.retry_after) <= 2
    assert await redis.call("GET", day) == "100"


async def test_a_refused_call_is_not_counted(accounts: Accounts, gate: Gate, redis: RedisClient) -> None:
    tenant_id, key = await key_of(accounts, "free")
    now = await room_in_the_minute(redis, 3)
    minute = await use(redis, tenant_id, "default", MINUTE, now // MINUTE, 10)
    await admit(gate, key, "default", 5)
    assert await redis.call("GET", minute) == "10"
    assert await redis.call("GET", f"limit:{tenant_id}:default:{DAY}:{now // DAY}") is None


async def test_the_limit_that_is_shown_is_the_one_that_binds_first(
    accounts: Accounts, gate: Gate, redis: RedisClient
) -> None:
    tenant_id, key = await key_of(accounts, "free")
    now = await room_in_the_minute(redis, 3)
    await use(redis, tenant_id, "default", DAY, now // DAY, 97)
    assert (await admit(gate, key, "default", 1))[0] == RateLimits(100, 2, (now // DAY + 1) * DAY, 0)


async def test_a_new_tier_holds_from_the_next_call_on(accounts: Accounts, gate: Gate, redis: RedisClient) -> None:
    await room_in_the_minute(redis, 3)
    tenant_id, key = await key_of(accounts, "free")
    assert (await admit(gate, key, "default", 11))[-1].retry_after
    tenant = await accounts.tenant(tenant_id)
    assert tenant
    await accounts.keep_tenant(msgspec.structs.replace(tenant, tier="pro"))
    assert (await admit(gate, key, "default", 1))[0].limit == 100


async def test_tenants_do_not_share_a_limit(accounts: Accounts, gate: Gate, redis: RedisClient) -> None:
    await room_in_the_minute(redis, 3)
    (_, one), (_, other) = await key_of(accounts, "free"), await key_of(accounts, "free")
    assert (await admit(gate, one, "default", 11))[-1].retry_after
    assert (await admit(gate, other, "default", 1))[0].remaining == 9


async def test_counts_do_not_stay_for_ever(accounts: Accounts, gate: Gate, redis: RedisClient) -> None:
    _, key = await key_of(accounts, "free")
    await admit(gate, key, "default", 3)
    stored = [name async for name in redis.scan("limit:*")]
    assert len(stored) >= 2
    for name in stored:
        assert 0 < await redis.call("TTL", name) <= 2 * DAY


async def test_an_address_has_its_own_limit_and_no_redis_no_limit(redis: RedisClient, tmp_path: Path) -> None:
    await room_in_the_minute(redis, 3)
    answers = [await admit_address(redis, "192.0.2.1") for _ in range(PER_ADDRESS_A_MINUTE + 1)]
    assert [bool(one.retry_after) for one in answers] == [False] * 60 + [True]
    assert not (await admit_address(redis, "192.0.2.2")).retry_after
    away = over_url(f"unix://{tmp_path}/nothing-here")
    assert await admit_address(away, "192.0.2.1") == RateLimits()
    await away.close()


async def test_a_refused_key_beyond_the_limit_of_its_address_costs_nothing(
    accounts: Accounts, gate: Gate, redis: RedisClient
) -> None:
    refusals, address = Refusals(redis), "192.0.2.1"
    await room_in_the_minute(redis, 3)
    assert [await refusals.count(address, f"bad {n}") for n in range(REFUSED_A_MINUTE)] == [None] * REFUSED_A_MINUTE
    assert refusals.beyond(address) is None
    assert await refusals.count(address, "a bad key")
    beyond = refusals.beyond(address)
    assert beyond and beyond.limit == REFUSED_A_MINUTE and 0 < beyond.retry_after <= MINUTE
    assert refusals.is_refused("a bad key") and not refusals.is_refused("another key")
    assert refusals.beyond("192.0.2.2") is None


async def test_beyond_the_limit_of_its_address_every_valid_key_works_and_bad_ones_cost_one_look(
    accounts: Accounts, gate: Gate, blobs: Blobs, redis: RedisClient
) -> None:
    async def refused(key: str) -> None:
        with pytest.raises(Unauthenticated):
            await gate.admit(key, "none", is_bounded=True)

    lists: list[str] = []
    listed, blobs.names = blobs.names, lambda prefix: lists.append(prefix) or listed(prefix)  # type: ignore[method-assign, func-returns-value]
    reads: list[str] = []
    read, blobs.read = blobs.read, lambda name: reads.append(name) or read(name)  # type: ignore[method-assign, func-returns-value]
    _, old = await key_of(Accounts(blobs, redis), "pro")  # made by another process
    await gate.admit(old, "none", is_bounded=True)
    await redis.call("FLUSHALL")
    reads.clear()
    await asyncio.gather(*(refused(new_key("key_" + f"{n:016}")) for n in range(50)))
    assert (lists, reads) == (["keys/"], [])
    await gate.admit(old, "none", is_bounded=True)
    _, new = await key_of(accounts, "pro")
    await accounts.cache_new_key(new)
    for emptied in (False, True):
        if emptied:
            await redis.call("FLUSHALL")
        reads.clear()
        await gate.admit(new, "none", is_bounded=True)
        assert bool(reads) == emptied, "a cached key needs no look-up"
    assert lists == ["keys/"]
