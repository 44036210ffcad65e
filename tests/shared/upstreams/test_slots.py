"""Slots are never overdrawn, never lost, and each tenant gets its turn."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.upstreams.port import UpstreamError
from shared.upstreams.slots import Slots


async def _hold(slots: Slots, tenant: str, order: list[str], *, wait_s: float = 5.0) -> None:
    async with slots.hold(tenant, wait_s):
        order.append(tenant)
        await asyncio.sleep(0)


async def _settled(slots: Slots, waiting: int) -> None:
    while slots.waiting != waiting:
        await asyncio.sleep(0)


async def test_a_tenant_with_many_calls_delays_anothers_one_call_by_one() -> None:
    slots, order = Slots(1), list[str]()
    async with slots.hold("first", 1):
        calls = [asyncio.create_task(_hold(slots, "many", order)) for _ in range(20)]
        await _settled(slots, 20)
        calls.append(asyncio.create_task(_hold(slots, "one", order)))
        await _settled(slots, 21)
    await asyncio.gather(*calls)
    assert order.index("one") == 1
    assert (slots.held, slots.waiting) == (0, 0)


async def test_within_a_tenant_the_first_to_come_is_the_first_to_go() -> None:
    slots, order = Slots(1), list[int]()

    async def take(number: int) -> None:
        async with slots.hold("tenant", 5):
            order.append(number)

    async with slots.hold("tenant", 1):
        calls = []
        for number in range(5):
            calls.append(asyncio.create_task(take(number)))
            await _settled(slots, number + 1)
    await asyncio.gather(*calls)
    assert order == [0, 1, 2, 3, 4]


async def test_a_newcomer_does_not_slip_in_before_one_that_waits() -> None:
    slots, order = Slots(1), list[str]()
    async with slots.hold("first", 1):
        waits = asyncio.create_task(_hold(slots, "waits", order))
        await _settled(slots, 1)
    comes = asyncio.create_task(_hold(slots, "comes", order))
    await asyncio.gather(waits, comes)
    assert order == ["waits", "comes"]


async def test_a_wait_ends_and_nothing_was_sent() -> None:
    slots = Slots(1)
    async with slots.hold("first", 1):
        with pytest.raises(UpstreamError, match="no slot came free") as refused:
            async with slots.hold("second", 0.01):
                raise AssertionError("there is no second slot")
    assert refused.value.fault == "rate_limited"
    assert not refused.value.may_have_run
    assert (slots.held, slots.waiting) == (0, 0)


async def test_a_slot_given_to_a_call_that_is_just_cancelled_goes_on_to_the_next() -> None:
    slots, order = Slots(1), list[str]()
    first = slots.hold("first", 1)
    await first.__aenter__()
    gone = asyncio.create_task(_hold(slots, "gone", order))
    await _settled(slots, 1)
    stays = asyncio.create_task(_hold(slots, "stays", order))
    await _settled(slots, 2)
    await first.__aexit__(None, None, None)
    gone.cancel()
    await stays
    assert order == ["stays"]
    assert (slots.held, slots.waiting) == (0, 0)


def test_no_slot_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Slots(0)


_CALLS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from(["ends", "cancelled", "impatient", "fails"])),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(limit=st.integers(1, 4), calls=_CALLS)
def test_slots_are_never_overdrawn_and_never_lost(limit: int, calls: list[tuple[str, int, str]]) -> None:
    asyncio.run(_storm(limit, calls))


async def _storm(limit: int, calls: list[tuple[str, int, str]]) -> None:
    slots, running, ended = Slots(limit), 0, 0

    async def one(tenant: str, turns: int, fate: str) -> None:
        nonlocal running, ended
        async with slots.hold(tenant, 0.0 if fate == "impatient" else 5.0):
            running += 1
            try:
                assert running <= limit
                assert slots.held <= limit
                for _ in range(turns):
                    await asyncio.sleep(0)
                if fate == "fails":
                    raise RuntimeError
                ended += 1
            finally:
                running -= 1

    tasks = [asyncio.create_task(one(*call)) for call in calls]
    for task, (_, turns, fate) in zip(tasks, calls, strict=True):
        for _ in range(turns):
            await asyncio.sleep(0)
        if fate == "cancelled":
            task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [outcome for outcome in outcomes if isinstance(outcome, AssertionError)]
    assert ended >= sum(fate == "ends" for _, _, fate in calls)
    assert (slots.held, slots.waiting, running) == (0, 0, 0)
