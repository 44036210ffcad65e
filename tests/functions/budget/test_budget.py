"""Caps are set by whom they concern, hold from the next call on, and show what is left."""

from typing import Any

import pytest

from functions.budget import change, list_models, show, switch_model
from functions.budget.models import BudgetModel
from functions.budget.scopes import Scopes
from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import Over, Reserved, SwitchedOff
from shared.proxy.config.proxy_config import ProxyConfig
from shared.proxy.prices import Price
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.errors import Forbidden, InvalidRequest, NotFound
from shared.types.payer import Payer
from shared.types.principal import Principal
from shared.usage.ledger import UsageLedger

OPERATOR = Principal("", "key_o", "operator")


class Desk:
    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self.accounts = Accounts(blobs, redis)
        self.budget = Budget(redis, blobs, self.accounts, UsageLedger(blobs).balances)
        self.admin = Principal("ten_a", "", "admin")

    async def put(self, principal: Principal, **fields: Any) -> Scopes:
        return await change.handle(change.SetBudget(**fields), self.budget, self.accounts, principal)

    async def caps(self, principal: Principal) -> dict[tuple[str, str], float | None]:
        found = await show.handle(show.GetBudget(), self.budget, self.accounts, principal)
        return {(window.scope, window.window): window.cap_usd for window in found.scopes}


@pytest.fixture
async def desk(blobs: Blobs, redis: RedisClient) -> Desk:
    desk = Desk(blobs, redis)
    for tenant_id, tier in (("ten_a", "pro"), ("ten_b", "enterprise")):
        await desk.accounts.keep_tenant(TenantRecord(tenant_id, tenant_id, tier, now()))  # type: ignore[arg-type]
    key, _ = await desk.accounts.create_key("ten_a", "a key", "admin")
    desk.admin = Principal("ten_a", key.key_id, "admin")
    return desk


async def test_an_admin_sees_its_tenant_and_its_keys_by_day_and_month(desk: Desk) -> None:
    assert await desk.caps(desk.admin) == {
        ("tenant", "day"): None,
        ("tenant", "month"): 20.0,
        ("key", "day"): None,
        ("key", "month"): None,
    }


async def test_an_operator_sees_the_platform_and_every_tenant(desk: Desk) -> None:
    found = await show.handle(show.GetBudget(), desk.budget, desk.accounts, OPERATOR)
    assert {(window.scope, window.id) for window in found.scopes} == {
        ("platform", None),
        ("tenant", "ten_a"),
        ("tenant", "ten_b"),
    }


async def test_what_is_reserved_and_left_shows(desk: Desk) -> None:
    await desk.budget.reserve("op_1", 1_250_000, Payer(tenant_id="ten_a"), 60)
    found = await show.handle(show.GetBudget(), desk.budget, desk.accounts, desk.admin)
    (month,) = [one for one in found.scopes if (one.scope, one.window) == ("tenant", "month")]
    assert (month.spent_usd, month.reserved_usd, month.remaining_usd) == (0.0, 1.25, 18.75)


async def test_a_cap_holds_from_the_next_call_on(desk: Desk) -> None:
    payer = Payer(tenant_id="ten_a", key_id=desk.admin.key_id)
    assert isinstance(await desk.budget.reserve("op_1", 100, payer, 60), Reserved)
    answer = await desk.put(desk.admin, scope="key", id=desk.admin.key_id, daily_usd=0)
    assert [(window.window, window.cap_usd) for window in answer.scopes] == [("day", 0.0), ("month", None)]
    assert isinstance(await desk.budget.reserve("op_2", 100, payer, 60), Over)


async def test_what_is_left_out_stays_and_null_takes_the_cap_away(desk: Desk) -> None:
    await desk.put(desk.admin, scope="tenant", daily_usd=2, monthly_usd=10)
    await desk.put(desk.admin, scope="tenant", daily_usd=None)
    caps = await desk.caps(desk.admin)
    assert (caps["tenant", "day"], caps["tenant", "month"]) == (None, 10.0)


