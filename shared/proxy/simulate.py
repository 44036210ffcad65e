"""Simulates past calls under another strategy, from the facts and state that the usage ledger has of each."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.proxy.config.proxy_config import ConfiguredCaps
from shared.proxy.prices import PriceTable
from shared.proxy.routing.strategies import NamedModelRefused, RoutingDecision, RoutingState, TaskFacts, decide
from shared.types.model import AnswerLocation, StrategyName, TokenCounts
from shared.usage.records import UsageRecord

_BY_MODELS = frozenset({"local", "cloud"})


class Simulation(Struct, frozen=True, kw_only=True):
    """`kept` are records without a decision, or whose named model would be refused now: they count as they were.
    `reasons` counts calls by the reason of their new decision."""

    strategy: StrategyName
    calls: int = 0
    local_calls: int = 0
    cloud_calls: int = 0
    unchanged: int = 0
    moved: int = 0
    cost_microusd: int = 0
    was_microusd: int = 0
    reasons: dict[str, int] = {}


class _Outcome(Struct, frozen=True):
    location: AnswerLocation | None
    reason: str
    cost_microusd: int
    is_unchanged: bool = False


def simulate(
    records: Iterable[UsageRecord], strategy: StrategyName, prices: PriceTable, caps: ConfiguredCaps | None = None
) -> Simulation:
    """Only calls of models are looked at, in the order of their time; the caps are the platform's. A call that moves
    to the cloud is priced by its tokens at its time of day, none of them cached."""
    calls = sorted((record for record in records if record.location in _BY_MODELS), key=lambda record: record.at)
    outcomes = list(_outcomes(calls, strategy, prices, caps or ConfiguredCaps()))
    places = Counter(outcome.location for outcome in outcomes)
    return Simulation(
        strategy=strategy,
        calls=len(calls),
        local_calls=places["local"],
        cloud_calls=places["cloud"],
        unchanged=sum(outcome.is_unchanged for outcome in outcomes),
        moved=sum(outcome.location != call.location for outcome, call in zip(outcomes, calls, strict=True)),
        cost_microusd=sum(outcome.cost_microusd for outcome in outcomes),
        was_microusd=sum(call.cost_microusd for call in calls),
        reasons=dict(Counter(outcome.reason for outcome in outcomes)),
    )


def _outcomes(
    calls: list[UsageRecord], strategy: StrategyName, prices: PriceTable, caps: ConfiguredCaps
) -> Iterator[_Outcome]:
    spent = Counter[str]()
    for call in calls:
        outcome = _again(call, strategy, prices)
        if outcome.location == "cloud" and not outcome.is_unchanged and not _fits(call, outcome, spent, caps):
            outcome = _again(call, strategy, prices, has_budget=False)
        for window in _windows(call):
            spent[window] += outcome.cost_microusd
        yield outcome


def _again(call: UsageRecord, strategy: StrategyName, prices: PriceTable, has_budget: bool = True) -> _Outcome:
    as_it_was = _Outcome(call.location, call.reason, call.cost_microusd, is_unchanged=True)
    recorded = _recorded(call.decision)
    if recorded is None:
        return as_it_was
    facts, state = recorded
    try:
        decision = decide(facts, replace(state, budget_ok=state.budget_ok and has_budget), strategy)
        if decision.location == "cloud" and (cost := _cost(call, decision, prices)) is not None:
            return _Outcome("cloud", decision.reason, cost)
        if decision.location == "cloud":
            decision = decide(facts, replace(state, budget_ok=False), strategy)
    except NamedModelRefused:
        return as_it_was
    return _Outcome(decision.location, decision.reason, 0)


def _cost(call: UsageRecord, decision: RoutingDecision, prices: PriceTable) -> int | None:
    if (call.location, call.model) == ("cloud", decision.model):
        return call.cost_microusd
    tokens = {line.unit: line.quantity for line in call.lines}
    prompt = tokens.get("input_token", 0) + tokens.get("cached_input_token", 0)
    return prices.cost(decision.model, TokenCounts(prompt, tokens.get("output_token", 0)), call.at)


def _recorded(decision: dict[str, Any] | None) -> tuple[TaskFacts, RoutingState] | None:
    try:
        found = decision or {}
        return msgspec.convert(found["facts"], TaskFacts), msgspec.convert(found["state"], RoutingState)
    except (KeyError, msgspec.ValidationError):
        return None


def _fits(call: UsageRecord, outcome: _Outcome, spent: Counter[str], caps: ConfiguredCaps) -> bool:
    bounds = zip(_windows(call), (caps.daily_microusd, caps.monthly_microusd), strict=True)
    return all(cap is None or spent[window] + outcome.cost_microusd <= cap for window, cap in bounds)


def _windows(call: UsageRecord) -> tuple[str, str]:
    """The call's day and month, in UTC."""
    return f"{call.at:%Y-%m-%d}", f"{call.at:%Y-%m}"
