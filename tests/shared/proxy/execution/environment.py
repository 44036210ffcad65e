"""A proxy over real stores, with a local server and a cloud that speak Ollama's protocol to the letter."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.configured import allowances
from shared.proxy.budget.operations import ScopeOf, WindowState
from shared.proxy.config.proxy_config import OllamaCloudConfig, OllamaConfig, ProxyConfig
from shared.proxy.config.values import CloudUrl, Secret, Url
from shared.proxy.execution.call_accounting import CallAccounting
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.conditions import Conditions
from shared.proxy.routing.gpu import Gpu
from shared.proxy.routing.servers import ModelServers
from shared.proxy.task import LLMTask, Part, PromptMessage
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.document import Classification
from shared.types.payer import Payer
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import UsageRecord
from tests.ollama import Account, Asked, FakeOllama, Model

TENANT = "ten_a"
LOCAL, CLOUD = "llama3.2:3b", "gpt-oss:120b"


def answers(text: str) -> Callable[[Asked], str]:
    return lambda asked: text


def words(text: str, classification: Classification = "internal") -> PromptMessage:
    return PromptMessage("user", (Part(text, classification),))


def task(text: str = "What is it?", *, payer: Payer | None = None, **wishes: Any) -> LLMTask:
    """One that the hybrid strategy sends to the cloud, unless something forbids it."""
    wishes.setdefault("quality", "high")
    wishes.setdefault("complexity", "complex")
    wishes.setdefault("kind", "generation")
    wishes.setdefault("max_output_tokens", 50)
    payer = payer or Payer(TENANT, "key_1", "req_1", "label-1", "ask")
    return LLMTask(payer=payer, messages=wishes.pop("messages", (words(text),)), **wishes)


def proxy_over(
    config: ProxyConfig, budget: Budget, journal: Journal, accounts: Accounts, redis: RedisClient
) -> ExecutionProxy:
    servers = ModelServers(config, lambda: redis)
    return ExecutionProxy(
        servers,
        Conditions(servers, config.price_table, Gpu("no such program")),
        CallAccounting(lambda: budget, lambda: journal, config.price_table, lambda: accounts),
        config.ollama_cloud.decision_strategy,
        config.ollama.context_steps,
    )


@dataclass
class ProxyEnvironment:
    local: FakeOllama
    cloud: FakeOllama
    config: ProxyConfig
    redis: RedisClient
    blobs: Blobs
    accounts: Accounts
    journal: Journal
    ledger: UsageLedger
    budget: Budget
    proxy: ExecutionProxy = field(init=False)

    def __post_init__(self) -> None:
        self.proxy = self.make(self.config)

    def make(self, config: ProxyConfig, budget: Budget | None = None) -> ExecutionProxy:
        return proxy_over(config, budget or self.budget, self.journal, self.accounts, self.redis)

    def changed(self, **cloud: Any) -> ExecutionProxy:
        """A proxy whose file says otherwise of the cloud."""
        return self.make(replace(self.config, ollama_cloud=replace(self.config.ollama_cloud, **cloud)))

    async def window(self, scope: str = "tenant", name: str = "day") -> WindowState:
        who = {"tenant": ScopeOf("tenant", TENANT), "platform": ScopeOf("platform")}[scope]
        return next(one for one in await self.budget.windows([who]) if one.window == name)

    async def booked(self) -> list[UsageRecord]:
        """All usage that the usage ledger knows, what waits in Redis written down first."""
        from shared.usage.outbox import flush_outbox

        await flush_outbox(self.budget.outbox, self.journal)
        await self.journal.drain()
        today = now()
        return await self.ledger.usage(TENANT, today.replace(hour=0, minute=0), today.replace(year=today.year + 1))


@pytest.fixture
async def env(redis: RedisClient, blobs: Blobs) -> AsyncIterator[ProxyEnvironment]:
    accounts = Accounts(blobs, redis)
    await accounts.keep_tenant(TenantRecord(TENANT, "A", "enterprise", now()))
    journal, ledger = Journal(blobs), UsageLedger(blobs)
    small = Model(LOCAL, answer=answers("from here"), capabilities=("completion", "vision"))
    large = Model(
        CLOUD, answer=answers("from the cloud"), capabilities=("completion", "vision"), context_tokens=131_072
    )
    async with FakeOllama(small) as local, FakeOllama(large, account=Account(), parallel=100) as cloud:
        config = ProxyConfig(
            ollama=OllamaConfig(base_url=Url(local.url)),
            ollama_cloud=OllamaCloudConfig(api_key=Secret("cloud-key"), base_url=CloudUrl(cloud.url), queue_s=3),
        )
        budget = Budget(redis, blobs, accounts, ledger.balances, allowances(config))
        env = ProxyEnvironment(local, cloud, config, redis, blobs, accounts, journal, ledger, budget)
        yield env
        await env.proxy.close()
        await journal.close()
