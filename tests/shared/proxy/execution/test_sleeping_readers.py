"""A reader that sleeps delays neither its model, nor a budget's withdrawal, nor anybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from msgspec.structs import replace

from shared.proxy.budget.caps import Caps
from shared.proxy.budget.operations import ScopeOf
from shared.proxy.config.proxy_config import OllamaConfig
from shared.proxy.config.values import Url
from shared.proxy.execution import attempt
from shared.proxy.execution.buffering import MOST_PIECES
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.fallbacks import NoModel
from shared.proxy.task import LLMResult, LLMTask, Token
from tests.ollama import FakeOllama, Model
from tests.shared.proxy.execution.environment import CLOUD, LOCAL, TENANT, ProxyEnvironment, answers, task
from tests.timing import within

WORDS = " ".join(f"w{number}" for number in range(3 * MOST_PIECES))
WITHIN_S = 20


def local_task() -> LLMTask:
    return task(quality="fast", complexity="simple", max_output_tokens=4000)


@asynccontextmanager
async def with_local(
    env: ProxyEnvironment, text: str, *, timeout_s: int = 60, slow_s: float = 0
) -> AsyncIterator[ExecutionProxy]:
    """A proxy with one local slot and no cloud."""
    async with FakeOllama(Model(LOCAL, answer=answers(text)), seconds_per_token=slow_s) as local:
        ollama = OllamaConfig(base_url=Url(local.url), concurrency=1, timeout_s=timeout_s, queue_s=20)
        cloud = replace(env.config.ollama_cloud, enabled=False)
        proxy = env.make(replace(env.config, ollama=ollama, ollama_cloud=cloud))
        yield proxy
        await proxy.close()


async def test_a_sleeping_reader_holds_no_slot(env: ProxyEnvironment) -> None:
    async with with_local(env, WORDS) as proxy, aclosing(proxy.stream(local_task())) as unread:
        await anext(unread)
        with within(WITHIN_S / 2):
            assert (await proxy.execute(local_task())).text == WORDS
        events = [event async for event in unread]
    assert isinstance(events[-1], LLMResult) and events[-1].text == WORDS


async def test_a_reader_that_was_asleep_gets_every_piece_in_few_events(env: ProxyEnvironment) -> None:
    async with with_local(env, WORDS) as proxy, aclosing(proxy.stream(local_task())) as unread:
        events = [await anext(unread)]
        await proxy.execute(local_task())  # it has the one slot once the first has ended
        events += [event async for event in unread]
    assert "".join(event.text for event in events if isinstance(event, Token)) == WORDS
    assert len(events) <= MOST_PIECES + 4


async def test_the_time_out_of_a_call_holds_while_its_reader_sleeps(env: ProxyEnvironment) -> None:
    async with (
        with_local(env, WORDS, timeout_s=1, slow_s=0.05) as proxy,
        aclosing(proxy.stream(local_task())) as unread,
    ):
        await anext(unread)
        with within(WITHIN_S / 2), pytest.raises(NoModel):
            await proxy.execute(local_task())
        with pytest.raises(NoModel):
            async for _ in unread:
                pass


async def test_a_cap_of_zero_ends_a_call_whose_reader_sleeps(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers("word " * 1000), context_tokens=131_072)
    env.cloud.seconds_per_token = 0.02
    async with aclosing(env.proxy.stream(task(max_output_tokens=1000))) as unread:
        await anext(unread)
        await env.budget.change_caps(ScopeOf("tenant", TENANT), "operator", Caps(0, None))
        async with asyncio.timeout(60):
            await env.cloud.until(lambda cloud: cloud.stopped == 1)
            while not (booked := [record for record in await env.booked() if record.location == "cloud"]):
                await asyncio.sleep(0.02)
        [used] = booked
    assert used.estimated and used.cost_microusd > 0


async def test_an_answer_without_an_end_is_given_up(env: ProxyEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "LONGEST_TEXT", 100)
    async with with_local(env, WORDS) as proxy:
        with pytest.raises(NoModel):
            await proxy.execute(local_task())
