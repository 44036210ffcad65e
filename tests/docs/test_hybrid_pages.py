"""What the pages on hybrid execution say of rules and figures is what the code does."""

import re
from pathlib import Path

import pytest

from docs.costs import render
from docs.month import MONTH
from shared.proxy.prices import CLOCK_SKEW, PER_CALL_TOKENS, PER_MESSAGE_TOKENS
from shared.proxy.routing.strategies import (
    BATCH_PAGES,
    BUSY,
    FAST_MS,
    LARGE_MODEL_BYTES,
    RoutingState,
    TaskFacts,
    decide,
    vetoes_of,
)
from shared.upstreams.circuit import FAILURES, REFUSAL_S

DOCS = Path(__file__).parents[2] / "docs"
NUMBERS = {5: "five"}


def _page(name: str) -> str:
    return " ".join((DOCS / name).read_text(encoding="utf-8").split())


ADR = _page("adr/ADR-031-ollama-cloud-hybrid-execution.md")
INTEGRATION = _page("architecture/OLLAMA_CLOUD_INTEGRATION.md")

SCENARIOS: dict[str, tuple[TaskFacts, RoutingState]] = {
    "privacy": (TaskFacts(classification="confidential"), RoutingState(cloud_configured=True)),
    "cost": (TaskFacts(complexity="complex"), RoutingState(cloud_configured=True, budget_ok=False)),
    "latency": (TaskFacts(max_latency_ms=FAST_MS - 1), RoutingState(cloud_configured=True)),
    "availability": (TaskFacts(), RoutingState(cloud_configured=True, circuit_open=True)),
    "model size": (TaskFacts(), RoutingState(cloud_configured=True, local_model_bytes=LARGE_MODEL_BYTES + 1)),
    "quality": (TaskFacts(complexity="complex"), RoutingState(cloud_configured=True)),
    "load": (TaskFacts(), RoutingState(cloud_configured=True, gpu_busy=BUSY + 0.01)),
    "amount": (TaskFacts(kind="extraction", pages=BATCH_PAGES + 1), RoutingState(cloud_configured=True)),
    "none of these": (TaskFacts(), RoutingState(cloud_configured=True)),
}
FORBIDDING = ("privacy", "cost", "latency", "availability")


@pytest.mark.parametrize("criterion", SCENARIOS)
def test_the_integration_page_gives_each_rule_the_reason_that_the_code_gives(criterion: str) -> None:
    rows = dict(re.findall(r"\| ([a-z ]+) \| [^|]+ \| `(\w+)` \|", INTEGRATION))
    assert rows.keys() == SCENARIOS.keys()
    decision = decide(*SCENARIOS[criterion], "hybrid")
    assert decision.reason == rows[criterion]
    assert decision.location == ("local" if criterion in (*FORBIDDING, "none of these") else "cloud")


def test_both_pages_have_the_vetoes_in_the_order_of_the_code() -> None:
    hurried = TaskFacts(classification="confidential", max_latency_ms=FAST_MS - 1)
    vetoes = list(vetoes_of(hurried, RoutingState(cloud_configured=True, budget_ok=False, circuit_open=True)))
    listed = [INTEGRATION.index(f"| `{veto}` |") for veto in vetoes]
    assert listed == sorted(listed)
    numbered = [ADR.index(f"{at}. *{veto.replace('_', ' ')}*") for at, veto in enumerate(vetoes, 1)]
    assert numbered == sorted(numbered)


@pytest.mark.parametrize("page", [ADR, INTEGRATION], ids=["ADR-031", "integration"])
def test_both_pages_have_the_limits_of_the_code(page: str) -> None:
    assert f"less than {FAST_MS} ms" in page
    assert f"{LARGE_MODEL_BYTES // 10**9} GB" in page
    assert f"more than {BUSY:.0%}".replace("%", " %") in page
    assert f"more than {BATCH_PAGES} pages" in page


def test_the_decision_has_the_bound_of_the_code() -> None:
    assert f"{PER_MESSAGE_TOKENS} more for each message and {PER_CALL_TOKENS} for the call" in ADR
    assert f"with {NUMBERS[CLOCK_SKEW.seconds // 60]} minutes for clocks" in ADR


def test_the_integration_page_has_the_circuits_of_the_code() -> None:
    assert f"{NUMBERS[FAILURES]} in a row open the circuit" in INTEGRATION
    assert f"for {REFUSAL_S // 60:.0f} minutes where the answer names no time" in INTEGRATION


def test_the_decision_quotes_the_analysis() -> None:
    analysis = " ".join(render().split())
    reserved, costs = map(float, re.findall(r"reserves \$(\d+\.\d+) and costs \$(\d+\.\d+)", analysis)[0])
    assert 2 <= reserved / costs <= 3
    assert "Reservations are two to three times the cost." in ADR
    (even,) = re.findall(r"about ([\d,]+) questions and", analysis)
    assert 20_000 <= int(even.replace(",", "")) < 100_000
    assert "below some tens of thousands of questions a month" in ADR
    (monthly,) = re.findall(r"questions answered \|.*?\$([\d.]+) \|", analysis)
    assert 2 <= float(monthly) < 10
    assert f"{MONTH.questions:,} questions a month at a few dollars" in ADR
