"""Who may spend learns at the gate what is left, in the same round trip."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.access.accounts import Accounts
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.blobs.port import Blobs
from shared.proxy.budget.budget import Budget
from shared.redis.client import RedisClient, RedisWord, Script
from shared.redis.leases import Leases
from shared.types.errors import StoreUnavailable, Unauthenticated
from shared.types.payer import Payer
from shared.types.remaining_budget import RemainingBudget
from shared.usage.balance import BudgetBalances
from tests.timing import within


class Counting(RedisClient):
    """Counts the round trips."""

    trips = 0

    async def run(self, script: Script, keys: Sequence[str] = (), arguments: Sequence[RedisWord] = ()) -> Any:
        self.trips += 1
        return await super().run(script, keys, arguments)


async def nothing() -> BudgetBalances:
    return BudgetBalances()


async def away() -> BudgetBalances:
    raise StoreUnavailable("blobs", "S3 does not answer")


@pytest.fixture
def accounts(blobs: Blobs, redis: RedisClient) -> Accounts:
    return Accounts(blobs, redis)


def gate_over(accounts: Accounts, redis: RedisClient, blobs: Blobs) -> tuple[Gate, Budget]:
    budget = Budget(redis, blobs, accounts, nothing)
    return Gate(Credentials(accounts), redis, lambda: budget), budget


async def test_the_gate_tells_the_smallest_remainder(accounts: Accounts, redis: RedisClient, blobs: Blobs) -> None:
    gate, budget = gate_over(accounts, redis, blobs)
    tenant = await accounts.create_tenant("a tenant", "pro")
    record, key = await accounts.create_key(tenant.tenant_id, "a key", "reader")
    _, limits, remaining_budget = await gate.admit_spender(key, "default")
    assert (remaining_budget.header, limits.limit, limits.remaining) == ("20.000000", 100, 99), (
        "counted once, though it was cold"
    )
    await budget.reserve("opr_1", 1_234_567, Payer(tenant.tenant_id, record.key_id), 60)
    _, limits, remaining_budget = await gate.admit_spender(key, "default")
    assert (remaining_budget.header, limits.remaining) == ("18.765433", 98)


async def test_credential_limits_and_budget_take_one_round_trip(
    accounts: Accounts, redis: RedisClient, blobs: Blobs
) -> None:
    counting = Counting.over(redis)
    gate, _ = gate_over(accounts, counting, blobs)
    tenant = await accounts.create_tenant("a tenant", "pro")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "reader")
    await gate.admit_spender(key, "default")
    counting.trips = 0
    assert (await gate.admit_spender(key, "default"))[2].header == "20.000000"
    assert counting.trips == 1


async def test_a_free_tenant_has_nothing_and_an_operator_no_purse(
    accounts: Accounts, redis: RedisClient, blobs: Blobs
) -> None:
    gate, _ = gate_over(accounts, redis, blobs)
    tenant = await accounts.create_tenant("a tenant", "free")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "reader")
    _, operators = await accounts.create_key("", "an operator", "operator")
    for _ in range(2):
        assert (await gate.admit_spender(key, "none"))[2].header == "0.000000"
        assert (await gate.admit_spender(operators, "none"))[2].header == ""


async def test_a_budget_that_cannot_be_known_keeps_nobody_out(
    accounts: Accounts, redis: RedisClient, blobs: Blobs
) -> None:
    budget = Budget(redis, blobs, accounts, away)
    tenant = await accounts.create_tenant("a tenant", "enterprise")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "reader")
    principal, _, remaining_budget = await Gate(Credentials(accounts), redis, lambda: budget).admit_spender(
        key, "default"
    )
    assert principal.tenant_id == tenant.tenant_id and remaining_budget.header == ""


async def test_a_wrong_key_is_refused_all_the_same(accounts: Accounts, redis: RedisClient, blobs: Blobs) -> None:
    gate, _ = gate_over(accounts, redis, blobs)
    with pytest.raises(Unauthenticated):
        await gate.admit_spender("aeg_not-one-of-ours", "default")


@pytest.mark.parametrize(
    ("microusd", "header"), [(None, "unlimited"), (0, "0.000000"), (1, "0.000001"), (12_345_678, "12.345678")]
)
def test_a_remainder_is_told_to_the_micro_dollar(microusd: int | None, header: str) -> None:
    remaining_budget = RemainingBudget()
    assert remaining_budget.header == ""
    remaining_budget.show(microusd)
    assert remaining_budget.header == header


async def test_a_request_does_not_wait_for_what_only_its_header_says(
    accounts: Accounts, redis: RedisClient, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.access.gate.REMAINING_S", 0.1)
    gate, _ = gate_over(accounts, redis, blobs)
    tenant = await accounts.create_tenant("a tenant", "pro")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "reader")
    async with Leases(redis).hold("budget:seeding"):
        with within(4):
            _, limits, remaining_budget = await gate.admit_spender(key, "default")
    assert not remaining_budget.header and limits.remaining == 99
