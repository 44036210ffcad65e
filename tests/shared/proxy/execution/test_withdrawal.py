"""What is withdrawn half-way ends what runs: a key, a tenant, the leave to use the cloud."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest
from msgspec.structs import replace

from shared.proxy.task import LLMResult
from shared.records.structs import TenantSettings
from shared.types.errors import Forbidden, Unauthenticated
from shared.types.payer import Payer
from tests.ollama import Model
from tests.shared.proxy.execution.environment import CLOUD, LOCAL, TENANT, ProxyEnvironment, answers, task
from tests.timing import within

SOON_S = 3
"""A second, where no other test runs."""


@pytest.fixture
async def payer(env: ProxyEnvironment) -> Payer:
    """A caller of a tenant whose models all speak for half a minute."""
    for server, name in ((env.local, LOCAL), (env.cloud, CLOUD)):
        server.models[name] = Model(name, answer=answers("word " * 1000), context_tokens=131_072)
        server.seconds_per_token = 0.03
    record, _ = await env.accounts.create_key(TENANT, "caller", "reader")
    return Payer(TENANT, record.key_id, "req_1", function="ask")


async def forbid_the_cloud(env: ProxyEnvironment, payer: Payer) -> None:
    await env.accounts.keep_settings(TENANT, TenantSettings(cloud_allowed=False))


async def revoke_the_key(env: ProxyEnvironment, payer: Payer) -> None:
    await env.accounts.revoke_key(TENANT, payer.key_id)


async def delete_the_tenant(env: ProxyEnvironment, payer: Payer) -> None:
    tenant = await env.accounts.tenant(TENANT)
    assert tenant
    await env.accounts.delete_tenant(tenant.tenant_id)


Withdraw = Callable[[ProxyEnvironment, Payer], Awaitable[None]]


@pytest.mark.parametrize("withdraw", [revoke_the_key, delete_the_tenant])
@pytest.mark.parametrize("quality", ["high", "fast"])
async def test_without_its_key_no_answer_goes_on_wherever_it_is_made(
    env: ProxyEnvironment, payer: Payer, withdraw: Withdraw, quality: str
) -> None:
    server = env.cloud if quality == "high" else env.local
    running = asyncio.create_task(env.proxy.execute(task(payer=payer, quality=quality, max_output_tokens=1000)))
    await server.until(lambda server: server.running == 1)
    await withdraw(env, payer)
    with within(SOON_S):
        await server.until(lambda server: server.stopped == 1)
    with pytest.raises(Unauthenticated):
        await running
    assert (await env.window()).reserved_microusd == 0


async def test_a_tenant_that_forbids_the_cloud_ends_what_runs_there(env: ProxyEnvironment, payer: Payer) -> None:
    running = asyncio.create_task(env.proxy.execute(task(payer=payer, max_output_tokens=1000)))
    await env.cloud.until(lambda cloud: cloud.running == 1)
    env.local.seconds_per_token = 0
    await forbid_the_cloud(env, payer)
    with within(SOON_S):
        await env.cloud.until(lambda cloud: cloud.stopped == 1)
    result = await running
    assert (result.execution.location, result.execution.reason) == ("local", "privacy")


async def test_a_tier_without_a_budget_ends_what_runs_in_the_cloud(env: ProxyEnvironment, payer: Payer) -> None:
    running = asyncio.create_task(env.proxy.execute(task(payer=payer, max_output_tokens=1000)))
    await env.cloud.until(lambda cloud: cloud.running == 1)
    env.local.seconds_per_token = 0
    tenant = await env.accounts.tenant(TENANT)
    assert tenant
    await env.accounts.keep_tenant(replace(tenant, tier="free"))
    with within(SOON_S):
        await env.cloud.until(lambda cloud: cloud.stopped == 1)
    result = await running
    assert (result.execution.location, result.execution.reason) == ("local", "budget")


async def test_a_named_cloud_model_is_refused_half_way(env: ProxyEnvironment, payer: Payer) -> None:
    with pytest.raises(Forbidden):
        async with aclosing(env.proxy.stream(task(payer=payer, model=CLOUD, max_output_tokens=1000))) as events:
            await anext(events)
            await forbid_the_cloud(env, payer)
            with within(SOON_S):
                async for event in events:
                    assert not isinstance(event, LLMResult)


async def test_work_for_a_document_does_not_end_with_the_key_that_brought_it(
    env: ProxyEnvironment, payer: Payer
) -> None:
    env.local.seconds_per_token = 0.005
    for_document = Payer(TENANT, payer.key_id, "req_1", function="extract", document_id="doc_1")
    running = asyncio.create_task(env.proxy.execute(task(payer=for_document, quality="fast", max_output_tokens=200)))
    await env.local.until(lambda local: local.running == 1)
    await revoke_the_key(env, payer)
    assert (await running).execution.location == "local"
