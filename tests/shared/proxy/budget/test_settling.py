"""What was held is settled once or given back, and never stuck."""

import asyncio

import msgspec
import pytest

from shared.proxy.budget.allowances import DefaultCap
from shared.proxy.budget.caps import Caps
from shared.proxy.budget.mending import Counted
from shared.proxy.budget.operations import Reserved, ScopeOf, estimated
from shared.types.errors import Forbidden, NotFound
from tests.shared.proxy.budget.house import DAY, House

PLATFORM = ScopeOf("platform")


async def test_what_was_held_becomes_what_it_cost(house: House) -> None:
    payer = await house.payer()
    assert await house.leave("opr_1", 100, payer)
    assert (await house.settle("opr_1", 60)).booked
    assert set((await house.counted()).values()) == {Counted(60, 0)}


async def test_a_settlement_told_again_changes_nothing_and_answers_the_same(house: House) -> None:
    payer = await house.payer()
    assert await house.leave("opr_1", 100, payer)
    first, again = await house.settle("opr_1", 60), await house.settle("opr_1", 99)
    assert first == again
    assert set((await house.counted()).values()) == {Counted(60, 0)}
    assert [one.cost_microusd for one in await house.budget.outbox.waiting()] == [60]


async def test_an_operation_that_is_not_known_is_not_charged(house: House) -> None:
    assert not (await house.settle("opr_unknown", 60)).booked
    assert not await house.counted() and not await house.budget.outbox.waiting()


async def test_a_call_that_crosses_midnight_is_charged_to_the_day_it_was_reserved_in(house: House) -> None:
    payer = await house.payer()
    assert await house.leave("opr_1", 100, payer, lease_s=2 * DAY)
    before = await house.counted()
    house.budget.ahead_s += DAY
    await house.settle("opr_1", 60)
    assert await house.counted() == dict.fromkeys(before, Counted(60, 0))


async def test_what_is_released_is_given_back_once(house: House) -> None:
    payer = await house.payer()
    await house.budget.reserve("opr_1", 100, payer, 60)
    await house.budget.reserve("opr_2", 1, payer, 60)
    await house.budget.release("opr_1")
    await house.budget.release("opr_1")
    await house.budget.release("opr_unknown")
    assert set((await house.counted()).values()) == {Counted(0, 1)}
    assert not (await house.settle("opr_1", 5)).booked


async def test_a_caller_that_died_before_its_call_left_holds_nothing_after_its_lease(house: House) -> None:
    payer = await house.payer()
    await house.budget.reserve("opr_dead", 1000, payer, 60)
    house.budget.ahead_s += 61
    assert not await house.budget.confirm("opr_dead")
    await house.budget.reserve("opr_dead2", 1000, payer, 60)
    house.budget.ahead_s += 61
    assert isinstance(await house.budget.reserve("opr_next", 1000, payer, 60), Reserved)
    house.budget.ahead_s += 61
    assert await house.budget.sweep() == 1
    assert not await house.counted()


async def test_what_never_left_is_told_to_the_book_as_nothing(house: House) -> None:
    payer = await house.payer(request_id="req_a")
    assert await house.leave("opr_1", 100, payer)
    await house.budget.release("opr_1")
    [record] = await house.budget.outbox.waiting()
    assert (record.usage_id, record.request_id) == ("opr_1", "req_a")
    assert (record.cost_microusd, record.reserved_microusd) == (0, 100)
    assert record.windows == house.paper.outbound["opr_1"].windows
    await house.book_outbox()
    await house.redis.call("FLUSHDB")
    await house.budget.seed()
    assert not await house.counted()


