"""Whatever goes wrong at a server, a task ends in an answer from elsewhere or in a clear word; the bill is right."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from msgspec.structs import replace

from shared.proxy.config.proxy_config import FallbackRules
from shared.proxy.routing.fallbacks import NoModel
from shared.proxy.task import LLMTask
from shared.types.errors import (
    BudgetExceeded,
    Forbidden,
    NotFound,
    Problem,
    RateLimited,
    StoreUnavailable,
    Unavailable,
)
from shared.upstreams.circuit import FAILURES
from tests.ollama import FakeOllama, Model
from tests.shared.proxy.execution.environment import CLOUD, LOCAL, ProxyEnvironment, answers, task
from tests.timing import within

REFUSED = [
    ("unauthorized", "fallback_unauthorized"),
    ("payment", "fallback_payment"),
    ("forbidden", "fallback_forbidden"),
    ("session_quota", "fallback_quota"),
    ("weekly_quota", "fallback_quota"),
    ("overloaded", "fallback_overloaded"),
]
MAY_HAVE_RUN = [
    ("failed", "fallback_cloud_unavailable"),
    ("gibberish", "fallback_overloaded"),
]
NOT_WHOLE = [
    ("cut", "fallback_broken"),
    ("abort", "fallback_broken"),
    ("error_line", "fallback_cloud_unavailable"),
    ("reset", "fallback_broken"),
    *MAY_HAVE_RUN,
]


async def bill(env: ProxyEnvironment) -> tuple[int, int, int]:
    """Spent and reserved by the counters, and spent by the ledger."""
    window = await env.window()
    return window.spent_microusd, window.reserved_microusd, sum(usage.cost_microusd for usage in await env.booked())


@pytest.mark.parametrize(("trouble", "reason"), REFUSED)
async def test_what_the_cloud_refuses_is_done_here_for_nothing(
    env: ProxyEnvironment, trouble: str, reason: str
) -> None:
    env.cloud.next(trouble)
    result = await env.proxy.execute(task())
    assert (result.text, result.execution.location, result.execution.reason) == ("from here", "local", reason)
    spent, reserved, booked = await bill(env)
    assert (spent, reserved, booked) == (0, 0, 0)


@pytest.mark.parametrize(("trouble", "reason"), NOT_WHOLE)
async def test_an_answer_that_is_not_whole_is_paid_and_made_again_here(
    env: ProxyEnvironment, trouble: str, reason: str
) -> None:
    env.cloud.next(trouble)
    result = await env.proxy.execute(task())
    assert (result.text, result.execution.reason) == ("from here", reason)
    spent, reserved, booked = await bill(env)
    assert spent == booked > 0
    assert reserved == 0
    assert [usage.estimated for usage in await env.booked() if usage.location == "cloud"] == [True]


async def test_an_answer_whose_usage_never_came_costs_what_was_reserved(env: ProxyEnvironment) -> None:
    env.cloud.next("lost_usage")
    result = await env.proxy.execute(task())
    assert result.execution.location == "cloud"
    assert result.estimated
    (usage,) = await env.booked()
    assert (usage.cost_microusd, usage.estimated) == (usage.reserved_microusd, True)
    assert (await env.window()).spent_microusd == usage.reserved_microusd == result.cost_microusd


async def test_a_cloud_that_hangs_is_left_and_paid(env: ProxyEnvironment) -> None:
    proxy = env.changed(timeout_s=1)
    env.cloud.next("hang")
    result = await proxy.execute(task())
    assert (result.text, result.execution.reason) == ("from here", "fallback_timeout")
    spent, reserved, booked = await bill(env)
    assert spent == booked > 0
    assert reserved == 0
    await proxy.close()


async def test_asked_too_often_the_call_waits_and_then_succeeds(env: ProxyEnvironment) -> None:
    env.cloud.next("slots")
    result = await env.proxy.execute(task())
    assert result.execution.location == "cloud"
    spent, reserved, booked = await bill(env)
    assert spent == booked == result.cost_microusd
    assert reserved == 0


async def test_asked_too_often_it_stays_here_where_the_file_says_so(env: ProxyEnvironment) -> None:
    proxy = env.changed(fallback=FallbackRules(on_rate_limit="local"))
    env.cloud.always("slots")
    result = await proxy.execute(task())
    assert (result.execution.location, result.execution.reason) == ("local", "fallback_rate_limit")
    assert len(env.cloud.asked()) == 1
    await proxy.close()


async def test_after_a_quota_the_cloud_is_left_alone(env: ProxyEnvironment) -> None:
    env.cloud.next("weekly_quota")
    await env.proxy.execute(task())
    result = await env.proxy.execute(task())
    assert (result.execution.location, result.execution.reason) == ("local", "cloud_unavailable")
    assert len(env.cloud.asked()) == 1


async def test_after_failures_in_a_row_the_cloud_is_left_alone(env: ProxyEnvironment) -> None:
    env.cloud.always("overloaded")
    for _ in range(FAILURES):
        await env.proxy.execute(task())
    assert (await env.proxy.execute(task())).execution.reason == "cloud_unavailable"
    assert len(env.cloud.asked()) == FAILURES


async def test_over_budget_it_stays_here(env: ProxyEnvironment) -> None:
    await cap(env, 1)
    result = await env.proxy.execute(task())
    assert (result.text, result.execution.reason) == ("from here", "budget")
    assert env.cloud.asked() == []


async def test_without_redis_nothing_leaves_and_local_work_goes_on(env: ProxyEnvironment) -> None:
    frozen = _Away()
    proxy = env.make(env.config, budget=frozen)  # type: ignore[arg-type]
    result = await proxy.execute(task())
    assert (result.text, result.execution.reason) == ("from here", "fallback_counters")
    assert env.cloud.asked() == []
    await proxy.close()


async def test_a_price_that_is_not_known_is_over_budget(env: ProxyEnvironment) -> None:
    models = replace(env.config.ollama_cloud.models, generation="a-new-model")
    proxy = env.changed(models=models)
    result = await proxy.execute(task())
    assert (result.execution.location, result.execution.reason) == ("local", "budget")
    assert env.cloud.seen == []
    await proxy.close()


async def test_the_most_that_a_call_may_cost_holds(env: ProxyEnvironment) -> None:
    assert (await env.proxy.execute(task(max_cost_microusd=10))).execution.reason == "budget"
    assert (await env.proxy.execute(task(max_cost_microusd=1_000_000))).execution.location == "cloud"


async def test_without_a_local_server_the_cloud_answers(env: ProxyEnvironment) -> None:
    await env.local.__aexit__()
    result = await env.proxy.execute(task(quality="fast", complexity="simple"))
    assert (result.text, result.execution.reason) == ("from the cloud", "fallback_local_unavailable")


async def test_a_local_server_that_breaks_off_is_followed_by_the_cloud(env: ProxyEnvironment) -> None:
    env.local.always("cut")
    result = await env.proxy.execute(task(quality="fast", complexity="simple"))
    assert (result.text, result.execution.reason) == ("from the cloud", "fallback_local_unavailable")


async def test_with_neither_the_caller_does_without_a_model(env: ProxyEnvironment) -> None:
    await env.local.__aexit__()
    env.cloud.always("overloaded")
    with pytest.raises(NoModel) as missing:
        await env.proxy.execute(task())
    assert missing.value.reason == "fallback_overloaded"


async def test_where_there_is_no_model_at_all_it_says_so(env: ProxyEnvironment) -> None:
    await env.local.__aexit__()
    proxy = env.changed(enabled=False)
    with pytest.raises(NoModel) as missing:
        await proxy.execute(task())
    assert missing.value.reason == "no_model"
    await proxy.close()


async def test_a_local_server_without_the_model_counts_as_none(env: ProxyEnvironment) -> None:
    async with FakeOllama(Model("another")) as bare:
        config = replace(
            env.config, ollama=replace(env.config.ollama, base_url=type(env.config.ollama.base_url)(bare.url))
        )
        proxy = env.make(config)
        result = await proxy.execute(task(quality="fast", complexity="simple"))
        assert result.execution.reason == "fallback_local_unavailable"
        await proxy.close()


async def test_a_model_that_is_not_listed_is_asked_once_and_then_left(env: ProxyEnvironment) -> None:
    del env.local.models[LOCAL]
    here: dict[str, Any] = {"quality": "fast", "complexity": "simple"}
    for _ in range(3):
        assert (await env.proxy.execute(task(**here))).execution.reason == "fallback_local_unavailable"
    assert len(env.local.asked()) <= 1


async def test_a_server_that_lists_nothing_may_still_answer(env: ProxyEnvironment) -> None:
    env.local.always("failed", path="/api/tags")
    result = await env.proxy.execute(task(quality="fast", complexity="simple"))
    assert (result.text, result.execution.reason) == ("from here", "default")


async def test_a_caller_that_leaves_ends_the_call_and_pays(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers("word " * 400), context_tokens=131_072)
    env.cloud.seconds_per_token = 0.01
    async with aclosing(env.proxy.stream(task(max_output_tokens=500))) as events:
        await anext(events)
    async with asyncio.timeout(60):
        await env.cloud.until(lambda cloud: cloud.stopped == 1)
    spent, reserved, booked = await bill(env)
    assert spent == booked > 0
    assert reserved == 0


async def test_a_cancelled_caller_pays_and_leaves_nothing_reserved(env: ProxyEnvironment) -> None:
    env.cloud.next("hang")
    running = asyncio.create_task(env.proxy.execute(task()))
    await env.cloud.until(lambda cloud: len(cloud.asked()) == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    spent, reserved, booked = await bill(env)
    assert spent == booked > 0
    assert reserved == 0


async def test_a_budget_set_to_nothing_ends_running_calls_within_a_second(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers("word " * 1000), context_tokens=131_072)
    env.cloud.seconds_per_token = 0.02
    running = asyncio.create_task(env.proxy.execute(task(max_output_tokens=1000)))
    await env.cloud.until(lambda cloud: cloud.running == 1)
    await cap(env, 0)
    with within(1):
        await env.cloud.until(lambda cloud: cloud.stopped == 1)
    result = await running
    assert (result.text, result.execution.reason) == ("from here", "budget")


async def cap(env: ProxyEnvironment, daily: int) -> None:
    from shared.proxy.budget.caps import Caps
    from shared.proxy.budget.operations import ScopeOf

    await env.budget.change_caps(ScopeOf("tenant", "ten_a"), "operator", Caps(daily, None))


NAMED = [
    ("unauthorized", Unavailable),
    ("session_quota", RateLimited),
    ("cut", Unavailable),
    ("overloaded", Unavailable),
]


@pytest.mark.parametrize(("trouble", "problem"), NAMED)
async def test_no_other_model_answers_for_one_that_was_named(
    env: ProxyEnvironment, trouble: str, problem: type[Problem]
) -> None:
    env.cloud.always(trouble)
    with pytest.raises(problem):
        await env.proxy.execute(task(model=CLOUD))
    assert env.local.asked() == []


async def test_a_named_model_runs_where_it_is(env: ProxyEnvironment) -> None:
    assert (await env.proxy.execute(task(model=LOCAL))).text == "from here"
    assert (await env.proxy.execute(task(model=CLOUD, quality="fast", complexity="simple"))).text == "from the cloud"


async def test_a_named_model_that_nobody_has_is_not_found(env: ProxyEnvironment) -> None:
    with pytest.raises(NotFound):
        await env.proxy.execute(task(model="gpt-9"))


async def test_a_named_cloud_model_over_budget_is_refused(env: ProxyEnvironment) -> None:
    await cap(env, 1)
    with pytest.raises(BudgetExceeded, match="tenant ten_a"):
        await env.proxy.execute(task(model=CLOUD))


async def test_a_named_cloud_model_sees_nothing_confidential(env: ProxyEnvironment) -> None:
    with pytest.raises(Forbidden):
        await env.proxy.execute(task(model=CLOUD, classification="confidential"))
    assert env.cloud.seen == []


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def wanting(**wishes: Any) -> LLMTask:
    return task(schema=SCHEMA, **wishes)


async def test_structured_output_is_validated(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers('Sure: ```json\n{"name": "Ada"}\n```'))
    assert (await env.proxy.execute(wanting())).data == {"name": "Ada"}


async def test_the_cloud_is_told_the_structure_it_is_not_held_to(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers('{"name": "Ada"}'))
    await env.proxy.execute(wanting())
    assert '"required":["name"]' in env.cloud.asked()[0]["messages"][-1]["content"]
    await env.proxy.execute(wanting(quality="fast", complexity="simple"))
    assert len(env.local.asked()[0]["messages"]) == 1
    assert env.local.asked()[0]["format"] == SCHEMA


async def test_a_wrong_structure_is_asked_for_once_more_with_what_was_wrong(env: ProxyEnvironment) -> None:
    message = iter(['{"nom": "Ada"}', '{"name": "Ada"}'])
    env.cloud.models[CLOUD] = Model(CLOUD, answer=lambda asked: next(message))
    result = await env.proxy.execute(wanting())
    assert (result.data, result.execution.location) == ({"name": "Ada"}, "cloud")
    first, second = env.cloud.asked()
    assert len(second["messages"]) == len(first["messages"]) + 2
    assert "name" in second["messages"][-1]["content"]
    assert len([usage for usage in await env.booked() if usage.cost_microusd]) == 2


async def test_a_cloud_that_ignores_the_structure_is_followed_by_the_local_model(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers("I would rather talk."))
    result = await env.proxy.execute(wanting())
    assert (result.data, result.execution.reason) == ({"name": "word"}, "fallback_schema")


async def test_where_no_model_keeps_to_the_structure_there_is_none(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers("no"))
    env.local.models[LOCAL] = Model(LOCAL, answer=answers("[1]"))
    with pytest.raises(NoModel) as missing:
        await env.proxy.execute(wanting())
    assert missing.value.reason == "fallback_schema"


class _Away:
    """A budget whose Redis does not answer."""

    async def reserve(self, *_: object) -> None:
        raise StoreUnavailable("counters", "frozen")
