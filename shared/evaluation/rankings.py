"""Measures rankings by graded documents: nDCG, recall, mean reciprocal rank and average precision."""

import math
from collections.abc import Iterable, Mapping, Sequence

from shared.evaluation.runs import Measure, RunItem, mean, percentile, scores_of

DEPTH = 10
"""The rank down to which a ranking is measured."""


def ranking_scores(ranked: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    """The measures of one query. `ranked` are document ids, best first, each once."""
    top = ranked[:DEPTH]
    return {
        f"ndcg@{DEPTH}": ndcg(top, grades),
        f"recall@{DEPTH}": recall(top, grades),
        f"mrr@{DEPTH}": reciprocal_rank(top, grades),
        f"map@{DEPTH}": average_precision(top, grades),
    }


def ndcg(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    """The discounted gain of a ranking as a part of the best one's of the same length."""

    def gain(values: Iterable[int]) -> float:
        return sum(value / math.log2(place + 2) for place, value in enumerate(values))

    best = gain(sorted(grades.values(), reverse=True)[:DEPTH])
    return gain(grades.get(document, 0) for document in ranked) / best if best else 0.0


def recall(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    return sum(document in grades for document in ranked) / len(grades) if grades else 0.0


def reciprocal_rank(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    return next((1 / place for place, document in enumerate(ranked, 1) if document in grades), 0.0)


def average_precision(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    hits = [place for place, document in enumerate(ranked, 1) if document in grades]
    return sum(number / place for number, place in enumerate(hits, 1)) / len(grades) if grades else 0.0


def ranking_measure_names() -> list[str]:
    """All measures that a run can have."""
    return [*ranking_scores((), {}), "seconds_p50", "seconds_p95"]


def ranking_measures(items: Sequence[RunItem]) -> dict[str, Measure]:
    """The means over queries, and the time of a search."""
    names = [name for name in (items[0].scores if items else ()) if "@" in name]
    seconds = scores_of(items, "seconds")
    found = {
        **{name: mean([item.scores[name] for item in items]) for name in names},
        "seconds_p50": percentile(seconds, 0.5),
        "seconds_p95": percentile(seconds, 0.95),
    }
    return {name: measure for name, measure in found.items() if measure is not None}
