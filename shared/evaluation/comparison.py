"""Compares two runs of one set, question by question."""

from math import comb

from msgspec import Struct

from shared.evaluation.answers import OUTCOMES
from shared.evaluation.runs import Run, RunItem

_GOOD = ("right", "rightly refused")
_LEAST = 1e-9
_NOT_COMPARED = ("seconds", "cost_usd", "confidence")


class MeasureChange(Struct, frozen=True):
    """A measure in both runs."""

    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before


class Comparison(Struct, frozen=True):
    """Two runs of one set. `better` and `worse` are the questions that changed, `p_value` the sign test's: how likely
    so uneven a split is by chance. `missing` are questions that only one run has."""

    before: str
    after: str
    questions: int
    measures: dict[str, MeasureChange]
    better: tuple[RunItem, ...]
    worse: tuple[RunItem, ...]
    p_value: float
    missing: tuple[str, ...]


def compare(before: Run, after: Run) -> Comparison:
    """Raises `ValueError` where the runs have no question in common."""
    if before.kind != after.kind:
        raise ValueError(f"a run of {before.kind} and a run of {after.kind} have nothing to compare")
    old = {item.id: item for item in before.items}
    new = {item.id: item for item in after.items}
    common = [name for name in old if name in new]
    if not common:
        raise ValueError("the runs have no question in common")
    better = tuple(new[name] for name in common if _worth(new[name]) > _worth(old[name]) + _LEAST)
    worse = tuple(new[name] for name in common if _worth(new[name]) < _worth(old[name]) - _LEAST)
    return Comparison(
        before=f"{before.set}, {before.at}",
        after=f"{after.set}, {after.at}",
        questions=len(common),
        measures={
            name: MeasureChange(measure.value, after.measures[name].value)
            for name, measure in before.measures.items()
            if name in after.measures
        },
        better=better,
        worse=worse,
        p_value=sign_test(len(better), len(worse)),
        missing=tuple(sorted(old.keys() ^ new.keys())),
    )


def _worth(item: RunItem) -> float:
    """1 or 0 for an answer; the first measure of a ranking."""
    if item.outcome in OUTCOMES:
        return float(item.outcome in _GOOD)
    return next((score for name, score in item.scores.items() if name not in _NOT_COMPARED), 0.0)


def sign_test(better: int, worse: int) -> float:
    """The two-sided probability of a split at least as uneven, were both directions equally likely."""
    count = better + worse
    if not count:
        return 1.0
    tail = sum(comb(count, hits) for hits in range(min(better, worse) + 1))
    return float(min(1.0, 2 * tail / 2**count))