async def test_an_admin_stays_below_the_operator(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        await desk.put(desk.admin, scope="tenant", monthly_usd=20.01)
    await desk.put(OPERATOR, scope="tenant", id="ten_a", monthly_usd=30)
    await desk.put(desk.admin, scope="tenant", monthly_usd=20.01)
    assert (await desk.caps(desk.admin))["tenant", "month"] == 20.01


async def test_an_operator_sets_the_platform_and_any_key(desk: Desk) -> None:
    await desk.put(OPERATOR, scope="platform", daily_usd=1)
    await desk.put(OPERATOR, scope="key", id=desk.admin.key_id, daily_usd=0.5)
    assert (await desk.caps(OPERATOR))["platform", "day"] == 1.0
    assert (await desk.caps(desk.admin))["key", "day"] == 0.5


async def test_an_admin_does_not_set_the_platform(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        await desk.put(desk.admin, scope="platform", daily_usd=1)


@pytest.mark.parametrize("id_", ["ten_b", "ten_none"])
async def test_another_tenant_answers_like_a_missing_one(desk: Desk, id_: str) -> None:
    with pytest.raises(NotFound, match="no such tenant"):
        await desk.put(desk.admin, scope="tenant", id=id_, daily_usd=1)


async def test_another_tenants_key_answers_like_a_missing_one(desk: Desk) -> None:
    theirs, _ = await desk.accounts.create_key("ten_b", "a key", "admin")
    for id_ in (theirs.key_id, "key_none", "../ten_b"):
        with pytest.raises(NotFound, match="no such key"):
            await desk.put(desk.admin, scope="key", id=id_, daily_usd=1)


@pytest.mark.parametrize(
    "fields", [{"scope": "tenant"}, {"scope": "key", "daily_usd": 1}, {"scope": "platform", "id": "a", "daily_usd": 1}]
)
async def test_a_request_that_says_too_little_or_too_much_is_refused(desk: Desk, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await desk.put(OPERATOR, **fields)


PRICED = ProxyConfig(
    prices={"gpt-oss:120b": Price(input=150_000, output=600_000), "org/m:1b": Price(input=1, output=1)}
)
PAYER = Payer("ten_a", "key_1", "req_1", "label", "ask")


async def listed(desk: Desk) -> dict[str, BudgetModel]:
    found = await list_models.handle(list_models.ListBudgetModels(), desk.budget, PRICED)
    return {one.model: one for one in found.models}


async def switch(desk: Desk, model: str, *, enabled: bool) -> BudgetModel:
    return await switch_model.handle(switch_model.SwitchModel(model, enabled), desk.budget, PRICED)


async def test_priced_models_are_listed_with_their_prices(desk: Desk) -> None:
    assert (await listed(desk))["gpt-oss:120b"] == BudgetModel("gpt-oss:120b", True, 0.15, 0.6)


async def test_a_model_that_an_operator_switches_off_is_not_paid_for_until_it_is_on_again(desk: Desk) -> None:
    off = await switch(desk, "org/m:1b", enabled=False)
    assert (off.enabled, off.reason, off.operation_id) == (False, "operator", None)
    assert (await listed(desk))["org/m:1b"] == off
    assert await desk.budget.reserve("opr_1", 1, PAYER, 60, "org/m:1b") == SwitchedOff("org/m:1b")
    assert isinstance(await desk.budget.reserve("opr_2", 1, PAYER, 60, "gpt-oss:120b"), Reserved)
    assert (await switch(desk, "org/m:1b", enabled=True)).enabled
    assert isinstance(await desk.budget.reserve("opr_3", 1, PAYER, 60, "org/m:1b"), Reserved)


async def test_a_model_that_exceeded_its_worst_case_says_so_and_since_when(desk: Desk) -> None:
    before = now()
    await desk.budget.switches.switch_off("gpt-oss:120b", "opr_9")
    await switch(desk, "gpt-oss:120b", enabled=False)
    found = (await listed(desk))["gpt-oss:120b"]
    assert (found.reason, found.operation_id) == ("exceeded_worst_case", "opr_9")
    assert found.since is not None
    assert found.since >= before


async def test_a_model_that_lost_its_price_while_it_was_off_can_still_be_switched_on(desk: Desk) -> None:
    await desk.budget.switches.switch_off("retired:1b", "opr_9")
    assert (await listed(desk))["retired:1b"].input_usd is None
    assert (await switch(desk, "retired:1b", enabled=True)).enabled
    assert "retired:1b" not in await listed(desk)


async def test_a_model_without_a_price_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await switch(desk, "llama3.2:3b", enabled=False)
