"""The cost analysis says what the price table and the decisions say."""

import json

import pytest

from docs.costs import render
from docs.month import (
    MONTH,
    PLANS,
    all_cloud_usd,
    bill_under,
    busy_hours,
    cloud_usd,
    on_plan_usd,
    questions_an_hour,
    tasks,
    tokens,
)
from functions.chunk.tokens import TokenCounter
from shared.proxy.routing.strategies import STRATEGIES
from tests.speed.labelled import LabelledPassage, labelled_passages


def test_ten_thousand_questions_stay_below_a_hundred_dollars_a_month() -> None:
    assert cloud_usd("question", 10_000) < 100
    assert all(bill_under(name).usd < 100 for name in STRATEGIES)


def test_the_months_figures_are_those_of_pencil_and_paper() -> None:
    # 10,000 × (1,500 × 0.15 + 600 × 0.60) + 40,200 × (610 × 0.07 + 550 × 0.30) + 500 × (1,300 × 0.14 + 550 × 0.40),
    # each call rounded up to a whole millionth of a dollar.
    assert all_cloud_usd() == pytest.approx(5.85 + 40_200 * 0.000208 + 500 * 0.000402)
    assert (tokens().prompt, tokens().completion) == (40_172_000, 10_640_000)
    assert busy_hours() == pytest.approx(40_172_000 / 1500 / 3600 + 10_640_000 / 60 / 3600)
    assert MONTH.pages == 10_050


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_call_of_the_month_is_decided_once(name: str) -> None:
    bill = bill_under(name)  # type: ignore[arg-type]
    assert sum(bill.places.values()) == sum(calls for *_, calls in tasks()) == 10_000 + 40_200 + 500
    assert bill.places["cloud"] == sum(bill.reasons.values())


def test_hybrid_sends_what_its_rules_send() -> None:
    reasons = bill_under("hybrid").reasons
    assert reasons["quality"] == 10_000 * 0.20 * 0.90 * 0.95
    assert reasons["gpu_busy"] == 10_000 * 0.80 * 0.90 * 0.95 * 0.10
    assert reasons["batch"] == 150 * 0.90 * 33 * 4


def test_a_plan_costs_its_price_until_its_credits_are_used_up() -> None:
    pay_as_you_go, pro = PLANS[0], next(plan for plan in PLANS if plan.name == "Pro")
    assert [on_plan_usd(pro, cloud) for cloud in (0, 60, 75)] == [20, 20, 35]
    assert on_plan_usd(pay_as_you_go, 14.41) == 14.41
    assert questions_an_hour(pro) == 3 * 3600 // (1.8 + 600 / 100)
    text = render()
    assert all(f"| {plan.name} | ${plan.usd:,} | ${plan.credits_usd:,} | {plan.slots} |" in text for plan in PLANS)
    assert "2026-09-01" in text


def test_passages_and_tokens_of_the_month_are_those_that_were_measured() -> None:
    written = TokenCounter()([_as_json(one) for one in labelled_passages()])
    assert round(sum(written) / len(written)) == 196
    assert MONTH.passage.completion == pytest.approx(196, rel=0.05)
    text = " ".join(render().split())
    assert "196 tokens each as JSON" in text
    assert f"{MONTH.passages_a_page:.1f} passages a page" in text


def _as_json(passage: LabelledPassage) -> str:
    ends = [{"source": source, "target": target, "type": "belongs to"} for source, target in passage.relations]
    entities = [{"name": one.name, "type": one.type} for one in passage.entities]
    return json.dumps({"entities": entities, "relations": ends}, ensure_ascii=False)


def test_every_strategy_and_model_stands_in_the_analysis() -> None:
    text = render()
    assert all(f"`{name}`" in text for name in STRATEGIES)
    assert "kimi-k3" in text
