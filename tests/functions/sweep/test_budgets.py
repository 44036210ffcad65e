"""Money that nobody looks after ends where it belongs, and each alert is sent once."""

from datetime import timedelta
from typing import Any

import pytest

from events.budget import BudgetThresholdReached
from functions.sweep.budgets import BudgetUpkeep
from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.bus.publisher import BoundPublisher
from shared.proxy.budget.allowances import DefaultCap, DefaultCaps
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import Reserved, ScopeOf
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient
from shared.telemetry.metrics import exposition
from shared.types.clock import now
from shared.types.payer import Payer
from shared.usage.journal import UNSEALED, Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import AlertRecord, OutboundRecord, UsageRecord
from shared.usage.sealing import seal
from tests.shared.usage.samples import settled
from tests.transports import RecordingTransport

PAYER = Payer(tenant_id="ten_a", key_id="key_a", request_id="req_a")


class LaterBudget(Budget):
    """Its clock can be put forward."""

    ahead_s = 0

    def _ahead_s(self) -> int:
        return self.ahead_s


class UpkeepEnvironment:
    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self.blobs = blobs
        self.redis = redis
        self.ledger = UsageLedger(blobs)
        self.journal = Journal(blobs)
        self.accounts = Accounts(blobs, redis)
        self.budget = LaterBudget(
            redis, blobs, self.accounts, self.ledger.balances, DefaultCaps(platform=DefaultCap(day=1000, month=100_000))
        )
        self.transport = RecordingTransport()

    async def leave(self, operation: str, amount: int, lease_s: float = 60) -> OutboundRecord:
        """A call that goes out, as the proxy makes it."""
        held = await self.budget.reserve(operation, amount, PAYER, lease_s)
        assert isinstance(held, Reserved)
        call = OutboundRecord(
            operation_id=operation,
            tenant_id=PAYER.tenant_id,
            key_id=PAYER.key_id,
            request_id=PAYER.request_id,
            at=now(),
            lease_until=now() + timedelta(seconds=lease_s),
            model="gpt-oss:120b",
            classification="internal",
            reserved_microusd=amount,
            windows=held.windows,
            prompt_hash="0" * 64,
        )
        await self.journal.append(call)
        assert await self.budget.confirm(operation)
        return call

    async def sweep(self) -> None:
        publisher = BoundPublisher(self.transport, "sweep")
        await BudgetUpkeep(self.budget, self.ledger, self.journal, publisher).run()

    async def spent(self) -> int:
        (day,) = [one for one in (await self.ledger.balances()).spent.items() if one[0].name == "day" and not one[0].id]
        return day[1]

    async def usage(self) -> list[UsageRecord]:
        return await self.ledger.usage("ten_a", now() - timedelta(days=1), now() + timedelta(days=1))


@pytest.fixture
async def env(blobs: Blobs, redis: RedisClient) -> UpkeepEnvironment:
    env = UpkeepEnvironment(blobs, redis)
    await env.accounts.keep_tenant(TenantRecord("ten_a", "a", "enterprise", now()))
    return env


async def test_what_was_settled_is_booked_and_leaves_the_outbox(env: UpkeepEnvironment) -> None:
    call = await env.leave("op_1", 300)
    await env.budget.settle(settled(call, 120, at=now()))
    await env.sweep()
    assert await env.budget.outbox.waiting() == []
    assert await env.spent() == 120


async def test_a_record_that_was_booked_and_not_taken_off_is_booked_again_and_counts_once(
    env: UpkeepEnvironment,
) -> None:
    call = await env.leave("op_1", 300)
    usage = settled(call, 120, at=now())
    await env.budget.settle(usage)
    await env.journal.append(usage)  # and here the process died
    await env.sweep()
    assert await env.spent() == 120
    assert len(await env.usage()) == 1


async def test_a_call_whose_caller_died_costs_what_was_held_for_it(env: UpkeepEnvironment) -> None:
    await env.leave("op_1", 300)
    env.budget.ahead_s = 61
    await env.sweep()
    (usage,) = await env.usage()
    assert (usage.cost_microusd, usage.estimated) == (300, True)
    assert await env.spent() == 300
    assert (await env.ledger.balances()).open == ()
    await env.sweep()
    assert await env.spent() == 300


