"""The whole proxy at the edge of a budget, whatever happens to its callers, its processes and Redis: not a cent over,
nothing stuck, and every call that the cloud made is in the ledger."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from functions.sweep.budgets import BudgetUpkeep
from shared.access.accounts import Accounts
from shared.blobs.folder import FolderBlobs
from shared.bus.publisher import BoundPublisher
from shared.proxy.budget.caps import Caps
from shared.proxy.budget.configured import allowances
from shared.proxy.budget.mending import counts
from shared.proxy.budget.operations import ScopeOf, WindowState
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.types.clock import now
from shared.types.payer import Payer
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import UsageRecord
from tests.ollama import Account, Asked, FakeOllama, Model
from tests.shared.proxy.budget.environment import LaterBudget
from tests.shared.proxy.execution.calling import config
from tests.shared.proxy.execution.environment import CLOUD, ProxyEnvironment, task
from tests.transports import RecordingTransport

CALLERS = 100
WITHIN_S = 2.4
CAP = 2500
"""Micro-dollars: a third of what all callers ask for."""
LATER_S = 3600
"""Longer than any lease."""


class Scene:
    """A cloud, a tenant with a cap, and those who look after both."""

    def __init__(self, redis_url: str, place: Path, redis: RedisClient, cloud: FakeOllama) -> None:
        self.redis_url = redis_url
        self.place = place
        self.redis = redis
        self.cloud = cloud
        self.blobs = FolderBlobs(place)
        self.accounts = Accounts(self.blobs, redis)
        self.journal, self.ledger, self.transport = Journal(self.blobs), UsageLedger(self.blobs), RecordingTransport()
        self.budget = LaterBudget(redis, self.blobs, self.accounts, self.ledger.balances, allowances(config(cloud.url)))
        self.tenant_id = ""

    async def open(self, cap: int) -> None:
        await self.blobs.prepare()
        self.tenant_id = (await self.accounts.create_tenant("a tenant", "enterprise")).tenant_id
        await self.budget.change_caps(ScopeOf("tenant", self.tenant_id), "operator", Caps(cap, None))

    def process(self, seed: int, callers: int, within_s: float, *how: str) -> "subprocess.Popen[str]":
        words = [
            self.redis_url,
            str(self.place),
            self.cloud.url,
            self.tenant_id,
            str(seed),
            str(callers),
            str(within_s),
        ]
        command = [sys.executable, "-m", "tests.shared.proxy.execution.calling", *words, *how]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    async def day(self) -> WindowState:
        windows = await self.budget.windows([ScopeOf("tenant", self.tenant_id)])
        return next(one for one in windows if one.window == "day")

    async def after_all_leases(self) -> None:
        """The sweep, as it comes when the leases of the dead have run out."""
        self.budget.ahead_s = LATER_S
        publisher = BoundPublisher(self.transport, "sweep")
        await BudgetUpkeep(self.budget, self.ledger, self.journal, publisher).run()
        self.budget.ahead_s = 0

    async def booked(self) -> dict[str, UsageRecord]:
        """By label."""
        usage = await self.ledger.usage(self.tenant_id, now() - timedelta(days=1), now() + timedelta(days=1))
        found = {one.label: one for one in usage}
        assert len(found) == len(usage), "a call was charged twice"
        return found

    def seen(self) -> set[str]:
        """The labels of the calls that reached the cloud."""
        return {asked["messages"][-1]["content"].split()[1] for asked in self.cloud.asked()}


@asynccontextmanager
async def opened(redis_url: str, place: Path, redis: RedisClient, cap: int) -> AsyncIterator[Scene]:
    dice = random.Random(7)

    def answer(_: Asked) -> str:
        return "word " * dice.randint(1, 40)

    model = Model(CLOUD, answer=answer, context_tokens=131_072)
    async with FakeOllama(model, account=Account(), parallel=200, reading_s=0.02) as cloud:
        scene = Scene(redis_url, place, redis, cloud)
        await scene.open(cap)
        yield scene
        await scene.journal.close()


@pytest.fixture
def place(blobs_place: tuple[str, str]) -> Path:
    if blobs_place[0] != "embedded":
        pytest.skip("processes share a folder here")
    return Path(blobs_place[1])


async def started(*processes: "subprocess.Popen[str]") -> None:
    """All at once, as soon as all are there."""
    for one in processes:
        assert await line(one) == "ready"
    for one in processes:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()


async def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return (await asyncio.to_thread(process.stdout.readline)).strip()


def finished(process: "subprocess.Popen[str]") -> list[list[str]]:
    return [message.split() for message in process.communicate(timeout=30)[0].splitlines()]


async def watched(scene: Scene, found: list[WindowState]) -> None:
    while True:
        found.append(await scene.day())
        await asyncio.sleep(0.02)


async def test_two_processes_at_the_edge_spend_not_a_cent_too_much_and_leave_nothing_behind(
    place: Path, redis: RedisClient, redis_url: str
) -> None:
    patient = over_url(redis_url, answer_s=10)
    async with opened(redis_url, place, patient, CAP) as scene:
        processes = [scene.process(seed, CALLERS, WITHIN_S) for seed in range(2)]
        await started(*processes)
        samples: list[WindowState] = []
        watch = asyncio.create_task(watched(scene, samples))
        await asyncio.sleep(0.25 * WITHIN_S)
        before = len(samples)
        await patient.call("FLUSHDB")
        await asyncio.sleep(0.6 * WITHIN_S)
        processes[0].kill()
        message = [one for process in processes for one in await asyncio.to_thread(finished, process)]
        await scene.after_all_leases()
        watch.cancel()

        assert all(one.spent_microusd <= CAP for one in samples)
        assert all(one.spent_microusd + one.reserved_microusd <= CAP for one in samples[:before])
        counted = {w: one for w, one in (await counts(patient)).windows.items() if one.spent_microusd}
        balances = await scene.ledger.balances()
        assert not balances.open
        assert not any(one.reserved_microusd for one in (await counts(patient)).windows.values())
        assert {w: one.spent_microusd for w, one in counted.items()} == {w: n for w, n in balances.spent.items() if n}

        booked = await scene.booked()
        charged = {label for label, one in booked.items() if one.cost_microusd}
        answered = {label: int(cost) for label, cost in message if cost != "-"}
        assert scene.seen() <= charged
        assert all(booked[label].estimated for label in charged - scene.seen())
        assert all(booked[label].cost_microusd == cost for label, cost in answered.items())
        assert len(answered) > CALLERS / 4 and any(cost == "-" for _, cost in message), "it was no edge"

        account = scene.cloud.account
        assert account is not None
        billed = account.spent_usd() * 1_000_000
        spent = sum(one.cost_microusd for one in booked.values())
        counted_by_the_cloud = sum(one.cost_microusd for one in booked.values() if not one.estimated)
        assert billed <= spent <= CAP
        assert counted_by_the_cloud <= billed + len(booked), "each cost is rounded up"
        output = [event for event in scene.transport.events if getattr(event, "scope", "") == "tenant"]
        assert len(output) == len({getattr(event, "threshold_pct", 0) for event in output})
    await patient.close()


async def test_a_caller_that_is_killed_pays_for_a_call_that_left_and_for_no_other(
    place: Path, redis: RedisClient, redis_url: str
) -> None:
    async with opened(redis_url, place, redis, 1_000_000) as scene:
        scene.cloud.always("hang", path="/api/chat")
        left, stayed = scene.process(1, 1, 0), scene.process(2, 1, 0, "stuck")
        await started(left, stayed)
        await scene.cloud.until(lambda cloud: len(cloud.asked()) == 1)
        assert await line(stayed) == "stuck"
        held = await scene.day()
        assert (held.spent_microusd, held.reserved_microusd > 0) == (0, True)
        for process in (left, stayed):
            process.kill()
            await asyncio.to_thread(finished, process)
        await scene.after_all_leases()
        booked = {label: one for label, one in (await scene.booked()).items() if one.cost_microusd}
        assert set(booked) == {"1-0"}
        assert booked["1-0"].estimated
        day = await scene.day()
        assert (day.spent_microusd, day.reserved_microusd) == (booked["1-0"].cost_microusd, 0)
        assert 2 * day.spent_microusd == held.reserved_microusd


async def test_fifty_calls_under_one_label_are_fifty_charges(env: ProxyEnvironment) -> None:
    payer = Payer("ten_a", "key_1", "req_1", "the-same-label", "ask")
    results = await asyncio.gather(*(env.proxy.execute(task("again", payer=payer)) for _ in range(50)))
    assert {one.execution.location for one in results} == {"cloud"}
    booked = await env.booked()
    assert len(booked) == len({one.usage_id for one in booked}) == 50
    assert {one.label for one in booked} == {"the-same-label"}
    day = await env.window()
    assert day.spent_microusd == sum(one.cost_microusd for one in results) == sum(one.cost_microusd for one in booked)
