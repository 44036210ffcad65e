"""Whatever goes wrong between a call and its settlement, the bill is right in the end and the answer is not lost."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from msgspec.structs import replace

from functions.sweep.budgets import settle_lapsed
from shared.proxy.config.proxy_config import OpenAIServer
from shared.proxy.config.values import Url
from shared.proxy.execution.call_accounting import BudgetWithdrawn, Reservation
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.servers import ModelServers
from shared.types.errors import StoreUnavailable, Unavailable
from shared.types.payer import Payer
from shared.upstreams.permit import CloudPermit
from shared.upstreams.port import ModelCall, StreamEnd, TextDelta, UpstreamError
from tests.ollama import Model
from tests.shared.proxy.budget.environment import LaterBudget
from tests.shared.proxy.execution.environment import CLOUD, LOCAL, ProxyEnvironment, answers, task

Step = Callable[..., Awaitable[Any]]


async def away(*_: object) -> None:
    raise StoreUnavailable("counters", "frozen")


class Broken:
    """A budget some of whose steps go wrong."""

    def __init__(self, env: ProxyEnvironment, **steps: Step) -> None:
        self._budget = env.budget
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        return self._steps.get(name) or getattr(self._budget, name)


def broken(env: ProxyEnvironment, **steps: Step) -> ExecutionProxy:
    return env.make(env.config, budget=Broken(env, **steps))  # type: ignore[arg-type]


async def after_the_leases(env: ProxyEnvironment) -> None:
    """The sweep, an hour later."""
    later = LaterBudget(env.redis, env.blobs, env.accounts, env.ledger.balances)
    later.ahead_s = 3600
    await env.journal.drain()
    await later.sweep()
    await settle_lapsed(later, env.ledger)


async def test_a_cost_that_redis_did_not_hear_is_settled_from_the_book(env: ProxyEnvironment) -> None:
    proxy = broken(env, settle=away)
    result = await proxy.execute(task())
    assert result.execution.location == "cloud"
    assert (await env.window()).reserved_microusd > 0
    await after_the_leases(env)
    window = await env.window()
    assert (window.spent_microusd, window.reserved_microusd) == (result.cost_microusd, 0)
    assert [one.cost_microusd for one in await env.booked()] == [result.cost_microusd]
    await proxy.close()


async def test_an_answer_is_not_lost_with_its_settlement(env: ProxyEnvironment) -> None:
    async def wrong(*_: object) -> None:
        raise ValueError("something nobody thought of")

    proxy = broken(env, settle=wrong)
    assert (await proxy.execute(task())).text == "from the cloud"
    await after_the_leases(env)
    window = await env.window()
    assert (window.spent_microusd > 0, window.reserved_microusd) == (True, 0)
    await proxy.close()


async def test_nothing_leaves_whose_reservation_is_gone(env: ProxyEnvironment) -> None:
    async def gone(*_: object) -> bool:
        return False

    proxy = broken(env, confirm=gone)
    result = await proxy.execute(task())
    assert (result.text, result.execution.reason) == ("from here", "fallback_counters")
    assert env.cloud.asked() == []
    assert sum(one.cost_microusd for one in await env.booked()) == 0
    assert not (await env.ledger.balances()).open
    assert (await env.window()).reserved_microusd == 0
    await proxy.close()


async def test_a_refused_call_costs_nothing_even_if_redis_does_not_hear_of_it(env: ProxyEnvironment) -> None:
    env.cloud.next("overloaded")
    proxy = broken(env, release=away)
    assert (await proxy.execute(task())).execution.reason == "fallback_overloaded"
    await after_the_leases(env)
    window = await env.window()
    assert (window.spent_microusd, window.reserved_microusd) == (0, 0)
    assert sum(one.cost_microusd for one in await env.booked()) == 0
    await proxy.close()


async def test_a_named_model_is_refused_while_redis_is_away(env: ProxyEnvironment) -> None:
    proxy = broken(env, reserve=away)
    with pytest.raises(Unavailable, match="budget cannot be asked"):
        await proxy.execute(task(model=CLOUD))
    await proxy.close()


async def test_a_model_that_cost_more_than_it_could_is_paid_in_full_and_switched_off(
    env: ProxyEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.proxy.execution.call_accounting.CallAccounting.worst_case", lambda accounting, call: 1)
    result = await env.proxy.execute(task())
    assert result.cost_microusd > 1
    assert (await env.window()).spent_microusd == result.cost_microusd
    again = await env.proxy.execute(task())
    assert (again.execution.location, again.execution.reason) == ("local", "budget")
    (off,) = await env.budget.switches.models()
    assert off.model == CLOUD


async def test_a_budget_that_is_withdrawn_between_two_pieces_ends_the_call_at_the_next() -> None:
    async def pieces() -> Any:
        yield "never heard"

    reservation = Reservation(Payer("ten_a"), "opr_1", 10, ())
    reservation.withdraw(BudgetWithdrawn("It was taken away."))
    with pytest.raises(BudgetWithdrawn):
        await reservation.next(pieces())


async def test_what_a_task_would_do_is_told_and_nothing_leaves(env: ProxyEnvironment) -> None:
    decision = await env.proxy.outlook(task())
    assert (decision.location, decision.model, decision.reason) == ("cloud", CLOUD, "quality")
    assert env.cloud.seen == []
    assert env.local.asked() == []


async def test_the_call_of_a_broken_circuit_is_refused_without_a_byte(env: ProxyEnvironment) -> None:
    servers = ModelServers(env.config, lambda: env.redis)
    assert servers.cloud
    servers.cloud.circuits.failed(CLOUD, "quota", 60)
    call = ModelCall(model=CLOUD, messages=(), max_output_tokens=1, timeout_s=1, classification="internal")
    permit = CloudPermit("opr_1", CLOUD, cloud_allowed=True)
    with pytest.raises(UpstreamError) as refused:
        async with aclosing(servers.cloud.stream(call, permit)) as events:
            assert [event async for event in events if isinstance(event, TextDelta | StreamEnd)] == []
    assert (refused.value.may_have_run, refused.value.retry_after) == (False, 60)
    assert env.cloud.seen == []
    await servers.close()


async def test_a_server_of_ones_own_runs_the_models_it_is_given(env: ProxyEnvironment) -> None:
    env.local.models["mine"] = Model("mine", answer=answers("from my own"))
    mine = OpenAIServer(base_url=Url(f"{env.local.url}/v1"), models=("mine",), location="local")
    proxy = env.make(replace(env.config, openai={"lab": mine}))
    result = await proxy.execute(task(model="mine", classification="confidential"))
    assert (result.text, result.execution.location, result.cost_microusd) == ("from my own", "local", 0)
    assert len(env.local.asked("/v1/chat/completions")) == 1
    named = await proxy.models(with_cloud=True)
    assert (named["mine"], named[LOCAL], named[CLOUD]) == ("lab", "ollama", "ollama_cloud")
    await proxy.close()