async def test_a_call_that_left_stays_counted_after_its_lease_until_it_is_settled(house: House) -> None:
    payer = await house.payer()
    assert await house.leave("opr_1", 100, payer)
    assert not await house.budget.lapsed()
    house.budget.ahead_s += 61
    assert await house.budget.sweep() == 0
    [operation] = await house.budget.lapsed()
    assert (operation.operation_id, operation.payer, operation.reserved_microusd) == ("opr_1", payer, 100)
    assert operation.windows == house.paper.outbound["opr_1"].windows
    assert set((await house.counted()).values()) == {Counted(0, 100)}
    usage = estimated(operation, await house.now())
    assert usage.estimated and (await house.budget.settle(usage)).booked
    assert set((await house.counted()).values()) == {Counted(100, 0)}
    assert not await house.budget.lapsed()


async def test_an_operation_can_be_confirmed_again_and_only_while_it_lives(house: House) -> None:
    payer = await house.payer()
    await house.budget.reserve("opr_1", 100, payer, 60)
    assert await house.budget.confirm("opr_1") and await house.budget.confirm("opr_1")
    assert not await house.budget.confirm("opr_unknown")
    await house.budget.release("opr_1")
    assert not await house.budget.confirm("opr_1")


async def test_a_usage_waits_until_it_is_booked(house: House) -> None:
    payer = await house.payer()
    for number in range(5):
        await house.spend(f"opr_{number}", 10, payer)
    assert {one.usage_id for one in await house.budget.outbox.waiting()} == {f"opr_{n}" for n in range(5)}
    await house.budget.outbox.booked(["opr_0", "opr_1", "opr_gone"])
    await house.budget.outbox.booked(["opr_0"])
    assert {one.usage_id for one in await house.budget.outbox.waiting()} == {"opr_2", "opr_3", "opr_4"}


async def test_a_lowered_cap_stops_what_runs_over_it(house: House) -> None:
    one, other = await house.payer(), await house.payer()
    assert await house.leave("opr_1", 100, one) and await house.leave("opr_2", 100, other)
    assert await house.budget.stopped(["opr_1", "opr_2"]) == set()
    await house.budget.change_caps(ScopeOf("tenant", one.tenant_id), "operator", Caps(day=0))
    assert await house.budget.stopped(["opr_1", "opr_2"]) == {"opr_1"}
    await house.budget.change_caps(PLATFORM, "operator", Caps(month=199))
    assert await house.budget.stopped(["opr_1", "opr_2", "opr_unknown"]) == {"opr_1", "opr_2", "opr_unknown"}
    assert await house.budget.stopped([]) == set()


async def test_a_cap_holds_from_the_next_call_on_in_every_process(house: House) -> None:
    payer = await house.payer()
    other = House(house.blobs, house.redis)
    other.budget.ahead_s = house.budget.ahead_s
    await house.spend("opr_1", 100, payer)
    for cap, admitted in ((100, False), (101, True), (0, False)):
        await other.budget.change_caps(ScopeOf("key", payer.key_id, payer.tenant_id), "admin", Caps(month=cap))
        held = await house.budget.reserve(f"opr_{cap}", 1, payer, 60)
        assert isinstance(held, Reserved) is admitted
        await house.budget.release(f"opr_{cap}")
    await house.redis.call("FLUSHDB")
    assert not isinstance(await house.budget.reserve("opr_after", 1, payer, 60), Reserved)


async def test_an_admin_sets_caps_up_to_the_operators(house: House) -> None:
    payer = await house.payer("pro")
    scope = ScopeOf("tenant", payer.tenant_id)
    with pytest.raises(Forbidden):
        await house.budget.change_caps(scope, "admin", Caps(month=20_001))
    await house.budget.change_caps(scope, "admin", Caps(month=20_000, day=10))
    await house.budget.change_caps(scope, "operator", Caps(month=500))
    await house.budget.change_caps(scope, "admin", Caps(day=None))
    states = {state.window: state.cap_microusd for state in await house.budget.windows([scope])}
    assert states == {"day": None, "month": 500}
    await house.budget.change_caps(scope, "operator", Caps(month=None))
    assert [state.cap_microusd for state in await house.budget.windows([scope])] == [None, 20_000]
    with pytest.raises(NotFound):
        await house.budget.change_caps(ScopeOf("tenant", "ten_none"), "operator", Caps(day=1))