async def test_a_model_that_is_switched_off_shows_in_the_metrics_until_it_is_on(env: UpkeepEnvironment) -> None:
    line = b'aegis_model_switched_off{model="gpt-oss:120b"} 1.0'
    await env.budget.switches.switch_off("gpt-oss:120b", "op_1")
    await env.sweep()
    assert line in exposition()
    await env.budget.switches.switch_on("gpt-oss:120b")
    await env.sweep()
    assert line not in exposition()


async def test_a_lapsed_call_is_billed_in_the_day_of_its_reservation(env: UpkeepEnvironment) -> None:
    call = await env.leave("op_1", 300)
    env.budget.ahead_s = 2 * 86400
    await env.sweep()
    (usage,) = await env.usage()
    assert usage.at == call.at and usage.estimated
    assert usage.at.date().isoformat() == next(one.start for one in usage.windows if one.name == "day")


async def test_a_call_that_the_book_knows_costs_what_the_book_says(env: UpkeepEnvironment) -> None:
    """Redis was filled while its usage record was on its way into the ledger."""
    call = await env.leave("op_1", 300)
    env.budget.ahead_s = 61
    await env.journal.append(settled(call, 120, at=now()))
    await env.sweep()
    (state, *_) = await env.budget.windows([ScopeOf("platform")])
    assert (state.spent_microusd, state.reserved_microusd, await env.spent()) == (120, 0, 120)


async def test_a_call_that_never_left_costs_nothing_and_stays_open_nowhere(env: UpkeepEnvironment) -> None:
    call = await env.leave("op_1", 300)
    await env.budget.release("op_1")
    await env.sweep()
    balances = await env.ledger.balances()
    assert call.operation_id not in {one.operation_id for one in balances.open}
    assert not any(balances.spent.values())


async def thresholds(env: UpkeepEnvironment) -> list[Any]:
    return [
        (event.scope, event.window, event.threshold_pct)
        for event in env.transport.events
        if isinstance(event, BudgetThresholdReached)
    ]


async def test_each_threshold_is_told_once(env: UpkeepEnvironment) -> None:
    for number in range(3):
        call = await env.leave(f"op_{number}", 310)
        await env.budget.settle(settled(call, 310, at=now()))
        await env.sweep()
    assert await thresholds(env) == [("platform", "day", 80), ("platform", "day", 90)]


async def test_an_emptied_redis_does_not_tell_them_again(env: UpkeepEnvironment) -> None:
    call = await env.leave("op_1", 850)
    await env.budget.settle(settled(call, 850, at=now()))
    await env.sweep()
    await seal(env.blobs)
    await env.redis.call("FLUSHALL")
    await env.sweep()
    again = await env.leave("op_2", 10)
    await env.budget.settle(settled(again, 10, at=now()))
    await env.sweep()
    assert await thresholds(env) == [("platform", "day", 80)]


async def test_an_alert_that_could_not_be_said_is_said_at_the_next_tick_under_the_same_id(
    env: UpkeepEnvironment,
) -> None:
    call = await env.leave("op_1", 850)
    await env.budget.settle(settled(call, 850, at=now()))
    env.transport.error = OSError("the broker is away")
    with pytest.raises(OSError):
        await env.sweep()
    env.transport.error = None
    await env.sweep()
    await env.sweep()
    first, second = env.transport.events
    assert first.event_id == second.event_id
    booked = [one for one in await env.ledger.newest(["ten_a", "platform"], 100) if isinstance(one, AlertRecord)]
    assert [alert.threshold_pct for alert in booked] == [80]


async def test_booking_many_takes_few_blobs(env: UpkeepEnvironment) -> None:
    for number in range(40):
        await env.budget.settle(settled(await env.leave(f"op_{number}", 5), 5, at=now()))
    before = len(await env.blobs.names(UNSEALED))
    await env.sweep()
    assert len(await env.blobs.names(UNSEALED)) - before <= 2
