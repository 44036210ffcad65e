"""No scope is ever exceeded, whoever asks, however often, and however many at once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.proxy.budget.allowances import DefaultCap
from shared.proxy.budget.budget import OperationEnded
from shared.proxy.budget.caps import Caps
from shared.proxy.budget.mending import Counted
from shared.proxy.budget.operations import Over, Reserved, ScopeOf, SwitchedOff
from shared.proxy.budget.switches import ModelOff
from shared.redis.client import RedisClient, RedisWord, Script
from shared.redis.connection import over_url
from shared.types.errors import StoreUnavailable
from tests.shared.proxy.budget.environment import DAY, BudgetEnvironment, LaterBudget
from tests.stores import ANSWER_LIMIT_S


async def test_a_reservation_holds_its_amount_in_every_scope(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise", document_id="doc_a", document_cap_microusd=500)
    held = await env.budget.reserve("opr_1", 100, payer, 60)
    assert isinstance(held, Reserved) and held.remaining_microusd == 400
    day = (await env.now()).date().isoformat()
    assert [(window.scope, window.id, window.name, window.start) for window in held.windows] == [
        ("document", "doc_a", "life", ""),
        ("key", payer.key_id, "day", day),
        ("key", payer.key_id, "month", day[:7]),
        ("tenant", payer.tenant_id, "day", day),
        ("tenant", payer.tenant_id, "month", day[:7]),
        ("platform", "", "day", day),
        ("platform", "", "month", day[:7]),
    ]
    assert await env.counted() == dict.fromkeys(held.windows, Counted(0, 100))


async def test_where_one_scope_has_no_room_nothing_is_held_in_any(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise", document_id="doc_a", document_cap_microusd=99)
    refused = await env.budget.reserve("opr_1", 100, payer, 60)
    assert isinstance(refused, Over)
    assert (refused.window.scope, refused.cap_microusd) == ("document", 99)
    assert not await env.counted()


async def test_the_last_cent_can_be_spent_and_not_one_more(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    assert isinstance(await env.budget.reserve("opr_1", 999, payer, 60), Reserved)
    assert isinstance(await env.budget.reserve("opr_2", 2, payer, 60), Over)
    last = await env.budget.reserve("opr_3", 1, payer, 60)
    assert isinstance(last, Reserved) and last.remaining_microusd == 0
    assert isinstance(await env.budget.reserve("opr_4", 1, payer, 60), Over)


async def test_of_200_calls_at_once_a_cap_for_19_and_a_half_admits_19(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    answers = await asyncio.gather(*(env.budget.reserve(f"opr_{n}", 51, payer, 60) for n in range(200)))
    assert sum(isinstance(answer, Reserved) for answer in answers) == 1000 // 51 == 19


async def test_the_first_calls_of_a_tenant_that_redis_does_not_know_are_no_exception(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    await env.redis.call("FLUSHDB")
    answers = await asyncio.gather(*(env.budget.reserve(f"opr_{n}", 51, payer, 60) for n in range(100)))
    assert sum(isinstance(answer, Reserved) for answer in answers) == 19
    assert env.recorded.reads == 1


async def test_a_free_tenant_may_spend_nothing_not_even_nothing(env: BudgetEnvironment) -> None:
    payer = await env.payer("free")
    for number, amount in enumerate((0, 1)):
        assert isinstance(await env.budget.reserve(f"opr_{number}", amount, payer, 60), Over)


async def test_a_tier_has_its_months_allowance(env: BudgetEnvironment) -> None:
    payer = await env.payer("pro")
    await env.budget.change_caps(ScopeOf("platform"), "operator", Caps(day=None, month=None))
    assert isinstance(await env.budget.reserve("opr_1", 20_000, payer, 60), Reserved)
    refused = await env.budget.reserve("opr_2", 1, payer, 60)
    assert isinstance(refused, Over) and refused.window.name == "month" and refused.window.scope == "tenant"


async def test_without_any_cap_nothing_is_refused_and_no_remainder_is_told(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    await env.budget.change_caps(ScopeOf("platform"), "operator", Caps(day=None, month=None))
    held = await env.budget.reserve("opr_1", 10**12, payer, 60)
    assert isinstance(held, Reserved) and held.remaining_microusd is None
    assert await env.budget.remaining(payer) is None


async def test_a_deleted_tenant_may_spend_nothing(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    tenant = await env.accounts.tenant(payer.tenant_id)
    assert tenant
    await env.accounts.delete_tenant(tenant.tenant_id)
    assert isinstance(await env.budget.reserve("opr_1", 1, payer, 60), Over)
    assert await env.budget.remaining(payer) == 0


async def test_the_same_operation_is_held_once(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    first, again = [await env.budget.reserve("opr_1", 600, payer, 60) for _ in range(2)]
    assert first == again
    assert {counted.reserved_microusd for counted in (await env.counted()).values()} == {600}


async def test_an_operation_that_has_ended_does_not_begin_again(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.spend("opr_1", 10, payer)
    with pytest.raises(OperationEnded):
        await env.budget.reserve("opr_1", 10, payer, 60)


async def test_a_new_day_has_its_own_cap_and_the_month_goes_on(env: BudgetEnvironment) -> None:
    env.budget.ahead_s += 40 * DAY - int((await env.now()).day) * DAY  # early in a month
    payer = await env.payer()
    await env.spend("opr_1", 1000, payer)
    assert isinstance(await env.budget.reserve("opr_2", 1, payer, 60), Over)
    env.budget.ahead_s += DAY
    assert isinstance(await env.budget.reserve("opr_3", 1000, payer, 60), Reserved)
    month = next(state for state in await env.budget.windows([ScopeOf("platform")]) if state.window == "month")
    assert (month.spent_microusd, month.reserved_microusd) == (1000, 1000)


async def test_windows_carry_the_days_of_the_calendar(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.budget.change_caps(ScopeOf("platform"), "operator", Caps(day=None, month=None))
    for number in range(0, 1500, 29):  # leap days and turns of the year among them
        env.budget.ahead_s += 29 * DAY
        held = await env.budget.reserve(f"opr_{number}", 1, payer, 60)
        assert isinstance(held, Reserved)
        today = (await env.now()).date().isoformat()
        assert [window.start for window in held.windows[:2]] == [today, today[:7]]


async def test_a_model_that_cost_more_than_its_worst_case_is_off_until_an_operator_switches_it_on(
    env: BudgetEnvironment,
) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 10, payer, model="gpt-oss:20b")
    settled = await env.settle("opr_1", 17)
    assert (settled.booked, settled.excess_microusd) == (True, 7)
    assert {counted.spent_microusd for counted in (await env.counted()).values()} == {17}
    assert await env.budget.reserve("opr_2", 1, payer, 60, "gpt-oss:20b") == SwitchedOff("gpt-oss:20b")
    assert isinstance(await env.budget.reserve("opr_3", 1, payer, 60, "other"), Reserved)
    await env.redis.call("FLUSHDB")
    assert await env.budget.reserve("opr_4", 1, payer, 60, "gpt-oss:20b") == SwitchedOff("gpt-oss:20b")
    await env.budget.switches.switch_on("gpt-oss:20b")
    assert isinstance(await env.budget.reserve("opr_5", 1, payer, 60, "gpt-oss:20b"), Reserved)
    await env.redis.call("FLUSHDB")
    assert isinstance(await env.budget.reserve("opr_6", 1, payer, 60, "gpt-oss:20b"), Reserved)


async def test_a_switch_that_a_dying_process_left_in_redis_alone_is_written_down_by_the_sweep(
    env: BudgetEnvironment,
) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 10, payer, model="m")
    env.budget.switches.switch_off = _dies  # type: ignore[method-assign]
    assert (await env.settle("opr_1", 11)).excess_microusd == 1
    del env.budget.switches.switch_off
    assert not await env.budget.switches.models()
    await env.budget.sweep()
    assert [record.model for record in await env.budget.switches.models()] == ["m"]


async def _dies(model: str, operation_id: str = "") -> ModelOff:
    raise StoreUnavailable("blobs", "the process is gone")


class Forgetful(RedisClient):
    """Every script runs, and every second answer comes too late, but for leases, which ask at any time."""

    late = 0

    async def run(self, script: Script, keys: Sequence[str] = (), arguments: Sequence[RedisWord] = ()) -> Any:
        answer = await super().run(script, keys, arguments)
        if any(key.startswith("lease:") for key in keys):
            return answer
        self.late += 1
        if self.late % 2:
            raise StoreUnavailable("counters", "no answer in time")
        return answer


async def test_an_answer_that_came_too_late_charges_nothing_twice(env: BudgetEnvironment, redis_url: str) -> None:
    payer = await env.payer()
    far = over_url(redis_url, answer_s=ANSWER_LIMIT_S)
    budget = LaterBudget(Forgetful.over(far), env.blobs, env.accounts, env.recorded.balances)
    budget.ahead_s = env.budget.ahead_s
    env.budget = budget
    await env.spend("opr_1", 100, payer)
    held = await budget.reserve("opr_2", 50, payer, 60)
    await budget.release("opr_2")
    assert isinstance(held, Reserved)
    assert {(one.spent_microusd, one.reserved_microusd) for one in (await env.counted()).values()} == {(100, 0)}
    await far.close()


async def test_without_redis_no_cloud_call_is_made(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    away = over_url("unix:///nothing/here")
    budget = LaterBudget(away, env.blobs, env.accounts, env.recorded.balances)
    with pytest.raises(StoreUnavailable):
        await budget.reserve("opr_1", 1, payer, 60)
    with pytest.raises(StoreUnavailable):
        await budget.confirm("opr_1")
    await away.close()


async def test_the_smallest_remainder_is_told(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.budget.remaining(payer) == 20_000
    await env.budget.change_caps(ScopeOf("key", payer.key_id, payer.tenant_id), "admin", Caps(day=70))
    held = await env.budget.reserve("opr_1", 30, payer, 60)
    assert isinstance(held, Reserved) and held.remaining_microusd == 40 == await env.budget.remaining(payer)
    settled = await env.settle("opr_1", 10)
    assert settled.is_remaining_known and settled.remaining_microusd == 60


async def test_a_tenant_does_not_see_what_others_leave_of_the_platforms_budget(env: BudgetEnvironment) -> None:
    payer, other = await env.payer("enterprise"), await env.payer("enterprise")
    assert await env.budget.remaining(payer) is None
    await env.spend("opr_1", 600, other)
    assert await env.budget.remaining(payer) is None
    await env.spend("opr_2", 400, other)
    assert await env.budget.remaining(payer) == 0, "the platform refuses"


def test_the_defaults_are_the_contracts() -> None:
    from shared.proxy.budget.allowances import DefaultCaps

    defaults = DefaultCaps()
    assert defaults.platform == DefaultCap(5_000_000, 100_000_000)
    assert defaults.of("free") == DefaultCap(0, 0) and defaults.of("enterprise") == DefaultCap()
    assert defaults.of("pro") == DefaultCap(None, 20_000_000) and defaults.thresholds_pct == (80, 90, 100)
