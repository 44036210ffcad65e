"""A call costs what it can have used: no count of a server makes it free, and none makes it dearer than it can be."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

import pytest

from shared.proxy.execution.proxy import ExecutionProxy
from shared.types.errors import BudgetExceeded, Unavailable
from shared.types.model import TokenCounts
from shared.upstreams.port import Capabilities, ModelCall, StreamEnd, TextDelta, UpstreamError
from tests.shared.proxy.execution.environment import CLOUD, ProxyEnvironment, task

RATE_LIMITED = UpstreamError("rate_limited", "too many requests", may_have_run=True)
REFUSED = UpstreamError("rate_limited", "too many requests", may_have_run=False, retry_after=1)


class ScriptedCloud:
    """A cloud whose calls give the scripted events, one script after the other, the last one again and again."""

    location = "cloud"
    capabilities = Capabilities(concurrency=5)

    def __init__(self, *scripts: Sequence[TextDelta | StreamEnd | UpstreamError]) -> None:
        self._scripts = list(scripts)
        self.calls: list[ModelCall] = []

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | StreamEnd]:
        self.calls.append(call)
        for event in self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]:
            if isinstance(event, UpstreamError):
                raise event
            yield event

    async def close(self) -> None:
        pass


def scripted(env: ProxyEnvironment, *scripts: Sequence[TextDelta | StreamEnd | UpstreamError]) -> ScriptedCloud:
    cloud = ScriptedCloud(*scripts)
    server = env.proxy._servers.cloud
    assert server
    server._upstream = cast(Any, cloud)
    return cloud


def answer(text: str, counts: TokenCounts | None) -> list[TextDelta | StreamEnd]:
    return [TextDelta(text), StreamEnd("stop", counts)]


async def texts(proxy: ExecutionProxy, **wishes: Any) -> list[str]:
    return [event.text async for event in proxy.stream(task(**wishes))]


@pytest.mark.parametrize("counts", [TokenCounts(20, 0), TokenCounts(0, 0), None])
async def test_text_whose_tokens_were_not_counted_is_never_free(
    env: ProxyEnvironment, counts: TokenCounts | None
) -> None:
    scripted(env, answer("an answer of forty bytes, or about so many", counts))
    result = await env.proxy.execute(task(max_output_tokens=100))
    (usage,) = await env.booked()
    assert result.estimated and usage.estimated
    output_price = env.config.prices[CLOUD].output
    assert usage.cost_microusd >= 42 * output_price // 1_000_000 > 0
    assert usage.cost_microusd <= usage.reserved_microusd
    assert (await env.window()).spent_microusd == usage.cost_microusd == result.cost_microusd


@pytest.mark.parametrize("counts", [TokenCounts(10**18, 5), TokenCounts(20, 10**18), TokenCounts(10_000, 5)])
async def test_a_count_that_cannot_be_true_costs_the_reservation_and_switches_the_model_off(
    env: ProxyEnvironment, counts: TokenCounts
) -> None:
    scripted(env, answer("short", counts))
    result = await env.proxy.execute(task())
    (usage,) = await env.booked()
    assert (usage.cost_microusd, usage.estimated) == (usage.reserved_microusd, True)
    assert (await env.window()).spent_microusd == result.cost_microusd == usage.reserved_microusd
    (off,) = await env.budget.switches.models()
    assert (off.model, off.operation_id) == (CLOUD, usage.usage_id)
    assert (await env.proxy.execute(task())).execution.location == "local"
    await env.budget.switches.switch_on(CLOUD)
    assert (await env.proxy.execute(task())).execution.location == "cloud"


async def test_a_rate_limit_in_the_middle_of_an_answer_is_no_reason_to_ask_again(env: ProxyEnvironment) -> None:
    cloud = scripted(env, [TextDelta("Hello wor"), RATE_LIMITED], answer("Hello world", TokenCounts(20, 3)))
    with pytest.raises(Unavailable, match="no whole answer"):
        await texts(env.proxy, model=CLOUD)
    assert len(cloud.calls) == 1
    assert len(await env.booked()) == 1


async def test_a_call_that_may_have_run_is_not_made_again_for_a_rate_limit(env: ProxyEnvironment) -> None:
    cloud = scripted(env, [RATE_LIMITED], answer("whole", TokenCounts(20, 3)))
    assert (await env.proxy.execute(task())).execution.reason == "fallback_rate_limit"
    assert len(cloud.calls) == 1


async def test_a_call_that_was_refused_is_made_again_and_its_waiting_costs_nothing(env: ProxyEnvironment) -> None:
    cloud = scripted(env, [REFUSED], answer("whole", TokenCounts(20, 3)))
    result = await env.proxy.execute(task())
    assert (result.text, len(cloud.calls)) == ("whole", 2)
    assert sum(one.cost_microusd for one in await env.booked()) == result.cost_microusd


async def test_the_tries_of_a_call_share_the_most_it_may_cost(env: ProxyEnvironment) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    cloud = scripted(env, answer("no JSON", None))
    with pytest.raises(BudgetExceeded):
        await env.proxy.execute(task(model=CLOUD, schema=schema, max_cost_microusd=150))
    costs = [one.cost_microusd for one in await env.booked()]
    assert len(cloud.calls) == len(costs) == 1
    assert 0 < sum(costs) <= 150 < 2 * sum(costs)


async def test_the_cost_of_an_answer_includes_the_attempts_that_gave_none(env: ProxyEnvironment) -> None:
    scripted(env, [TextDelta("Hello wor"), UpstreamError("broken", "cut", may_have_run=True)])
    result = await env.proxy.execute(task())
    assert (result.text, result.execution.location, result.estimated) == ("from here", "local", True)
    assert result.cost_microusd == sum(one.cost_microusd for one in await env.booked()) > 0


@pytest.mark.parametrize("error", [RATE_LIMITED, UpstreamError("broken", "cut", may_have_run=True)])
async def test_an_answer_that_broke_off_has_a_chain_of_causes_with_an_end(
    env: ProxyEnvironment, error: UpstreamError
) -> None:
    scripted(env, [TextDelta("Hello wor"), error])
    with pytest.raises(Unavailable) as raised:
        await texts(env.proxy, model=CLOUD)
    causes: list[BaseException | None] = [raised.value]
    while causes[-1] and causes.count(causes[-1]) == 1:
        causes.append(causes[-1].__cause__)
    assert causes[-1] is None
