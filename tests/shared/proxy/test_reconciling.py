"""Redis, the ledger and the provider's bill end up saying the same, and nobody is charged for a correction."""

from datetime import timedelta

import msgspec
import pytest

from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget.allowances import DefaultCaps
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.mending import window_key
from shared.proxy.budget.operations import Reserved, ScopeOf
from shared.proxy.reconciling import Reconciled, reconcile
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.payer import Payer
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.sealing import seal
from shared.usage.verification import verify
from tests.shared.usage.samples import outbound, settled


class ReconcilingEnvironment:
    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self.blobs, self.redis = blobs, redis
        self.ledger, self.journal = UsageLedger(blobs), Journal(blobs)
        self.budget = Budget(redis, blobs, Accounts(blobs, redis), self.ledger.balances, DefaultCaps())

    async def call(self, number: int, cost: int | None, *, estimated: bool = False) -> None:
        held = await self.budget.reserve(f"op_{number}", 500, Payer(tenant_id="ten_a"), 60)
        assert isinstance(held, Reserved)
        call = outbound(number, windows=held.windows, at=now())
        await self.journal.append(call)
        await self.budget.confirm(call.operation_id)
        if cost is not None:
            await self.budget.settle(settled(call, cost, at=now(), estimated=estimated))

    async def reconcile(self, billed: int | None = None) -> Reconciled:
        bills = {} if billed is None else {now().date(): billed}
        return await reconcile(self.budget, self.redis, self.ledger, self.journal, bills)

    async def tamper(self, by: int) -> None:
        """Redis forgets, or invents, what was spent."""
        generation = await self.redis.call("GET", "budget:generation")
        for window in (await self.ledger.balances()).spent:
            await self.redis.call("HINCRBY", window_key(generation, window), f"{window.start}:spent", by)

    async def counted(self) -> set[int]:
        """As the budget itself sees it."""
        states = await self.budget.windows([ScopeOf("platform"), ScopeOf("tenant", "ten_a")])
        return {state.spent_microusd for state in states}

    async def cost(self) -> int:
        rows = await self.ledger.totals("ten_a", now() - timedelta(days=1), now() + timedelta(days=1))
        return sum(row.cost_microusd for row in rows)


@pytest.fixture
async def env(blobs: Blobs, redis: RedisClient) -> ReconcilingEnvironment:
    from shared.records.structs import TenantRecord

    env = ReconcilingEnvironment(blobs, redis)
    await Accounts(blobs, redis).keep_tenant(TenantRecord("ten_a", "a", "enterprise", now()))
    return env


async def test_where_all_agree_nothing_is_changed(env: ReconcilingEnvironment) -> None:
    await env.call(1, 100)
    assert (await env.reconcile(billed=100)).windows == ()
    assert await env.counted() == {100}


@pytest.mark.parametrize("by", [-60, 60])
async def test_redis_is_mended_to_the_book(env: ReconcilingEnvironment, by: int) -> None:
    await env.call(1, 100)
    await env.reconcile()
    await env.tamper(by)
    found = await env.reconcile()
    assert {(one.redis_microusd, one.book_microusd, one.mended) for one in found.windows} == {(100 + by, 100, True)}
    assert await env.counted() == {100}


async def test_a_window_with_a_call_under_way_is_left_alone(env: ReconcilingEnvironment) -> None:
    await env.call(1, 100)
    await env.reconcile()
    await env.tamper(60)
    await env.call(2, None)
    assert {one.mended for one in (await env.reconcile()).windows} == {False}
    assert await env.counted() == {160}


async def test_an_estimate_is_lowered_to_what_the_provider_billed_and_the_budget_gets_it_back(
    env: ReconcilingEnvironment,
) -> None:
    await env.call(1, 500, estimated=True)
    await env.call(2, 100)
    (day,) = (await env.reconcile(billed=250)).days
    assert (day.provider_microusd, day.book_microusd, day.lowered_microusd) == (250, 600, 350)
    assert await env.cost() == 250
    assert await env.counted() == {250}
    (again,) = (await env.reconcile(billed=250)).days
    assert again.lowered_microusd == 0
    await seal(env.blobs)
    assert set((await env.ledger.balances()).spent.values()) == {250}
    assert (await verify(env.blobs)).fault == ""


async def test_what_was_counted_by_the_server_itself_is_never_lowered(env: ReconcilingEnvironment) -> None:
    await env.call(1, 100)
    await env.call(2, 500, estimated=True)
    (day,) = (await env.reconcile(billed=0)).days
    assert day.lowered_microusd == 500
    assert await env.cost() == 100


async def test_a_higher_bill_is_told_and_charged_to_nobody(env: ReconcilingEnvironment) -> None:
    await env.call(1, 100, estimated=True)
    (day,) = (await env.reconcile(billed=900)).days
    assert (day.book_microusd, day.lowered_microusd) == (100, 0)
    assert await env.cost() == 100


async def test_an_adjustment_that_is_told_twice_lowers_once(env: ReconcilingEnvironment) -> None:
    await env.call(1, 500, estimated=True)
    await env.reconcile(billed=200)
    (lowered,) = [one for one in await env.ledger.usage("ten_a", now() - timedelta(days=1), now()) if one.adjusts]
    await seal(env.blobs)
    await env.journal.append(msgspec.structs.replace(lowered))
    await seal(env.blobs)
    assert set((await env.ledger.balances()).spent.values()) == {200}
    assert await env.cost() == 200
