"""The table of decisions: what a task needs, how things stand, where it runs and why."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.proxy.routing.strategies import (
    STRATEGIES,
    NamedModelRefused,
    RoutingDecision,
    RoutingState,
    TaskFacts,
    decide,
    recorded,
)
from shared.types.document import CLASSIFICATIONS
from shared.types.model import KINDS

CLOUD: dict[str, Any] = {"cloud_configured": True}
GB = 1_000_000_000
HARD: dict[str, Any] = {"quality": "high", "complexity": "complex"}
LONG: dict[str, Any] = {"kind": "extraction", "pages": 11}
SECRET: dict[str, Any] = {"classification": "confidential"}
QUICK: dict[str, Any] = {"max_latency_ms": 499}
COST, QUALITY, LATENCY, HYBRID = "cost_optimized", "quality_optimized", "latency_optimized", "hybrid"

TABLE: list[tuple[str, dict[str, Any], dict[str, Any], str | None, str]] = [
    # Without a cloud
    (HYBRID, {}, {}, "local", "default"),
    (HYBRID, HARD, {}, "local", "default"),
    (HYBRID, SECRET, {}, "local", "privacy"),
    (HYBRID, QUICK, {}, "local", "latency"),
    (QUALITY, HARD, {}, "local", "default"),
    (HYBRID, {}, {"local_available": False}, None, "no_model"),
    # With one, a task stays here unless something speaks against it
    (HYBRID, {}, CLOUD, "local", "default"),
    (HYBRID, {"quality": "fast"}, CLOUD, "local", "default"),
    (HYBRID, {"quality": "high"}, CLOUD, "local", "default"),
    (HYBRID, {"complexity": "complex", "quality": "fast"}, CLOUD, "local", "default"),
    (HYBRID, {"classification": "public"}, CLOUD, "local", "default"),
    # What speaks for the cloud
    (HYBRID, {}, CLOUD | {"local_model_bytes": 10 * GB}, "local", "default"),
    (HYBRID, {}, CLOUD | {"local_model_bytes": 10 * GB + 1}, "cloud", "model_size"),
    (HYBRID, HARD, CLOUD, "cloud", "quality"),
    (HYBRID, {"complexity": "complex"}, CLOUD, "cloud", "quality"),
    (HYBRID, {"complexity": "complex"}, CLOUD | {"budget_ok": False}, "local", "budget"),
    (HYBRID, {}, CLOUD | {"gpu_busy": 0.8}, "local", "default"),
    (HYBRID, {}, CLOUD | {"gpu_busy": 0.81}, "cloud", "gpu_busy"),
    (HYBRID, LONG, CLOUD, "cloud", "batch"),
    (HYBRID, LONG | {"pages": 10}, CLOUD, "local", "default"),
    (HYBRID, {"kind": "generation", "pages": 40}, CLOUD, "local", "default"),
    (HYBRID, {"kind": "vision", "pages": 40}, CLOUD, "local", "default"),
    # Which of them is told: the first
    (HYBRID, HARD | LONG, CLOUD | {"local_model_bytes": 20 * GB, "gpu_busy": 1.0}, "cloud", "model_size"),
    (HYBRID, HARD | LONG, CLOUD | {"gpu_busy": 1.0}, "cloud", "quality"),
    (HYBRID, LONG, CLOUD | {"gpu_busy": 1.0}, "cloud", "gpu_busy"),
    # What forbids the cloud, whatever speaks for it
    (HYBRID, HARD | SECRET, CLOUD, "local", "privacy"),
    (HYBRID, HARD, CLOUD | {"cloud_allowed": False}, "local", "privacy"),
    (HYBRID, HARD, CLOUD | {"budget_ok": False}, "local", "budget"),
    (HYBRID, HARD | QUICK, CLOUD, "local", "latency"),
    (HYBRID, HARD | {"max_latency_ms": 500}, CLOUD, "cloud", "quality"),
    (HYBRID, HARD, CLOUD | {"circuit_open": True}, "local", "cloud_unavailable"),
    (HYBRID, LONG, CLOUD | {"local_model_bytes": 20 * GB, "circuit_open": True}, "local", "cloud_unavailable"),
    # Which of them is told: the first
    (HYBRID, SECRET | QUICK, CLOUD | {"budget_ok": False, "circuit_open": True}, "local", "privacy"),
    (HYBRID, QUICK, CLOUD | {"budget_ok": False, "circuit_open": True}, "local", "budget"),
    (HYBRID, QUICK, CLOUD | {"circuit_open": True}, "local", "latency"),
    # The local server is away
    (HYBRID, {}, CLOUD | {"local_available": False}, "cloud", "fallback_local_unavailable"),
    (COST, {}, CLOUD | {"local_available": False}, "cloud", "fallback_local_unavailable"),
    (HYBRID, SECRET, CLOUD | {"local_available": False}, None, "no_model"),
    (HYBRID, {}, CLOUD | {"local_available": False, "cloud_allowed": False}, None, "no_model"),
    (HYBRID, {}, CLOUD | {"local_available": False, "budget_ok": False}, None, "no_model"),
    (HYBRID, QUICK, CLOUD | {"local_available": False}, None, "no_model"),
    (HYBRID, {}, CLOUD | {"local_available": False, "circuit_open": True}, None, "no_model"),
    # The prompt is longer than the local model takes
    (HYBRID, {"prompt_tokens": 9000}, CLOUD | {"local_context_tokens": 8192}, "cloud", "fallback_local_context"),
    (COST, {"prompt_tokens": 9000}, CLOUD | {"local_context_tokens": 8192}, "cloud", "fallback_local_context"),
    (HYBRID, {"prompt_tokens": 8192}, CLOUD | {"local_context_tokens": 8192}, "local", "default"),
    (HYBRID, {"prompt_tokens": 9000} | SECRET, CLOUD | {"local_context_tokens": 8192}, "local", "privacy"),
    (HYBRID, {"prompt_tokens": 9000}, {"local_context_tokens": 8192}, "local", "default"),
    # The other strategies
    (COST, HARD | LONG, CLOUD | {"local_model_bytes": 20 * GB, "gpu_busy": 1.0}, "local", "default"),
    (QUALITY, {}, CLOUD, "cloud", "quality"),
    (QUALITY, {"quality": "fast"}, CLOUD, "local", "default"),
    (QUALITY, SECRET, CLOUD, "local", "privacy"),
    (QUALITY, QUICK, CLOUD, "local", "latency"),
    (QUALITY, {}, CLOUD | {"budget_ok": False}, "local", "budget"),
    (QUALITY, {}, CLOUD | {"circuit_open": True}, "local", "cloud_unavailable"),
    (LATENCY, HARD, CLOUD, "local", "default"),
    (LATENCY, {}, CLOUD | {"local_latency_ms": 4000, "cloud_latency_ms": 900}, "cloud", "latency"),
    (LATENCY, {}, CLOUD | {"local_latency_ms": 900, "cloud_latency_ms": 900}, "local", "default"),
    (LATENCY, {}, CLOUD | {"local_latency_ms": 300, "cloud_latency_ms": 900, "gpu_busy": 1.0}, "local", "default"),
    (LATENCY, {}, CLOUD | {"local_latency_ms": 4000}, "local", "default"),
    (LATENCY, {}, CLOUD | {"gpu_busy": 0.9}, "cloud", "gpu_busy"),
    (LATENCY, QUICK, CLOUD | {"local_latency_ms": 4000, "cloud_latency_ms": 100}, "local", "latency"),
    (LATENCY, SECRET, CLOUD | {"local_latency_ms": 4000, "cloud_latency_ms": 100}, "local", "privacy"),
]  # fmt: skip


@pytest.mark.parametrize(("strategy", "facts", "state", "location", "reason"), TABLE)
def test_where_a_task_runs_and_why(
    strategy: Any, facts: dict[str, Any], state: dict[str, Any], location: str | None, reason: str
) -> None:
    decision = decide(TaskFacts(**facts), RoutingState(**state), strategy)
    assert (decision.location, decision.reason) == (location, reason)
    assert decision.model == {"local": "local", "cloud": "cloud", None: ""}[location]
    assert decision.strategy == strategy


NAMED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"named_location": "local"}, "local", "default"),
    (HARD, CLOUD | {"named_location": "local"}, "local", "default"),
    (SECRET, CLOUD | {"named_location": "local"}, "local", "default"),
    ({}, CLOUD | {"named_location": "cloud"}, "cloud", "default"),
    ({}, CLOUD | {"named_location": "cloud", "local_available": False}, "cloud", "default"),
    (QUICK, CLOUD | {"named_location": "cloud"}, "cloud", "default"),
    ({}, CLOUD, "refused", "unknown_model"),
    ({}, {"named_location": "cloud"}, "refused", "unknown_model"),
    ({}, CLOUD | {"named_location": "local", "local_available": False}, "refused", "local_unavailable"),
    (SECRET, CLOUD | {"named_location": "cloud"}, "refused", "privacy"),
    ({}, CLOUD | {"named_location": "cloud", "cloud_allowed": False}, "refused", "privacy"),
    ({}, CLOUD | {"named_location": "cloud", "budget_ok": False}, "refused", "budget"),
    (QUICK, CLOUD | {"named_location": "cloud", "circuit_open": True}, "refused", "cloud_unavailable"),
]


@pytest.mark.parametrize(("facts", "state", "outcome", "reason"), NAMED)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_named_model_runs_where_it_is_or_nowhere(
    strategy: Any, facts: dict[str, Any], state: dict[str, Any], outcome: str, reason: str
) -> None:
    facts = facts | {"model": "the-named-one"}
    if outcome == "refused":
        with pytest.raises(NamedModelRefused, match="the-named-one") as refused:
            decide(TaskFacts(**facts), RoutingState(**state), strategy)
        assert refused.value.why == reason
    else:
        decision = decide(TaskFacts(**facts), RoutingState(**state), strategy)
        assert (decision.location, decision.model, decision.reason) == (outcome, "the-named-one", reason)


any_facts = st.builds(
    TaskFacts,
    kind=st.sampled_from(KINDS),
    classification=st.sampled_from(CLASSIFICATIONS),
    quality=st.sampled_from(["fast", "standard", "high"]),
    complexity=st.sampled_from(["simple", "complex"]),
    max_latency_ms=st.none() | st.integers(0, 2000),
    pages=st.integers(0, 30),
    prompt_tokens=st.integers(0, 20_000),
    model=st.none() | st.just("m"),
)
any_state = st.builds(
    RoutingState,
    local_available=st.booleans(),
    local_model_bytes=st.none() | st.integers(0, 20 * GB),
    local_context_tokens=st.none() | st.integers(0, 20_000),
    local_latency_ms=st.none() | st.integers(0, 9000),
    gpu_busy=st.none() | st.floats(0, 1),
    cloud_configured=st.booleans(),
    cloud_allowed=st.booleans(),
    circuit_open=st.booleans(),
    budget_ok=st.booleans(),
    cloud_latency_ms=st.none() | st.integers(0, 9000),
    named_location=st.sampled_from(["local", "cloud", None]),
)


@given(any_facts, any_state, st.sampled_from([*STRATEGIES]))
def test_nothing_goes_to_a_cloud_that_is_forbidden_or_absent(
    facts: TaskFacts, state: RoutingState, strategy: Any
) -> None:
    try:
        decision = decide(facts, state, strategy)
    except NamedModelRefused:
        assert facts.model is not None
        return
    if decision.location == "cloud":
        assert state.cloud_configured and state.cloud_allowed and state.budget_ok and not state.circuit_open
        assert facts.classification != "confidential"
    if decision.location == "local":
        assert state.local_available
    if decision.location is None:
        assert not state.local_available and decision.reason == "no_model"


@given(any_facts, any_state, st.sampled_from([*STRATEGIES]))
def test_a_task_without_a_named_model_runs_wherever_it_may(
    facts: TaskFacts, state: RoutingState, strategy: Any
) -> None:
    unnamed = msgspec.structs.replace(facts, model=None)
    decision = decide(unnamed, state, strategy)
    assert decision.location is not None or not state.local_available
    assert decision.location is not None or decision.vetoes or not state.cloud_configured


def test_all_vetoes_are_told_in_their_order() -> None:
    state = RoutingState(**CLOUD, budget_ok=False, circuit_open=True)
    decision = decide(TaskFacts(**SECRET, **QUICK), state)
    assert decision.vetoes == ("privacy", "budget", "latency", "cloud_unavailable")


def test_a_fallback_names_what_went_wrong_and_keeps_the_rest() -> None:
    decision = decide(TaskFacts(**HARD), RoutingState(**CLOUD))
    assert decision.rerouted("rate_limited") == RoutingDecision(
        "cloud", "cloud", "fallback_rate_limited", "hybrid", server="ollama_cloud"
    )


def test_the_book_gets_the_decision_with_its_inputs() -> None:
    facts, state = TaskFacts(**HARD), RoutingState(**CLOUD)
    written = msgspec.json.decode(msgspec.json.encode(recorded(facts, state, decide(facts, state))))
    assert written["facts"]["quality"] == "high"
    assert written["state"]["cloud_configured"] is True
    assert written["decision"]["reason"] == "quality"
