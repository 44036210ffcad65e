"""A process of many callers that ask the proxy: `REDIS BLOBS CLOUD TENANT SEED CALLERS WITHIN_S [stuck]`.

It starts at a line on its stdin and prints `LABEL COST` for each answer that it got, `LABEL -` for each that it did not
get. Some callers are cancelled. With `stuck` no record is ever written down, so that no call leaves.
"""

import asyncio
import contextlib
import random
import sys
from pathlib import Path

from shared.access.accounts import Accounts
from shared.blobs.folder import FolderBlobs
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.configured import allowances
from shared.proxy.config.proxy_config import OllamaCloudConfig, OllamaConfig, ProxyConfig
from shared.proxy.config.values import CloudUrl, Secret, Url
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.fallbacks import NoModel
from shared.proxy.task import LLMTask
from shared.redis.connection import over_url
from shared.types.payer import Payer
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import Record
from tests.shared.proxy.execution.environment import proxy_over, task

NOBODY = "http://127.0.0.1:9"
CANCELLED = 0.1
"""The share of the callers that leave early."""


class Stuck(Journal):
    """Says when a record came, and never that it is durable."""

    async def append(self, record: Record) -> None:
        print("stuck", flush=True)
        await asyncio.Event().wait()


def asked(tenant_id: str, label: str) -> LLMTask:
    return task(f"question {label} ends", payer=Payer(tenant_id, "key_1", f"req_{label}", label, "ask"))


def config(cloud: str) -> ProxyConfig:
    """Nobody answers here."""
    return ProxyConfig(
        ollama=OllamaConfig(base_url=Url(NOBODY)),
        ollama_cloud=OllamaCloudConfig(api_key=Secret("cloud-key"), base_url=CloudUrl(cloud), concurrency=100),
    )


async def call(proxy: ExecutionProxy, tenant_id: str, label: str, after_s: float) -> None:
    await asyncio.sleep(after_s)
    try:
        result = await proxy.execute(asked(tenant_id, label))
        print(label, result.cost_microusd, flush=True)
    except NoModel:
        print(label, "-", flush=True)


async def main(
    redis_url: str, place: str, cloud: str, tenant: str, seed: str, callers: str, within: str, *how: str
) -> None:
    blobs, redis = FolderBlobs(Path(place)), over_url(redis_url, answer_s=10)
    journal = Stuck(blobs) if how else Journal(blobs)
    settings, dice = config(cloud), random.Random(seed)
    accounts = Accounts(blobs, redis)
    budget = Budget(redis, blobs, accounts, UsageLedger(blobs).balances, allowances(settings))
    proxy = proxy_over(settings, budget, journal, accounts, redis)
    await redis.ping()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    calls = [
        asyncio.create_task(call(proxy, tenant, f"{seed}-{number}", dice.uniform(0, float(within))))
        for number in range(int(callers))
    ]
    for one in dice.sample(calls, int(CANCELLED * len(calls))):
        asyncio.get_running_loop().call_later(dice.uniform(0, float(within)), one.cancel)
    for one in calls:
        with contextlib.suppress(asyncio.CancelledError):
            await one
    await proxy.close()
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
