"""What was held is settled once or given back, and never stuck."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from shared.proxy.budget.allowances import DefaultCap
from shared.proxy.budget.caps import Caps
from shared.proxy.budget.mending import Counted
from shared.proxy.budget.operations import Over, Reserved, ScopeOf, dated, estimated
from shared.types.errors import Forbidden, NotFound
from shared.usage.records import BudgetWindow
from tests.shared.proxy.budget.environment import DAY, BudgetEnvironment

PLATFORM = ScopeOf("platform")


async def test_what_was_held_becomes_what_it_cost(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 100, payer)
    assert (await env.settle("opr_1", 60)).booked
    assert set((await env.counted()).values()) == {Counted(60, 0)}


async def test_a_settlement_told_again_changes_nothing_and_answers_the_same(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 100, payer)
    first, again = await env.settle("opr_1", 60), await env.settle("opr_1", 99)
    assert first == again
    assert set((await env.counted()).values()) == {Counted(60, 0)}
    assert [one.cost_microusd for one in await env.budget.outbox.waiting()] == [60]


async def test_an_operation_that_is_not_known_is_not_charged(env: BudgetEnvironment) -> None:
    assert not (await env.settle("opr_unknown", 60)).booked
    assert not await env.counted() and not await env.budget.outbox.waiting()


async def test_a_call_that_crosses_midnight_is_charged_to_the_day_it_was_reserved_in(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 100, payer, lease_s=2 * DAY)
    before = await env.counted()
    env.budget.ahead_s += DAY
    await env.settle("opr_1", 60)
    assert await env.counted() == dict.fromkeys(before, Counted(60, 0))


async def test_what_is_released_is_given_back_once(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.budget.reserve("opr_1", 100, payer, 60)
    await env.budget.reserve("opr_2", 1, payer, 60)
    await env.budget.release("opr_1")
    await env.budget.release("opr_1")
    await env.budget.release("opr_unknown")
    assert set((await env.counted()).values()) == {Counted(0, 1)}
    assert not (await env.settle("opr_1", 5)).booked


async def test_a_caller_that_died_before_its_call_left_holds_nothing_after_its_lease(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.budget.reserve("opr_dead", 1000, payer, 60)
    env.budget.ahead_s += 61
    assert not await env.budget.confirm("opr_dead")
    await env.budget.reserve("opr_dead2", 1000, payer, 60)
    env.budget.ahead_s += 61
    assert isinstance(await env.budget.reserve("opr_next", 1000, payer, 60), Reserved)
    env.budget.ahead_s += 61
    assert await env.budget.sweep() == 1
    assert not await env.counted()


async def test_what_never_left_is_told_to_the_book_as_nothing(env: BudgetEnvironment) -> None:
    payer = await env.payer(request_id="req_a")
    assert await env.leave("opr_1", 100, payer)
    await env.budget.release("opr_1")
    [record] = await env.budget.outbox.waiting()
    assert (record.usage_id, record.request_id) == ("opr_1", "req_a")
    assert (record.cost_microusd, record.reserved_microusd) == (0, 100)
    assert record.windows == env.recorded.outbound["opr_1"].windows
    await env.book_outbox()
    await env.redis.call("FLUSHDB")
    await env.budget.seed()
    assert not await env.counted()


async def test_a_call_that_left_stays_counted_after_its_lease_until_it_is_settled(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 100, payer)
    assert not await env.budget.lapsed()
    env.budget.ahead_s += 61
    assert await env.budget.sweep() == 0
    [operation] = await env.budget.lapsed()
    assert (operation.operation_id, operation.payer, operation.reserved_microusd) == ("opr_1", payer, 100)
    assert operation.windows == env.recorded.outbound["opr_1"].windows
    assert set((await env.counted()).values()) == {Counted(0, 100)}
    usage = estimated(operation, await env.now())
    assert usage.estimated and (await env.budget.settle(usage)).booked
    assert set((await env.counted()).values()) == {Counted(100, 0)}
    assert not await env.budget.lapsed()


async def test_an_operation_can_be_confirmed_again_and_only_while_it_lives(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    await env.budget.reserve("opr_1", 100, payer, 60)
    assert await env.budget.confirm("opr_1") and await env.budget.confirm("opr_1")
    assert not await env.budget.confirm("opr_unknown")
    await env.budget.release("opr_1")
    assert not await env.budget.confirm("opr_1")


async def test_a_usage_waits_until_it_is_booked(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    for number in range(5):
        await env.spend(f"opr_{number}", 10, payer)
    assert {one.usage_id for one in await env.budget.outbox.waiting()} == {f"opr_{n}" for n in range(5)}
    await env.budget.outbox.booked(["opr_0", "opr_1", "opr_gone"])
    await env.budget.outbox.booked(["opr_0"])
    assert {one.usage_id for one in await env.budget.outbox.waiting()} == {"opr_2", "opr_3", "opr_4"}


async def test_a_lowered_cap_stops_what_runs_over_it(env: BudgetEnvironment) -> None:
    one, other = await env.payer(), await env.payer()
    assert await env.leave("opr_1", 100, one) and await env.leave("opr_2", 100, other)
    assert await env.budget.stopped(["opr_1", "opr_2"]) == {}
    await env.budget.change_caps(ScopeOf("tenant", one.tenant_id), "operator", Caps(day=0))
    assert await env.budget.stopped(["opr_1", "opr_2"]) == {"opr_1": "budget"}
    await env.budget.change_caps(PLATFORM, "operator", Caps(month=199))
    running = ["opr_1", "opr_2", "opr_unknown"]
    assert await env.budget.stopped(running) == dict.fromkeys(running, "budget")
    assert await env.budget.stopped([]) == {}


async def test_a_cap_holds_from_the_next_call_on_in_every_process(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    other = BudgetEnvironment(env.blobs, env.redis)
    other.budget.ahead_s = env.budget.ahead_s
    await env.spend("opr_1", 100, payer)
    for cap, admitted in ((100, False), (101, True), (0, False)):
        await other.budget.change_caps(ScopeOf("key", payer.key_id, payer.tenant_id), "admin", Caps(month=cap))
        held = await env.budget.reserve(f"opr_{cap}", 1, payer, 60)
        assert isinstance(held, Reserved) is admitted
        await env.budget.release(f"opr_{cap}")
    await env.redis.call("FLUSHDB")
    assert not isinstance(await env.budget.reserve("opr_after", 1, payer, 60), Reserved)


async def test_an_admin_sets_caps_up_to_the_operators(env: BudgetEnvironment) -> None:
    payer = await env.payer("pro")
    scope = ScopeOf("tenant", payer.tenant_id)
    with pytest.raises(Forbidden):
        await env.budget.change_caps(scope, "admin", Caps(month=20_001))
    await env.budget.change_caps(scope, "admin", Caps(month=20_000, day=10))
    await env.budget.change_caps(scope, "operator", Caps(month=500))
    await env.budget.change_caps(scope, "admin", Caps(day=None))
    states = {state.window: state.cap_microusd for state in await env.budget.windows([scope])}
    assert states == {"day": None, "month": 500}
    await env.budget.change_caps(scope, "operator", Caps(month=None))
    assert [state.cap_microusd for state in await env.budget.windows([scope])] == [None, 20_000]
    with pytest.raises(NotFound):
        await env.budget.change_caps(ScopeOf("tenant", "ten_none"), "operator", Caps(day=1))


async def test_changes_of_two_people_at_once_are_both_kept(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    scope = ScopeOf("tenant", payer.tenant_id)
    await asyncio.gather(
        *(env.budget.change_caps(scope, "operator", Caps(day=500)) for _ in range(3)),
        *(env.budget.change_caps(scope, "admin", Caps(month=400)) for _ in range(3)),
    )
    assert [state.cap_microusd for state in await env.budget.windows([scope])] == [500, 400]


async def test_a_new_tier_has_its_own_cap_from_the_next_call_on(env: BudgetEnvironment) -> None:
    payer = await env.payer("free")
    tenant = await env.accounts.tenant(payer.tenant_id)
    assert tenant and await env.budget.remaining(payer) == 0
    await env.accounts.keep_tenant(msgspec.structs.replace(tenant, tier="pro"))
    assert await env.budget.remaining(payer) == 20_000


async def test_windows_tell_where_a_scope_stands(env: BudgetEnvironment) -> None:
    payer = await env.payer("pro")
    await env.spend("opr_1", 100, payer)
    await env.budget.reserve("opr_2", 50, payer, 60)
    scopes = [ScopeOf("tenant", payer.tenant_id), ScopeOf("key", payer.key_id, payer.tenant_id), PLATFORM]
    states = await env.budget.windows(scopes)
    windows = [(one.scope, one.window, one.cap_microusd, one.remaining_microusd) for one in states]
    assert windows == [
        ("tenant", "day", None, None),
        ("tenant", "month", 20_000, 19_850),
        ("key", "day", None, None),
        ("key", "month", None, None),
        ("platform", "day", 1000, 850),
        ("platform", "month", 10_000, 9_850),
    ]
    assert {(one.spent_microusd, one.reserved_microusd) for one in states} == {(100, 50)}
    now = await env.now()
    for one in states:
        assert one.resets_at > now and (one.resets_at - now).total_seconds() <= (1 if one.window == "day" else 31) * DAY
        assert one.resets_at.day == 1 or one.window == "day"


async def test_each_threshold_is_reached_once(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    await env.spend("opr_1", 799, payer)
    assert not await env.budget.alerts()
    await env.spend("opr_2", 1, payer)
    [alert] = await env.budget.alerts()
    assert (alert.window.scope, alert.window.name, alert.threshold_pct) == ("platform", "day", 80)
    assert (alert.spent_microusd, alert.reserved_microusd, alert.cap_microusd) == (799, 1, 1000)
    assert await env.budget.alerts() == [alert]
    await env.budget.alerted([alert])
    await env.budget.alerted([alert])
    await env.spend("opr_3", 150, payer)
    await env.spend("opr_4", 50, payer)
    assert {one.threshold_pct for one in await env.budget.alerts()} == {90, 100}


async def test_an_emptied_redis_sends_no_alert_twice_and_loses_none(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    await env.spend("opr_1", 950, payer)
    sent = [alert for alert in await env.budget.alerts() if alert.threshold_pct == 80]
    env.recorded.alerted |= {(alert.window, alert.threshold_pct) for alert in sent}
    await env.book_outbox()
    await env.redis.call("FLUSHDB")
    await env.budget.reserve("opr_2", 60, payer, 60)  # refused, and yet it shows
    assert {alert.threshold_pct for alert in await env.budget.alerts()} == {90, 100}, "100: it refused a call"


async def test_a_call_settled_twice_costs_what_it_was_settled_at_first(env: BudgetEnvironment) -> None:
    payer = await env.payer()
    assert await env.leave("opr_1", 100, payer)
    assert (await env.settle("opr_1", 100)).cost_microusd == 100
    assert (await env.settle("opr_1", 7)).cost_microusd == 100


def test_a_call_is_billed_in_the_day_of_its_windows() -> None:
    windows = (
        BudgetWindow("tenant", "ten_a", "day", "2026-11-22"),
        BudgetWindow("tenant", "ten_a", "month", "2026-11"),
    )
    late, early = datetime(2026, 11, 23, 0, 0, 1, tzinfo=UTC), datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    within = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert [dated(at, windows).date().isoformat() for at in (late, early, within)] == ["2026-11-22"] * 3
    assert dated(within, windows) == within and dated(late, ()) == late


async def test_what_is_reserved_counts_for_a_threshold_before_it_is_spent(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    assert isinstance(await env.budget.reserve("opr_1", 850, payer, 60), Reserved)
    [alert] = await env.budget.alerts()
    assert (alert.threshold_pct, alert.spent_microusd, alert.reserved_microusd) == (80, 0, 850)
    await env.budget.alerted([alert])
    await env.budget.release("opr_1")
    await env.spend("opr_2", 850, payer)
    assert not await env.budget.alerts(), "each once"


async def test_a_window_that_refuses_at_87_percent_is_reported_as_used_up_once(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    await env.spend("opr_1", 870, payer)
    assert isinstance(await env.budget.reserve("opr_2", 200, payer, 60), Over)
    assert {alert.threshold_pct for alert in await env.budget.alerts()} == {80, 100}
    await env.budget.alerted(await env.budget.alerts())
    assert isinstance(await env.budget.reserve("opr_3", 200, payer, 60), Over)
    await env.spend("opr_4", 130, payer)
    assert {alert.threshold_pct for alert in await env.budget.alerts()} == {90}


async def test_a_cap_of_zero_is_no_budget_that_is_used_up(env: BudgetEnvironment) -> None:
    assert isinstance(await env.budget.reserve("opr_1", 1, await env.payer("free"), 60), Over)
    assert not await env.budget.alerts()


async def test_a_tenants_alert_names_the_tenant(env: BudgetEnvironment) -> None:
    payer = await env.payer("enterprise")
    await env.budget.change_caps(ScopeOf("key", payer.key_id, payer.tenant_id), "admin", Caps(day=100))
    await env.spend("opr_1", 85, payer)
    [alert] = await env.budget.alerts()
    assert (alert.tenant_id, alert.window.scope, alert.window.id) == (payer.tenant_id, "key", payer.key_id)


def test_a_tier_that_is_not_known_may_spend_nothing() -> None:
    from shared.proxy.budget.allowances import DefaultCaps

    assert DefaultCaps(tiers={}).of("enterprise") == DefaultCap(0, 0)
