"""Past usage is priced again under another strategy, call by call."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.proxy.config.proxy_config import PRICES, ConfiguredCaps
from shared.proxy.prices import PriceTable
from shared.proxy.routing.strategies import STRATEGIES, RoutingState, TaskFacts, decide, recorded
from shared.proxy.simulate import simulate
from shared.types.model import TokenCounts
from shared.usage.records import UsageLine, UsageRecord

TABLE = PriceTable(PRICES)
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
READY = RoutingState(cloud_configured=True, cloud_model="gpt-oss:120b", local_model="llama3.2:3b")


def call(facts: TaskFacts | None = None, state: RoutingState = READY, at: datetime = AT, **changed: Any) -> UsageRecord:
    """A call as the hybrid strategy made it: a thousand tokens read, two hundred written."""
    facts = facts or TaskFacts()
    decision = decide(facts, state, "hybrid")
    cost = TABLE.lines("gpt-oss:120b", TokenCounts(prompt=1000, completion=200), at)
    free = (UsageLine("input_token", 1000), UsageLine("output_token", 200))
    was = UsageRecord(
        usage_id=f"use_{at}",
        tenant_id="ten_1",
        at=at,
        lines=(cost or ()) if decision.location == "cloud" else free,
        location=decision.location,
        model=decision.model,
        reason=decision.reason,
        decision=msgspec.json.decode(msgspec.json.encode(recorded(facts, state, decision))),
    )
    return msgspec.structs.replace(was, **changed)


HARD = TaskFacts(quality="high", complexity="complex")
ONE_CALL = 270  # 1,000 × 0.15 + 200 × 0.60 dollars a million


def test_the_same_strategy_costs_what_it_cost() -> None:
    found = simulate([call(), call(HARD), call(HARD)], "hybrid", TABLE)
    assert (found.calls, found.local_calls, found.cloud_calls, found.moved) == (3, 1, 2, 0)
    assert found.cost_microusd == found.was_microusd == 2 * ONE_CALL


def test_a_dearer_and_a_cheaper_strategy_move_calls() -> None:
    records = [call(), call(), call(HARD)]
    dearer, cheaper = simulate(records, "quality_optimized", TABLE), simulate(records, "cost_optimized", TABLE)
    assert (dearer.cloud_calls, dearer.moved, dearer.cost_microusd) == (3, 2, 3 * ONE_CALL)
    assert (cheaper.cloud_calls, cheaper.moved, cheaper.cost_microusd) == (0, 1, 0)
    assert dearer.reasons == {"quality": 3} and cheaper.reasons == {"default": 3}


def test_what_could_not_leave_then_does_not_leave_now() -> None:
    secret = call(TaskFacts(classification="confidential"))
    assert simulate([secret], "quality_optimized", TABLE).reasons == {"privacy": 1}


def test_a_budget_holds_in_the_simulation_too() -> None:
    records = [call(at=AT + timedelta(minutes=n)) for n in range(10)] + [call(at=AT + timedelta(days=1))]
    capped = simulate(records, "quality_optimized", TABLE, ConfiguredCaps(4 * ONE_CALL, None))
    assert (capped.cloud_calls, capped.reasons) == (5, {"quality": 5, "budget": 6})
    monthly = simulate(records, "quality_optimized", TABLE, ConfiguredCaps(None, 3 * ONE_CALL))
    assert monthly.cost_microusd == 3 * ONE_CALL


def test_a_model_without_a_price_stays_local() -> None:
    unpriced = call(state=msgspec.structs.replace(READY, cloud_model="nobody-knows"))
    assert simulate([unpriced], "quality_optimized", TABLE).reasons == {"budget": 1}


def test_records_that_tell_no_decision_count_as_they_were() -> None:
    found = simulate([call(HARD, decision=None), call(location=None)], "cost_optimized", TABLE)
    assert (found.calls, found.unchanged, found.cost_microusd) == (1, 1, ONE_CALL)


kinds = st.sampled_from(
    [TaskFacts(), HARD, TaskFacts(classification="confidential"), TaskFacts(kind="extraction", pages=30)]
)


@given(st.lists(st.tuples(kinds, st.integers(0, 4000)), max_size=20), st.integers(0, 20 * ONE_CALL))
def test_no_strategy_spends_more_than_the_cap_and_none_less_than_the_cheapest(
    past: list[tuple[TaskFacts, int]], cap: int
) -> None:
    records = [call(facts, at=AT + timedelta(minutes=minute)) for facts, minute in past]
    costs = {
        name: simulate(records, name, TABLE, ConfiguredCaps(None, cap if cap else None)).cost_microusd
        for name in STRATEGIES
    }
    assert costs["cost_optimized"] == 0 == min([0, *costs.values()])
    assert max(costs.values()) <= (cap or 20 * ONE_CALL)
