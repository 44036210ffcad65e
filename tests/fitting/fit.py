"""Fits the weights: how sentences are ranked, and when the best one answers.

The ranking is a softmax over a question's sentences, of which the right ones should come first; the decision is a
logistic regression on the best sentence's scores, held to the weights in use before. Both are regularised, and a score
that speaks for an answer never gets a weight against it. The result depends on nothing but the samples.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import minimize

from shared.answers.weights import AnswerDecision, Order, Weights, decision_scores
from tests.fitting.samples import Sample

Floats = NDArray[np.float64]

FOLDS = 5
HELD_OUT = 4
"""Every fourth document of a language is held out."""

_RANKED = tuple(Order.__struct_fields__)
_DECIDED = tuple(name for name in AnswerDecision.__struct_fields__ if name != "bias")
_SUM = 5.0
"""What the weights of a ranking add up to: the limits of a lead and of a close second sentence are in their unit."""

_AGAINST_ANSWER = frozenset(["opposed", "missed", "of_another"])
_RANKING_PENALTY = 0.02
_DECISION_PENALTY = 0.05
"""How far the decision's weights are held to the earlier ones: the set has little long prose, which those come from."""

_EARLIER = {
    False: AnswerDecision(
        closest=4.17, lead=3.66, type_match=2.17, named=2.59, predicate=0.95, opposed=-3.17, counted=2.58, met=1.68,
        weakest=0.3, bias=-11.64,
    ),
    True: AnswerDecision(
        closest=0.38, lead=2.69, type_match=1.94, named=1.19, predicate=0.9, opposed=-1.0, counted=2.43, met=1.4,
        covered=1.89, about=3.02, bias=-9.58,
    ),
}  # fmt: skip
"""By whether the question is German: a logistic regression over texts of companies, products and nature, of direct and
paraphrased questions."""

_AGAINST = 1.1
"""How much worse a wrong answer is than a wrong refusal."""

_DIGITS = 2


class Part(Struct, frozen=True):
    """The documents of one fold, and those of all others."""

    inside: frozenset[str]
    outside: frozenset[str]


def held_out_documents(documents: Sequence[str], language: Callable[[str], str]) -> frozenset[str]:
    """Every fourth document of each language, in an order that no author chose."""
    chosen: set[str] = set()
    for one in sorted(set(map(language, documents))):
        own = sorted((name for name in documents if language(name) == one), key=_digest)
        chosen.update(own[::HELD_OUT])
    return frozenset(chosen)


def folds(documents: Sequence[str]) -> list[Part]:
    ordered = sorted(documents, key=_digest)
    inside = [frozenset(ordered[fold::FOLDS]) for fold in range(FOLDS)]
    return [Part(one, frozenset(ordered) - one) for one in inside]


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def fit(samples: Sequence[Sample], *, german: bool) -> Weights:
    """The weights for the questions of one language."""
    order = fit_order(samples)
    return Weights(order, fit_decision(samples, order, _EARLIER[german]))


def fit_order(samples: Sequence[Sample]) -> Order:
    choices = [
        (np.array([[float(getattr(one, name)) for name in _RANKED] for one in sample.reading.scores]), sample.right)
        for sample in samples
        if sample.reading and any(sample.right) and not all(sample.right)
    ]
    right = [np.array(marks, dtype=bool) for _, marks in choices]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = 0.0, np.zeros_like(weights)
        for (rows, _), marks in zip(choices, right, strict=True):
            values = rows @ weights
            parts = np.exp(values - values.max())
            likely, wanted = parts / parts.sum(), parts * marks / parts[marks].sum()
            total -= float(np.log(likely[marks].sum()))
            slope += rows.T @ (likely - wanted)
        count = len(choices)
        penalty = _RANKING_PENALTY * float(weights @ weights) / 2
        return total / count + penalty, slope / count + _RANKING_PENALTY * weights

    found = _minimum(loss, np.zeros(len(_RANKED)), [(0.0, None)] * len(_RANKED))
    found *= _SUM / found.sum()
    return Order(**dict(zip(_RANKED, _rounded(found), strict=True)))


def fit_decision(samples: Sequence[Sample], order: Order, earlier: AnswerDecision) -> AnswerDecision:
    rows, marks = [], []
    for sample in samples:
        if sample.reading and sample.reading.scores:
            best = dict(zip(map(id, sample.reading.scores), sample.right, strict=True))
            ranked = order.ranked(sample.reading.scores)
            scores = decision_scores(order, sample.reading.evidence, ranked)
            rows.append([scores[name] for name in _DECIDED])
            marks.append(best[id(ranked[0])])
    scores_of, right = np.array(rows), np.array(marks, dtype=bool)
    importance = np.where(right, 1.0, _AGAINST)
    before = np.array([earlier.bias, *(float(getattr(earlier, name)) for name in _DECIDED)])

    def loss(weights: Floats) -> tuple[float, Floats]:
        values = weights[0] + scores_of @ weights[1:]
        signed = np.where(right, values, -values)
        error = importance * (1 / (1 + np.exp(-values)) - right)
        away = weights - before
        penalty = _DECISION_PENALTY * float(away @ away) / 2
        slope = np.concatenate([[error.sum()], scores_of.T @ error]) / len(right) + _DECISION_PENALTY * away
        return float((importance * np.logaddexp(0, -signed)).sum()) / len(right) + penalty, slope

    bounds = [(None, 0.0) if name in _AGAINST_ANSWER else (0.0, None) for name in _DECIDED]
    found = _rounded(_minimum(loss, before, [(None, None), *bounds]))
    return AnswerDecision(found[0], **dict(zip(_DECIDED, found[1:], strict=True)))


def _minimum(
    loss: Callable[[Floats], tuple[float, Floats]], start: Floats, bounds: Sequence[tuple[float | None, float | None]]
) -> Floats:
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
    result: Floats = found.x
    return result


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), _DIGITS) + 0.0 for value in values]
