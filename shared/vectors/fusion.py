"""Fuses ranked lists into one, and orders equal scores by place.

The engine could fuse too, but it does so by ranks alone and ranks equal scores as they come, so that the same passages
would be ordered differently by each backend. Every backend passes its two lists to this module instead.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.types.passage import Found


class Hit(NamedTuple):
    """`point` is the point's id as 128 bits: compared and hashed far faster than a UUID."""

    point: int
    score: float


class Listed(NamedTuple):
    """One list, best first. `full` says that there was more to find: what is missing may score up to the last."""

    weight: float
    hits: Sequence[Hit]
    full: bool


def candidates(limit: int) -> int:
    """Returns the length of a list at which a passage good in both lists is cut from neither."""
    return max(50, 4 * limit)


def undecided(hits: Sequence[Hit], wanted: int) -> bool:
    """Whether a list (best first, cut by the engine) may lack hits that equal its last wanted one."""
    return len(hits) > wanted and hits[-1].score == hits[wanted - 1].score


def cut(hits: Sequence[Hit], wanted: int) -> Sequence[Hit]:
    """Returns the best `wanted` hits and all that equal the last of them, so that the order of equals is no matter."""
    if len(hits) <= wanted:
        return hits
    last = hits[wanted - 1].score
    return [hit for hit in hits if hit.score >= last]


def by_place(found: Iterable[Found]) -> list[Found]:
    """Sorts hits: best first; equal scores by title, place and, last, document."""
    return sorted(found, key=lambda it: (-it.score, it.passage.context, it.passage.position, it.passage.document_id))


def fused(lists: Sequence[Listed]) -> list[Hit]:
    """Fuses lists by the weighted mean of their scores, each as a share of its list's best, so at most 1.

    How far the best is ahead says more than ranks do. nDCG@10 on SciFact's training questions is 0.740 this way and
    0.723 by reciprocal ranks (k = 20); on XQuAD in German, whose language the model does not know, 0.951 and 0.911,
    words alone 0.944 (meaning weighs 1 and 0.5).
    """
    shared = [(listed.weight, *_shares(listed)) for listed in lists]
    nowhere = sum(weight * missing for weight, _, missing in shared)
    scores: dict[int, float] = {}
    for weight, shares, missing in shared:
        for point, share in shares.items():
            scores[point] = scores.get(point, nowhere) + weight * (share - missing)
    whole = sum(listed.weight for listed in lists) or 1.0
    best_first = sorted(scores, key=scores.__getitem__, reverse=True)
    return [Hit(point, scores[point] / whole) for point in best_first]


def _shares(listed: Listed) -> tuple[dict[int, float], float]:
    """Returns each hit's score as a share of the best, and the share of hits that the list lacks."""
    if not listed.hits:
        return {}, 0.0
    best = abs(listed.hits[0].score) or 1.0
    missing = listed.hits[-1].score / best if listed.full else 0.0
    return {hit.point: hit.score / best for hit in listed.hits}, missing
