"""The weights by which sentences are ranked and answers are given or refused.

They stand in `weights.json`, which `python -m tests.fitting` writes from questions whose right answers are known.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from shared.answers.evidence import Evidence
from shared.answers.scoring import SentenceScores

_LONGEST_LEAD = 0.3
_SAME_NAMES = 0.05


class Order(Struct, frozen=True):
    """The weight of each score when sentences are ranked."""

    cosine: float = 0.0
    cosine_nameless: float = 0.0
    met: float = 0.0
    met_in_context: float = 0.0
    worded: float = 0.0
    predicate: float = 0.0
    covered: float = 0.0
    type_match: float = 0.0
    counted: float = 0.0
    named: float = 0.0
    named_here: float = 0.0
    about: float = 0.0
    here: float = 0.0
    figures: float = 0.0

    def of(self, one: SentenceScores) -> float:
        return sum(float(getattr(self, kind)) * float(getattr(one, kind)) for kind in self.__struct_fields__)

    def ranked(self, scores: Iterable[SentenceScores]) -> list[SentenceScores]:
        return sorted(scores, key=self.of, reverse=True)


class AnswerDecision(Struct, frozen=True):
    """The weight of each score when it is decided whether the best sentence answers: a logistic regression."""

    bias: float = 0.0
    closest: float = 0.0
    lead: float = 0.0
    type_match: float = 0.0
    named: float = 0.0
    predicate: float = 0.0
    opposed: float = 0.0
    counted: float = 0.0
    met: float = 0.0
    weakest: float = 0.0
    covered: float = 0.0
    about: float = 0.0
    missed: float = 0.0
    of_another: float = 0.0

    def confidence(self, scores: dict[str, float]) -> float:
        total = self.bias + sum(float(getattr(self, kind)) * score for kind, score in scores.items())
        return 1 / (1 + math.exp(-total))


class Weights(Struct, frozen=True):
    order: Order
    decision: AnswerDecision


class FittedWeights(Struct, frozen=True):
    """The weights of each language, and the SHA-256 of the questions, documents and program that they come from."""

    fitted_from: str
    english: Weights
    german: Weights


@cache
def fitted_weights() -> FittedWeights:
    return msgspec.json.decode(files("shared.answers").joinpath("weights.json").read_bytes(), type=FittedWeights)


def decision_scores(order: Order, evidence: Evidence, ranked: Sequence[SentenceScores]) -> dict[str, float]:
    """What the decision is made from: the best sentence's scores, its lead over the next one, and how close the
    closest sentence of a passage about the question's names is."""
    best = ranked[0]
    second = order.of(ranked[1]) if len(ranked) > 1 else -1.0
    named = [one.cosine_nameless for one in ranked if one.named >= evidence.best_named - _SAME_NAMES]
    own = (
        "type_match",
        "named",
        "predicate",
        "opposed",
        "counted",
        "met",
        "weakest",
        "covered",
        "about",
        "missed",
        "of_another",
    )
    return {
        "closest": max(named, default=0.0),
        "lead": min(_LONGEST_LEAD, order.of(best) - second),
        **{kind: float(getattr(best, kind)) for kind in own},
    }
