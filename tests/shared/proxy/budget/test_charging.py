"""Work with a price is bound by every cap and counted once, without a reservation: its cost is known."""

import asyncio

import msgspec
import pytest

from shared.proxy.budget.caps import Caps
from shared.proxy.budget.operations import ScopeOf
from shared.types.charges import begin_charges
from shared.types.clock import now
from shared.types.errors import BudgetExceeded
from shared.types.payer import Payer
from shared.usage.balance import Balance, add_records
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.metering import Meter
from shared.usage.outbox import flush_outbox
from shared.usage.records import Unit, UsageLine, UsageRecord
from tests.shared.proxy.budget.environment import BudgetEnvironment


class Priced:
    def of(self, unit: Unit) -> int:
        return 100 if unit == "embedded_1k_tokens" else 0


class Free:
    def of(self, unit: Unit) -> int:
        return 0


def work(number: int, payer: Payer, cost: int) -> UsageRecord:
    lines = (UsageLine("embedded_1k_tokens", 1_000, cost),)
    return UsageRecord(usage_id=f"work-{number}", tenant_id=payer.tenant_id, at=now(), lines=lines)


async def capped(env: BudgetEnvironment, day: int) -> Payer:
    payer = await env.payer("enterprise")
    scope = ScopeOf("tenant", payer.tenant_id, payer.tenant_id)
    await env.budget.change_caps(scope, "operator", Caps(day=day))
    return payer


async def spent(env: BudgetEnvironment, payer: Payer) -> int:
    (day, _) = await env.budget.windows([ScopeOf("tenant", payer.tenant_id, payer.tenant_id)])
    assert day.reserved_microusd == 0
    return day.spent_microusd


async def test_of_many_at_once_a_cap_admits_what_fits(env: BudgetEnvironment) -> None:
    payer = await capped(env, 1_000 - 1)

    async def admit(number: int) -> bool:
        try:
            await env.budget.record_cost(work(number, payer, 100), payer)
        except BudgetExceeded:
            return False
        return True

    admitted = await asyncio.gather(*map(admit, range(50)))
    assert sum(admitted) == 9
    assert await spent(env, payer) == 900


async def test_work_that_is_charged_again_counts_once(env: BudgetEnvironment) -> None:
    payer = await capped(env, 150)
    first = await env.budget.record_cost(work(1, payer, 100), payer)
    again = await env.budget.record_cost(work(1, payer, 100), payer)
    assert (first.was_charged, again.was_charged) == (False, True)
    assert first.usage.windows == again.usage.windows and first.remaining_microusd == 50
    assert await spent(env, payer) == 100


async def test_work_that_cannot_be_refused_is_charged_above_the_cap(env: BudgetEnvironment) -> None:
    payer = await capped(env, 50)
    await env.budget.record_cost(work(1, payer, 100), payer, must_fit=False)
    assert await spent(env, payer) == 100


async def test_charged_work_is_in_the_bill_and_in_the_balance_once(env: BudgetEnvironment) -> None:
    payer, ledger, journal = await capped(env, 1_000), UsageLedger(env.blobs), Journal(env.blobs)
    charged = await env.budget.record_cost(work(1, payer, 100), payer)
    await journal.append(charged.usage)  # and here the process died, before it was taken off the outbox
    await flush_outbox(env.budget.outbox, journal)
    assert not await env.budget.outbox.waiting()
    balances = await ledger.balances()
    assert {balances.spent[window] for window in charged.usage.windows} == {100}
    assert charged.usage.at.date().isoformat() == next(w.start for w in charged.usage.windows if w.name == "day")
    await journal.close()


@pytest.mark.parametrize("is_booked", [True, False])
async def test_another_redis_counts_charged_work_once(env: BudgetEnvironment, is_booked: bool) -> None:
    ledger, journal = UsageLedger(env.blobs), Journal(env.blobs)
    env = BudgetEnvironment(env.blobs, env.redis, balances=ledger.balances)
    await env.noon()
    payer = await capped(env, 1_000)
    charged = await env.budget.record_cost(work(1, payer, 100), payer)
    if is_booked:
        await journal.append(charged.usage)
    await env.redis.call("SET", "budget:generation", "f" * 40 + ":0")
    assert await spent(env, payer) == 100
    await journal.close()


async def test_a_question_with_a_price_is_refused_where_it_does_not_fit_and_its_cost_is_the_requests(
    env: BudgetEnvironment,
) -> None:
    payer, journal = await capped(env, 150), Journal(env.blobs)
    meter, charges, left = Meter(journal, Priced(), lambda: env.budget), begin_charges(), list[int | None]()
    one = msgspec.structs.replace(payer, request_id="req_1")
    question = await meter.question(one, 1_000, left.append)
    await question.record("search", [("psg_1", 0.5)])
    assert (charges.microusd, left) == (100, [50])
    with pytest.raises(BudgetExceeded):
        await meter.question(msgspec.structs.replace(payer, request_id="req_2"), 1_000)
    (usage,) = await UsageLedger(env.blobs).newest([payer.tenant_id], 5)
    assert isinstance(usage, UsageRecord) and usage.passages == (("psg_1", 500_000),) and usage.cost_microusd == 100
    assert not await env.budget.outbox.waiting(), "it is in the ledger at once"
    await journal.close()


async def test_what_is_free_asks_no_budget(env: BudgetEnvironment) -> None:
    def nobody() -> None:
        raise AssertionError("the budget was asked")

    payer, journal = await env.payer("free"), Journal(env.blobs)
    question = await Meter(journal, Free(), nobody).question(payer, 1_000)  # type: ignore[arg-type]
    await question.record("search", ())
    await journal.close()


async def test_the_balance_forgets_the_ids_of_charged_work_after_an_hour(env: BudgetEnvironment) -> None:
    payer = await capped(env, 1_000)
    usage = (await env.budget.record_cost(work(1, payer, 100), payer)).usage
    at = usage.at
    balance = add_records(Balance(), [usage, usage], at)
    assert {one.spent_microusd for one in balance.totals} == {100}
    assert add_records(balance, [usage], at).totals == balance.totals
    later = at.replace(hour=(at.hour + 2) % 24)
    assert [one.usage_id for one in balance.work] == ["work-1"]
    assert later < at or not add_records(balance, [], later).work
