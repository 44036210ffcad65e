"""Many callers in several processes, some of which die, a Redis that is emptied, and a midnight: not a cent over, and
nothing stuck."""

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import timedelta

from functions.sweep.budgets import settle_lapsed
from shared.blobs.port import Blobs
from shared.redis.client import RedisClient
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from tests.shared.proxy.budget.environment import AT, DAILY, DAY, LEASE_S, MONTHLY, BudgetEnvironment, fleet_allowance

CALLERS = 100
BEFORE_MIDNIGHT_S = 1


def work(url: str, place: str, tenant_id: str, key: str, seed: int) -> "subprocess.Popen[str]":
    words = [url, place, tenant_id, key, str(seed), str(CALLERS)]
    command = [sys.executable, "-m", "tests.shared.proxy.budget.working", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_no_cent_over_and_nothing_stuck_whatever_happens_to_callers_and_redis(
    blobs: Blobs, blobs_place: tuple[str, str], redis: RedisClient, redis_url: str
) -> None:
    if blobs_place[0] != "embedded":
        return
    ledger, journal = UsageLedger(blobs), Journal(blobs)
    env = BudgetEnvironment(blobs, redis, fleet_allowance(), ledger.balances)
    payer = await env.payer("enterprise")
    workers = [work(redis_url, blobs_place[1], payer.tenant_id, f"key_{n}", n) for n in range(3)]
    for worker in workers:
        assert worker.stdout and await asyncio.to_thread(worker.stdout.readline) == "ready\n"
    _, micros = await redis.call("TIME")
    await asyncio.sleep(1 - int(micros) / 1_000_000)  # whole seconds are counted: this one is whole
    now = int((await redis.call("TIME"))[0])
    env.budget.ahead_s = DAY - (now + BEFORE_MIDNIGHT_S) % DAY
    for worker in workers:
        assert worker.stdin
        worker.stdin.write(f"{env.budget.ahead_s}\n")
        worker.stdin.flush()
    await asyncio.sleep(0.7)
    workers[0].kill()
    await asyncio.sleep(0.3)
    await redis.call("FLUSHDB")
    left = [line.split() for worker in workers for line in await asyncio.to_thread(finished, worker)]
    await asyncio.sleep(LEASE_S)
    await flush_outbox(env.budget.outbox, journal)
    await env.budget.sweep()
    await settle_lapsed(env.budget, ledger)
    await flush_outbox(env.budget.outbox, journal)
    counted, booked = await env.counted(), await ledger.balances()
    assert not booked.open
    assert {w: one.spent_microusd for w, one in counted.items()} == {
        w: spent for w, spent in booked.spent.items() if spent
    }
    assert not any(one.reserved_microusd for one in counted.values())
    usages = {
        one.usage_id: one for one in await ledger.usage(payer.tenant_id, AT - timedelta(days=9), AT + timedelta(days=9))
    }
    assert all(usages[call].estimated or usages[call].cost_microusd == int(cost) for call, cost, _ in left)
    assert sum(not usages[call].estimated for call, *_ in left) > len(left) // 2
    days, months = Counter[str](), Counter[str]()
    for _, cost, day in left:
        days[day] += int(cost)
        months[day[:7]] += int(cost)
    assert len(days) == 2, "midnight came in between"
    assert max(days.values()) <= DAILY and max(months.values()) <= MONTHLY
    await journal.close()


def finished(worker: "subprocess.Popen[str]") -> list[str]:
    return worker.communicate(timeout=60)[0].splitlines()
