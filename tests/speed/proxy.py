"""What the proxy adds to a call of a model, and what the gate costs, against a PING over the same connections.

`python -m tests.speed proxy [--calls 800] [--callers 1,16,100]`: one process on its embedded stores, a
server behind it that says the same at once. Medians of calls made in turn, each by the same number of callers at a
time, so that a busy machine is busy for all of them alike.
"""

import argparse
import statistics
import tempfile
import time
from asyncio import Task, current_task, gather
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

from shared.access.accounts import Accounts
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.proxy.budget.allowances import DefaultCap, DefaultCaps
from shared.proxy.budget.budget import Budget
from shared.proxy.config.proxy_config import (
    CloudModels,
    CostLimits,
    LocalModels,
    OllamaCloudConfig,
    OllamaConfig,
    ProxyConfig,
)
from shared.proxy.config.values import CloudUrl, Secret, Url
from shared.proxy.execution.call_accounting import CallAccounting
from shared.proxy.execution.prompts import call_of
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.prices import Price
from shared.proxy.routing.conditions import Conditions
from shared.proxy.routing.gpu import Gpu
from shared.proxy.routing.servers import ModelServers
from shared.proxy.task import LLMTask, Part, PromptMessage
from shared.redis.client import RedisClient
from shared.redis.valkey import ValkeyServer
from shared.types.payer import Payer
from shared.upstreams.ollama import OllamaClient as Local
from shared.upstreams.ollama_cloud import OllamaCloudClient as Cloud
from shared.upstreams.port import ModelCall, Upstream
from shared.usage.balance import BudgetBalances
from shared.usage.journal import Journal
from shared.usage.records import Record
from tests.speed import constant_model
from tests.speed.constant_model import MODEL

_ANSWER_TOKENS = 64
_SLOTS = 200
_GATE_PINGS = 1.5
_EXECUTE_PINGS = 4
Step = Callable[[], Awaitable[object]]


