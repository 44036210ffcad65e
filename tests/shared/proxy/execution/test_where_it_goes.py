"""A call goes to the server that its decision was made for, and to the cloud only with what such a call needs."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.proxy.budget.caps import Caps
from shared.proxy.budget.operations import ScopeOf
from shared.proxy.config.proxy_config import OpenAIServer, ProxyConfig
from shared.proxy.config.values import Secret, Url
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.prices import Price
from shared.proxy.routing.fallbacks import NoModel
from shared.proxy.routing.servers import ModelServers
from shared.records.structs import TenantSettings
from shared.types.clock import now
from shared.types.document import Classification
from shared.types.errors import BudgetExceeded, Forbidden, ModelNotFound, Unavailable
from shared.types.model import Location
from shared.types.payer import Payer
from shared.upstreams.circuit import FAILURES
from shared.upstreams.permit import CloudPermit, NotPermitted
from shared.upstreams.port import ModelCall, WireMessage
from shared.usage.records import OutboundRecord
from tests.ollama import FakeOllama, Model
from tests.shared.proxy.execution.environment import CLOUD, LOCAL, TENANT, ProxyEnvironment, answers, task

PRICE = Price(1_000_000, 1_000_000, 1_000_000)


@dataclass
class Third:
    """A third server that has models of the same names as ours."""

    env: ProxyEnvironment
    server: FakeOllama

    def config(self, location: Location = "cloud", *models: str, preferred: bool = False) -> ProxyConfig:
        third = OpenAIServer(
            base_url=Url(f"{self.server.url}/v1"),
            api_key=Secret("third-key"),
            models=models or (LOCAL,),
            location=location,
            preferred=preferred,
        )
        prices = {**self.env.config.prices, LOCAL: PRICE}
        return replace(self.env.config, openai={"third": third}, prices=prices)

    def proxy(self, location: Location = "cloud", *models: str) -> ExecutionProxy:
        return self.env.make(self.config(location, *models))


@pytest.fixture
async def third(env: ProxyEnvironment) -> AsyncIterator[Third]:
    twins = [Model(LOCAL, answer=answers("from the third")), Model(CLOUD, answer=answers("from the third"))]
    async with FakeOllama(*twins) as server:
        yield Third(env, server)


async def test_a_confidential_task_stays_here_whatever_a_third_server_calls_its_models(third: Third) -> None:
    proxy = third.proxy()
    result = await proxy.execute(task(classification="confidential"))
    assert (result.text, result.execution.location, result.execution.reason) == ("from here", "local", "privacy")
    assert third.server.asked() == []
    await proxy.close()


async def test_nothing_leaves_of_a_tenant_that_lets_nothing_leave(third: Third) -> None:
    await third.env.accounts.keep_settings(TENANT, TenantSettings(cloud_allowed=False))
    proxy = third.proxy()
    assert (await proxy.execute(task())).text == "from here"
    with pytest.raises(Forbidden):
        await proxy.execute(task(model=LOCAL))
    assert third.server.asked() == []
    await proxy.close()


async def test_a_cap_of_nothing_holds_for_a_third_server(third: Third) -> None:
    await third.env.budget.change_caps(ScopeOf("tenant", TENANT), "operator", Caps(0, None))
    proxy = third.proxy()
    assert (await proxy.execute(task())).text == "from here"
    with pytest.raises(BudgetExceeded):
        await proxy.execute(task(model=LOCAL))
    assert third.server.asked() == []
    await proxy.close()


async def test_what_leaves_for_a_third_server_is_paid_and_in_the_audit(third: Third) -> None:
    proxy = third.proxy()
    result = await proxy.execute(task(model=LOCAL))
    assert (result.text, result.execution.location, result.cost_microusd > 0) == ("from the third", "cloud", True)
    (record,) = await third.env.booked()
    assert (record.location, record.reserved_microusd > 0, bool(record.windows)) == ("cloud", True, True)
    assert record.decision and record.decision["decision"]["server"] == "third"
    day = timedelta(days=1)
    records = await third.env.ledger.records(TENANT, now() - day, now() + day)
    sent = [one for one in records if isinstance(one, OutboundRecord)]
    assert [(one.server, one.model, one.classification) for one in sent] == [("third", LOCAL, "internal")]
    await proxy.close()


async def test_a_server_of_our_own_is_never_billed_as_the_cloud(third: Third) -> None:
    proxy = third.proxy("local", CLOUD)
    away = await proxy.execute(task())
    assert (away.text, away.execution.location, away.cost_microusd > 0) == ("from the cloud", "cloud", True)
    ours = await proxy.execute(task(model=CLOUD, classification="confidential"))
    assert (ours.text, ours.execution.location, ours.cost_microusd) == ("from the third", "local", 0)
    await proxy.close()


async def test_the_list_of_models_says_whose_each_is(third: Third) -> None:
    proxy = third.proxy()
    assert (await proxy.models(with_cloud=True))[LOCAL] == "third"
    assert LOCAL not in await proxy.models(with_cloud=False)
    await proxy.close()


async def test_a_model_that_only_the_local_server_lists_is_its_own_while_it_is_away(env: ProxyEnvironment) -> None:
    env.local.models[CLOUD] = Model(CLOUD, answer=answers("from here"))
    servers = ModelServers(env.config, lambda: env.redis)
    assert (owner := await servers.owner(CLOUD)) and owner.name == "ollama"
    servers.local._looked = replace(servers.local._looked, until=0.0, models={})
    env.local.always("failed", path="/api/tags")
    assert (owner := await servers.owner(CLOUD)) and owner.name == "ollama"
    await servers.close()


PERMIT = CloudPermit("opr_1", CLOUD, cloud_allowed=True)
STOPPED: list[tuple[Classification, CloudPermit | None]] = [
    ("confidential", PERMIT),
    ("internal", None),
    ("internal", replace(PERMIT, cloud_allowed=False)),
    ("internal", replace(PERMIT, model=LOCAL)),
]


@pytest.mark.parametrize(("classification", "permit"), STOPPED)
async def test_a_call_that_lacks_what_it_needs_never_sends_a_byte(
    env: ProxyEnvironment,
    classification: Classification,
    permit: CloudPermit | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    servers = ModelServers(env.config, lambda: env.redis)
    assert servers.cloud
    call = ModelCall(
        model=CLOUD,
        messages=(WireMessage("user", "secret"),),
        max_output_tokens=1,
        classification=classification,
    )
    with pytest.raises(NotPermitted):
        async with aclosing(servers.cloud.stream(call, permit)) as events:
            await anext(events)
    assert env.cloud.seen == []
    assert "was stopped before it left" in caplog.text
    await servers.close()


async def test_a_call_that_does_not_say_its_class_is_confidential() -> None:
    assert ModelCall(model=CLOUD, messages=(), max_output_tokens=1).classification == "confidential"


async def test_a_tenant_that_forbids_the_cloud_after_the_reservation_is_obeyed(env: ProxyEnvironment) -> None:
    append = env.journal.append

    async def forbidden_meanwhile(*records: object) -> None:
        await env.accounts.keep_settings(TENANT, TenantSettings(cloud_allowed=False))
        await append(*records)  # type: ignore[arg-type]

    env.journal.append = forbidden_meanwhile  # type: ignore[method-assign, assignment]
    result = await env.proxy.execute(task())
    assert (result.text, result.execution.reason) == ("from here", "privacy")
    assert env.cloud.asked() == []
    assert (await env.window()).reserved_microusd == 0


async def test_a_refusal_of_one_model_leaves_the_account_alone(env: ProxyEnvironment) -> None:
    env.cloud.models["gpt-oss:20b"] = Model("gpt-oss:20b", answer=answers("from another"))
    env.cloud.next("forbidden")
    assert (await env.proxy.execute(task())).execution.reason == "fallback_forbidden"
    assert (await env.proxy.execute(task())).execution.reason == "cloud_unavailable"
    assert (await env.proxy.execute(task(model="gpt-oss:20b"))).text == "from another"


async def test_broken_answers_of_one_model_leave_the_others_alone(env: ProxyEnvironment) -> None:
    env.cloud.models["gpt-oss:20b"] = Model("gpt-oss:20b", answer=answers("from another"))
    env.cloud.next(*["cut"] * FAILURES)
    for _ in range(FAILURES):
        assert (await env.proxy.execute(task())).execution.reason == "fallback_broken"
    assert (await env.proxy.execute(task())).execution.reason == "cloud_unavailable"
    assert (await env.proxy.execute(task(model="gpt-oss:20b"))).text == "from another"


async def test_a_prompt_that_makes_a_model_repeat_itself_closes_nothing_to_others(env: ProxyEnvironment) -> None:
    env.cloud.models[CLOUD] = Model(CLOUD, answer=answers("ha " * 200), context_tokens=131_072)
    for _ in range(FAILURES):
        env.cloud.next("abort")
        assert (await env.proxy.execute(task(max_output_tokens=500))).execution.reason == "fallback_broken"
    assert (await env.proxy.execute(task())).execution.location == "cloud"


async def test_an_unknown_name_stays_unknown_while_its_circuit_is_open(env: ProxyEnvironment) -> None:
    del env.cloud.models[f"{CLOUD}"]
    for _ in range(2):
        with pytest.raises(ModelNotFound):
            await env.proxy.execute(task(model=CLOUD))


async def test_a_third_servers_model_does_not_wait_for_the_cloud_to_come_back(third: Third) -> None:
    proxy = third.proxy()
    third.env.cloud.next("unauthorized")
    await proxy.execute(task())
    assert (await proxy.execute(task())).execution.reason == "cloud_unavailable"
    assert (await proxy.execute(task(model=LOCAL))).text == "from the third"
    await proxy.close()


async def test_a_named_model_of_a_server_that_is_away_is_not_asked_for_elsewhere(third: Third) -> None:
    config = third.config("cloud", "another")
    proxy = third.env.make(replace(config, ollama=replace(config.ollama, base_url=Url("http://127.0.0.1:9"))))
    with pytest.raises(Unavailable):
        await proxy.execute(task(model=LOCAL))
    assert (third.server.asked(), third.env.cloud.asked()) == ([], [])
    with pytest.raises(NoModel):
        await proxy.execute(task(classification="confidential", payer=Payer(TENANT)))
    await proxy.close()
