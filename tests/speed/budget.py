"""What the budget costs: its steps and the gate's look at it, against a PING over the same connection.

`python -m tests.speed.budget`: medians of calls made in turn, so that a busy machine is busy for all of them alike.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from shared.access.accounts import Accounts
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.blobs.folder import FolderBlobs
from shared.proxy.budget.budget import Budget
from shared.redis.client import Script
from shared.redis.valkey import ValkeyServer
from shared.types.clock import now
from shared.types.payer import Payer
from shared.usage.balance import BudgetBalances
from shared.usage.records import UsageLine, UsageRecord

CALLS = 3000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> None:
    server = ValkeyServer(folder / "valkey")
    await server.start()
    redis = server.redis()
    blobs = FolderBlobs(folder / "blobs")
    await blobs.prepare()
    accounts = Accounts(blobs, redis)
    tenant = await accounts.create_tenant("a tenant", "enterprise")
    key, secret = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    budget = Budget(redis, blobs, accounts, _nothing)
    gate = Gate(Credentials(accounts), redis, lambda: budget)
    payer = Payer(tenant.tenant_id, key.key_id, "req_000000000000000000000000")

    def usage(number: int) -> UsageRecord:
        line = UsageLine("output_token", 20, 1)
        return UsageRecord(usage_id=f"op_{number}", tenant_id=tenant.tenant_id, at=now(), lines=(line,))

    steps: dict[str, Callable[[int], Awaitable[object]]] = {
        "ping": lambda number: redis.ping(),
        "least script": lambda number: redis.run(Script("return 1")),
        "reserve": lambda number: budget.reserve(f"op_{number}", 10, payer, 60, "gpt-oss:20b"),
        "confirm": lambda number: budget.confirm(f"op_{number}"),
        "settle": lambda number: budget.settle(usage(number)),
        "gate": lambda number: gate.admit(secret, "default"),
        "gate, spending": lambda number: gate.admit_spender(secret, "default"),
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(CALLS):
        for name, step in steps.items():
            started = time.perf_counter()
            await step(number)
            taken[name].append(time.perf_counter() - started)
    await redis.close()
    await server.close()
    ping = statistics.median(taken["ping"])
    print(f"{'':15} {'µs':>7} {'/ PING':>7}")
    for name, times in taken.items():
        print(f"{name:15} {statistics.median(times) * 1e6:7.0f} {statistics.median(times) / ping:7.2f}")


async def _nothing() -> BudgetBalances:
    return BudgetBalances()


if __name__ == "__main__":
    main()
