"""Slots that tenants share: the long work of one delays no other."""

import asyncio

import pytest

from shared.processes.fair_slots import FairSlots
from shared.types.errors import RateLimited


async def _hold(slots: FairSlots, tenant: str, end: asyncio.Event, order: list[str]) -> None:
    async with slots.slot(tenant):
        order.append(tenant)
        await end.wait()


async def test_a_tenant_gets_a_slot_while_the_long_work_of_another_holds_all() -> None:
    slots, end, order = FairSlots(2), asyncio.Event(), list[str]()
    tasks = [asyncio.create_task(_hold(slots, tenant, end, order)) for tenant in ("a", "a", "a", "b", "c")]
    await asyncio.sleep(0.01)
    assert order == ["a", "a", "b"], "two of the first, one more for who has none, and no more"
    end.set()
    await asyncio.gather(*tasks)
    assert order == ["a", "a", "b", "c", "a"], "a free slot goes to the tenant with the fewest at work"


async def test_whoever_waits_too_long_is_refused_and_takes_no_slot() -> None:
    slots, end, order = FairSlots(1), asyncio.Event(), list[str]()
    holder = asyncio.create_task(_hold(slots, "a", end, order))
    await asyncio.sleep(0.01)
    with pytest.raises(RateLimited) as refused:
        async with slots.slot("a", 0.01):
            pytest.fail("a slot that is held was granted")
    assert refused.value.retry_after
    cancelled = asyncio.create_task(_hold(slots, "a", end, order))
    await asyncio.sleep(0.01)
    cancelled.cancel()
    end.set()
    await holder
    async with asyncio.timeout(10), slots.slot("a"), slots.slot("b"):
        assert order == ["a"]
