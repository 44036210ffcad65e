"""A credential is what the ledger says it is: nothing that Redis forgets, keeps or mixes up changes that."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.access.accounts import Accounts
from shared.access.apikeys import key_hash, new_id, new_key, well_formed
from shared.access.cached_principals import cached_key
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.blobs.port import Blobs
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient, RedisWord, Script
from shared.redis.connection import over_url
from shared.types.clock import now
from shared.types.errors import NotFound, StoreUnavailable, Unauthenticated
from shared.types.principal import Role
from tests.stores import ANSWER_LIMIT_S

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
A_KEY = new_key(new_id("key_"))


@pytest.fixture
def accounts(blobs: Blobs, redis: RedisClient) -> Accounts:
    return Accounts(blobs, redis)


@pytest.fixture
def gate(accounts: Accounts, redis: RedisClient) -> Gate:
    return Gate(Credentials(accounts), redis)


@pytest.fixture
async def tenant(accounts: Accounts) -> TenantRecord:
    return await accounts.create_tenant("a tenant", "pro")


async def is_refused(gate: Gate, key: str) -> bool:
    try:
        await gate.admit(key, "default")
    except Unauthenticated:
        return True
    return False


# The key itself


@settings(deadline=None)
@given(st.integers(0, len(A_KEY) - 1), st.sampled_from(ALPHABET))
def test_one_wrong_letter_is_found_without_a_store(place: int, letter: str) -> None:
    typed = A_KEY[:place] + letter + A_KEY[place + 1 :]
    assert well_formed(typed) == (typed == A_KEY)


@settings(deadline=None)
@given(st.integers(0, len(A_KEY) - 2))
def test_two_swapped_letters_are_found_without_a_store(place: int) -> None:
    typed = A_KEY[:place] + A_KEY[place + 1] + A_KEY[place] + A_KEY[place + 2 :]
    assert well_formed(typed) == (typed == A_KEY)


@settings(deadline=None)
@given(st.text(max_size=120))
def test_no_text_is_mistaken_for_a_key(text: str) -> None:
    assert not well_formed(text)
    assert not well_formed(A_KEY + text) or not text


def test_every_new_key_is_well_formed_and_its_own() -> None:
    keys = {new_key(new_id("key_")) for _ in range(200)}
    assert len(keys) == 200 and all(map(well_formed, keys))


NO_KEYS = {
    "nothing": "",
    "a prefix": "aeg_",
    "too short": "x" * 15,
    "not ASCII": "é" * 40,
    "a line end": A_KEY + "\n",
    "a letter less": A_KEY[:-1],
    "a letter more": A_KEY + "a",
    "very long": "a" * 100_000,
    "NUL": "\x00" * 64,
}


@pytest.mark.parametrize("key", NO_KEYS.values(), ids=NO_KEYS.keys())
async def test_what_is_no_key_is_refused_without_asking_a_store(key: str, tmp_path: Path) -> None:
    nowhere = over_url(f"unix://{tmp_path}/nothing-here")
    with pytest.raises(Unauthenticated):
        await Gate(Credentials(Accounts(None, nowhere)), nowhere).admit(key, "default")  # type: ignore[arg-type]
    await nowhere.close()


async def test_no_store_ever_holds_a_key(
    accounts: Accounts, gate: Gate, tenant: TenantRecord, redis: RedisClient, blobs: Blobs
) -> None:
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    await gate.admit(key, "default")
    secret = key.split("_")[2][:20]
    names = [name for prefix in ("t/", "keys/") for name in await blobs.names(prefix)]
    stored = [name.encode() + await blobs.read(name) for name in names]
    assert len(stored) == 3 and not any(secret.encode() in content for content in stored)
    async for name in redis.scan("key:*"):
        assert secret not in name and secret not in str(await redis.call("HGETALL", name))


# Who it is


@pytest.mark.parametrize("role", ["reader", "member", "admin"])
async def test_a_key_says_whose_it_is(role: Role, accounts: Accounts, gate: Gate, tenant: TenantRecord) -> None:
    record, key = await accounts.create_key(tenant.tenant_id, "a key", role, scopes=("read",), user_id="usr_1")
    principal, _ = await gate.admit(key, "default")
    assert (principal.tenant_id, principal.key_id, principal.role) == (tenant.tenant_id, record.key_id, role)
    assert (principal.scopes, principal.user_id) == (("read",), "usr_1")


async def test_an_operator_belongs_to_no_tenant(accounts: Accounts, gate: Gate) -> None:
    _, key = await accounts.create_key("", "an operator", "operator")
    principal, limits = await gate.admit(key, "default")
    assert (principal.tenant_id, principal.role, limits.limit) == ("", "operator", None)


async def test_an_unknown_key_is_refused(gate: Gate) -> None:
    assert await is_refused(gate, A_KEY)


async def test_an_expired_key_is_refused(accounts: Accounts, gate: Gate, tenant: TenantRecord) -> None:
    for seconds, refused in ((-0.001, True), (60, False)):
        ends = now() + timedelta(seconds=seconds)
        _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin", expires_at=ends)
        assert await is_refused(gate, key) is refused


async def test_a_key_that_was_let_in_expires_all_the_same(accounts: Accounts, gate: Gate, tenant: TenantRecord) -> None:
    ends = now() + timedelta(seconds=0.3)
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin", expires_at=ends)
    assert not await is_refused(gate, key)
    await asyncio.sleep(0.35)
    assert await is_refused(gate, key)


# Revocation


async def test_a_revoked_key_is_refused_from_the_next_call_on_in_every_process(
    accounts: Accounts, gate: Gate, tenant: TenantRecord, blobs: Blobs, redis_url: str
) -> None:
    record, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    elsewhere = over_url(redis_url, answer_s=ANSWER_LIMIT_S)
    other = Gate(Credentials(Accounts(blobs, elsewhere)), elsewhere)
    assert not await is_refused(gate, key) and not await is_refused(other, key)
    await accounts.revoke_key(tenant.tenant_id, record.key_id)
    assert await is_refused(gate, key) and await is_refused(other, key)
    await elsewhere.close()


async def test_a_revoked_key_stays_so_when_redis_is_emptied(
    accounts: Accounts, gate: Gate, tenant: TenantRecord, redis: RedisClient
) -> None:
    record, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    await accounts.revoke_key(tenant.tenant_id, record.key_id)
    await redis.call("FLUSHDB")
    assert await is_refused(gate, key)
    with pytest.raises(NotFound):
        await accounts.revoke_key(tenant.tenant_id, record.key_id)


class HeldBlobs:
    """Reads each blob, and gives it out only when told to."""

    def __init__(self, blobs: Blobs, part: str) -> None:
        self._blobs = blobs
        self._part = part
        self.was_read = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def read(self, name: str) -> bytes:
        content = await self._blobs.read(name)
        if self._part in name:
            self.was_read.set()
            await self.may_go_on.wait()
        return content


@pytest.mark.parametrize("part", ["keys/", "accounts/keys/", "accounts/tenant"])
async def test_a_revocation_is_not_undone_by_a_process_that_read_the_key_before_it(
    part: str, accounts: Accounts, gate: Gate, tenant: TenantRecord, blobs: Blobs, redis: RedisClient
) -> None:
    record, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    held = HeldBlobs(blobs, part)
    late = Gate(Credentials(Accounts(held, redis)), redis)  # type: ignore[arg-type]
    admission = asyncio.create_task(is_refused(late, key))
    await held.was_read.wait()
    await accounts.revoke_key(tenant.tenant_id, record.key_id)
    held.may_go_on.set()
    assert await admission
    assert await is_refused(gate, key)


class FailingRedis(RedisClient):
    """Does not answer to transactions while `is_away`."""

    is_away = True

    async def batch(self, commands: Sequence[Sequence[RedisWord]]) -> list[Any]:
        if self.is_away:
            raise StoreUnavailable("counters", "away")
        return await super().batch(commands)


async def test_a_revocation_that_failed_half_way_can_be_made_again(
    accounts: Accounts, gate: Gate, tenant: TenantRecord, blobs: Blobs, redis: RedisClient
) -> None:
    record, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    assert not await is_refused(gate, key)
    failing = FailingRedis.over(redis)
    with pytest.raises(StoreUnavailable):
        await Accounts(blobs, failing).revoke_key(tenant.tenant_id, record.key_id)
    failing.is_away = False
    await Accounts(blobs, failing).revoke_key(tenant.tenant_id, record.key_id)
    assert await is_refused(gate, key)
    assert await accounts.keys(tenant.tenant_id) == []


async def test_a_deletion_of_a_tenant_that_failed_half_way_can_be_made_again(
    accounts: Accounts, gate: Gate, tenant: TenantRecord, blobs: Blobs, redis: RedisClient
) -> None:
    keys = [(await accounts.create_key(tenant.tenant_id, "a key", "admin"))[1] for _ in range(2)]
    assert [await is_refused(gate, key) for key in keys] == [False, False]
    failing = FailingRedis.over(redis)
    with pytest.raises(StoreUnavailable):
        await Accounts(blobs, failing).delete_tenant(tenant.tenant_id)
    assert await accounts.tenant(tenant.tenant_id) is None, "nothing enters from the first step on"
    await accounts.delete_tenant(tenant.tenant_id)
    assert [await is_refused(gate, key) for key in keys] == [True, True]
    assert await accounts.tenant(tenant.tenant_id) is None


async def test_one_tenant_cannot_revoke_anothers_key(accounts: Accounts, gate: Gate, tenant: TenantRecord) -> None:
    record, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    other = await accounts.create_tenant("another", "pro")
    with pytest.raises(NotFound):
        await accounts.revoke_key(other.tenant_id, record.key_id)
    assert not await is_refused(gate, key)


# An emptied Redis


async def test_an_emptied_redis_refuses_nobody(
    accounts: Accounts, gate: Gate, tenant: TenantRecord, redis: RedisClient
) -> None:
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "member")
    _, operator = await accounts.create_key("", "an operator", "operator")
    for one in (key, operator):
        before, _ = await gate.admit(one, "default")
        await redis.call("FLUSHDB")
        after, _ = await gate.admit(one, "default")
        assert after == before


async def test_a_tenants_tier_survives_an_emptied_redis(
    accounts: Accounts, gate: Gate, tenant: TenantRecord, redis: RedisClient
) -> None:
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "member")
    await redis.call("FLUSHDB")
    assert (await gate.admit(key, "default"))[1].limit == 100
    await redis.call("DEL", cached_key(key_hash(key)))
    assert (await gate.admit(key, "default"))[1].limit == 100
    await redis.call("DEL", f"tenant:{tenant.tenant_id}")
    assert (await gate.admit(key, "default"))[1].limit == 100


class ForgetfulRedis(RedisClient):
    """Is emptied before every command: as often as `times` says."""

    times = 0

    async def run(self, script: Script, keys: Sequence[str] = (), arguments: Sequence[RedisWord] = ()) -> Any:
        if self.times:
            self.times -= 1
            await self.call("FLUSHDB")
        return await super().run(script, keys, arguments)


@pytest.mark.parametrize("times", range(1, 6))
async def test_a_redis_emptied_again_and_again_is_away_and_never_a_401(
    times: int, accounts: Accounts, tenant: TenantRecord, blobs: Blobs, redis: RedisClient
) -> None:
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "member")
    forgetful = ForgetfulRedis.over(redis)
    gate = Gate(Credentials(Accounts(blobs, forgetful)), forgetful)
    forgetful.times = times
    with suppress(StoreUnavailable):
        await gate.admit(key, "default")
    forgetful.times = 0
    assert (await gate.admit(key, "default"))[0].tenant_id == tenant.tenant_id


class AwayBlobs:
    async def read(self, name: str) -> bytes:
        raise StoreUnavailable("blobs", "away")


async def test_a_ledger_that_is_away_is_never_a_401(redis: RedisClient) -> None:
    with pytest.raises(StoreUnavailable):
        await Gate(Credentials(Accounts(AwayBlobs(), redis)), redis).admit(A_KEY, "default")  # type: ignore[arg-type]


async def test_a_late_reader_does_not_bring_back_an_old_tier(
    accounts: Accounts, tenant: TenantRecord, blobs: Blobs, redis: RedisClient
) -> None:
    held = HeldBlobs(blobs, "accounts/tenant")
    late = asyncio.create_task(Accounts(held, redis).load_tenant(tenant.tenant_id))  # type: ignore[arg-type]
    await held.was_read.wait()
    await accounts.keep_tenant(msgspec.structs.replace(tenant, tier="free"))
    held.may_go_on.set()
    assert await late
    assert await redis.call("HGET", f"tenant:{tenant.tenant_id}", "tier") == "free"


async def test_a_full_redis_still_admits_a_caller_without_limits(
    accounts: Accounts, gate: Gate, redis: RedisClient
) -> None:
    tenant = await accounts.create_tenant("a tenant", "enterprise")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    await gate.admit(key, "reads")
    await redis.call("CONFIG", "SET", "maxmemory", "1mb")
    try:
        with pytest.raises(StoreUnavailable):
            await redis.call("SET", "name", "x" * 2_000_000)
        principal, _ = await gate.admit(key, "reads")
        assert principal.tenant_id == tenant.tenant_id
    finally:
        await redis.call("CONFIG", "SET", "maxmemory", "0")