class _Watched(Journal):
    """Remembers how long each task that asked it waited for its record to be durable, in seconds."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs)
        self.waited: dict[Task[Any] | None, float] = {}

    async def append(self, record: Record) -> None:
        started = time.perf_counter()
        await super().append(record)
        self.waited[current_task()] = time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=800, help="of each kind, at each number of callers")
    parser.add_argument("--callers", default="1,16,100")
    arguments = parser.parse_args()
    levels = [int(one) for one in arguments.callers.split(",")]
    with tempfile.TemporaryDirectory() as folder, constant_model.running() as port:
        url = f"http://127.0.0.1:{port}"
        print(uvloop.run(_measured(Path(folder), url, levels, arguments.calls)))


async def _measured(folder: Path, url: str, levels: list[int], calls: int) -> str:
    lines = [f"{'':34} {'c':>4} {'µs':>8} {'to reach':>9}"]
    async with _steps(folder, url) as (steps, journal):
        for callers in levels:
            taken: dict[str, list[float]] = {name: [] for name in steps}
            appends: list[float] = []
            for _ in range(max(10, calls // callers)):
                for name, step in steps.items():
                    taken[name] += await _wave(step, callers, journal)
                appends += journal.waited.values()
                journal.waited.clear()
            took = {name: statistics.median(times) * 1e6 for name, times in taken.items()}
            lines += _rows(callers, took, statistics.median(appends) * 1e6)
    return "\n".join(lines)


def _rows(callers: int, took: dict[str, float], append: float) -> Iterator[str]:
    ping = took["PING"]
    bars = {"gate, with what is left": _GATE_PINGS * ping}
    for place in ("cloud", "local"):
        name = f"added to a {place} call"
        took[name] = took[f"execute, {place}"] - took[f"bare client, {place}"]
        bars[name] = _EXECUTE_PINGS * ping
    for name, value in took.items():
        bar = f"{bars[name]:9.0f} {'reached' if value <= bars[name] else 'MISSED'}" if name in bars else ""
        yield f"{name:34} {callers:4} {value:8.0f} {bar}".rstrip()
    yield f"{'one records append, left out above':34} {callers:4} {append:8.0f}"


async def _wave(step: Step, callers: int, journal: _Watched) -> list[float]:
    """Seconds that each of so many calls took that were made at once, without what it waited for the journal."""

    async def one() -> float:
        started = time.perf_counter()
        await step()
        return time.perf_counter() - started - journal.waited.get(current_task(), 0)

    return await gather(*(one() for _ in range(callers)))


@asynccontextmanager
async def _steps(folder: Path, url: str) -> AsyncIterator[tuple[dict[str, Step], _Watched]]:
    """By name, and the journal that they write; each is made once before it is measured."""
    server = ValkeyServer(folder / "valkey")
    await server.start()
    redis, blobs = server.redis(), FolderBlobs(folder / "blobs")
    await blobs.prepare()
    accounts, journal = Accounts(blobs, redis), _Watched(blobs)
    tenant = await accounts.create_tenant("a tenant", "enterprise")
    key, secret = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    budget = Budget(redis, blobs, accounts, _nothing, DefaultCaps(platform=DefaultCap()))
    gate = Gate(Credentials(accounts), redis, lambda: budget)
    payer = Payer(tenant.tenant_id, key.key_id, "req_000000000000000000000000", function="chat")
    proxy = _proxy(url, budget, journal, accounts, redis)
    clients: list[Upstream] = [Cloud("cloud-key", base_url=url, concurrency=_SLOTS), Local(url, concurrency=_SLOTS)]
    bare = call_of(_task(payer, "fast"), MODEL, 60)
    steps: dict[str, Step] = {
        "PING": redis.ping,
        "gate": lambda: gate.admit(secret, "default"),
        "gate, with what is left": lambda: gate.admit_spender(secret, "default"),
        "bare client, cloud": lambda: _drained(clients[0], bare),
        "execute, cloud": lambda: proxy.execute(_task(payer, "high")),
        "bare client, local": lambda: _drained(clients[1], bare),
        "execute, local": lambda: proxy.execute(_task(payer, "fast")),
    }
    try:
        for step in steps.values():
            await step()
        yield steps, journal
    finally:
        for client in clients:
            await client.close()
        await proxy.close()
        await journal.close()
        await redis.close()
        await server.close()


def _proxy(url: str, budget: Budget, journal: Journal, accounts: Accounts, redis: RedisClient) -> ExecutionProxy:
    config = ProxyConfig(
        ollama=OllamaConfig(base_url=Url(url), models=LocalModels(generation=MODEL), concurrency=_SLOTS),
        ollama_cloud=OllamaCloudConfig(
            api_key=Secret("cloud-key"),
            base_url=CloudUrl(url),
            models=CloudModels(generation=MODEL),
            cost_limits=CostLimits(None, None),
            concurrency=_SLOTS,
            decision_strategy="quality_optimized",
        ),
        prices={MODEL: Price(input=1, output=1)},
    )
    servers, prices = ModelServers(config, lambda: redis), config.price_table
    accounting = CallAccounting(lambda: budget, lambda: journal, prices, lambda: accounts)
    return ExecutionProxy(
        servers, Conditions(servers, prices, Gpu("none")), accounting, "quality_optimized", config.ollama.context_steps
    )


def _task(payer: Payer, quality: str) -> LLMTask:
    """In the cloud where it is to be good, here where it is to be fast."""
    prompt = PromptMessage("user", (Part("How is it there today, all things considered?", "internal"),))
    return LLMTask(
        kind="generation",
        payer=payer,
        messages=(prompt,),
        quality=quality,  # type: ignore[arg-type]
        max_output_tokens=_ANSWER_TOKENS,
    )


async def _drained(client: Upstream, call: ModelCall) -> None:
    async with aclosing(client.stream(call)) as pieces:
        async for _ in pieces:
            pass


async def _nothing() -> BudgetBalances:
    return BudgetBalances()


if __name__ == "__main__":
    main()