async def test_changes_of_two_people_at_once_are_both_kept(house: House) -> None:
    payer = await house.payer("enterprise")
    scope = ScopeOf("tenant", payer.tenant_id)
    await asyncio.gather(
        *(house.budget.change_caps(scope, "operator", Caps(day=500)) for _ in range(3)),
        *(house.budget.change_caps(scope, "admin", Caps(month=400)) for _ in range(3)),
    )
    assert [state.cap_microusd for state in await house.budget.windows([scope])] == [500, 400]


async def test_a_new_tier_has_its_own_cap_from_the_next_call_on(house: House) -> None:
    payer = await house.payer("free")
    tenant = await house.accounts.tenant(payer.tenant_id)
    assert tenant and await house.budget.remaining(payer) == 0
    await house.accounts.keep_tenant(msgspec.structs.replace(tenant, tier="pro"))
    assert await house.budget.remaining(payer) == 1000


async def test_windows_tell_where_a_scope_stands(house: House) -> None:
    payer = await house.payer("pro")
    await house.spend("opr_1", 100, payer)
    await house.budget.reserve("opr_2", 50, payer, 60)
    scopes = [ScopeOf("tenant", payer.tenant_id), ScopeOf("key", payer.key_id, payer.tenant_id), PLATFORM]
    states = await house.budget.windows(scopes)
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
    now = await house.now()
    for one in states:
        assert one.resets_at > now and (one.resets_at - now).total_seconds() <= (1 if one.window == "day" else 31) * DAY
        assert one.resets_at.day == 1 or one.window == "day"


async def test_each_threshold_is_reached_once(house: House) -> None:
    payer = await house.payer("enterprise")
    await house.spend("opr_1", 799, payer)
    assert not await house.budget.alerts()
    await house.spend("opr_2", 1, payer)
    [alert] = await house.budget.alerts()
    assert (alert.window.scope, alert.window.name, alert.threshold_pct) == ("platform", "day", 80)
    assert (alert.spent_microusd, alert.cap_microusd) == (800, 1000)
    assert await house.budget.alerts() == [alert]
    await house.budget.alerted([alert])
    await house.budget.alerted([alert])
    await house.spend("opr_3", 150, payer)
    await house.spend("opr_4", 50, payer)
    assert {one.threshold_pct for one in await house.budget.alerts()} == {90, 100}


async def test_an_emptied_redis_sends_no_alert_twice_and_loses_none(house: House) -> None:
    payer = await house.payer("enterprise")
    await house.spend("opr_1", 950, payer)
    sent = [alert for alert in await house.budget.alerts() if alert.threshold_pct == 80]
    house.paper.alerted |= {(alert.window, alert.threshold_pct) for alert in sent}
    await house.book_outbox()
    await house.redis.call("FLUSHDB")
    await house.budget.reserve("opr_2", 60, payer, 60)  # refused, and yet it shows
    assert [alert.threshold_pct for alert in await house.budget.alerts()] == [90]


async def test_a_tenants_alert_names_the_tenant(house: House) -> None:
    payer = await house.payer("enterprise")
    await house.budget.change_caps(ScopeOf("key", payer.key_id, payer.tenant_id), "admin", Caps(day=100))
    await house.spend("opr_1", 85, payer)
    [alert] = await house.budget.alerts()
    assert (alert.tenant_id, alert.window.scope, alert.window.id) == (payer.tenant_id, "key", payer.key_id)


def test_a_tier_that_is_not_known_may_spend_nothing() -> None:
    from shared.proxy.budget.allowances import DefaultCaps

    assert DefaultCaps(tiers={}).of("enterprise") == DefaultCap(0, 0)
