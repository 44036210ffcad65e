"""The cost analysis says what the price table and the decisions say."""

import pytest

from docs.costs import render
from docs.month import MONTH, all_cloud_usd, bill_under, busy_hours, cloud_usd, tasks, tokens
from shared.proxy.routing.strategies import STRATEGIES


def test_ten_thousand_questions_stay_below_a_hundred_dollars_a_month() -> None:
    assert cloud_usd("question", 10_000) < 100
    assert all(bill_under(name).usd < 100 for name in STRATEGIES)


def test_the_months_figures_are_those_of_pencil_and_paper() -> None:
    # 10,000 × (3,600 × 0.15 + 600 × 0.60) + 10,050 × (1,200 × 0.07 + 650 × 0.30) + 500 × (1,300 × 0.14 + 550 × 0.40)
    assert all_cloud_usd() == pytest.approx(9.00 + 10_050 * 0.000279 + 500 * 0.000402)
    assert (tokens().prompt, tokens().completion) == (48_710_000, 5_615_000)
    assert busy_hours() == pytest.approx(48_710_000 / 1500 / 3600 + 5_615_000 / 60 / 3600)
    assert MONTH.pages == 10_050


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_call_of_the_month_is_decided_once(name: str) -> None:
    bill = bill_under(name)  # type: ignore[arg-type]
    assert sum(bill.places.values()) == sum(calls for *_, calls in tasks()) == 10_000 + 10_050 + 500
    assert bill.places["cloud"] == sum(bill.reasons.values())


def test_hybrid_sends_what_its_rules_send() -> None:
    reasons = bill_under("hybrid").reasons
    assert reasons["quality"] == 10_000 * 0.20 * 0.90 * 0.95
    assert reasons["gpu_busy"] == 10_000 * 0.80 * 0.90 * 0.95 * 0.10
    assert reasons["batch"] == 150 * 0.90 * 33


def test_every_strategy_and_model_stands_in_the_analysis() -> None:
    text = render()
    assert all(f"`{name}`" in text for name in STRATEGIES)
    assert "kimi-k3" in text
