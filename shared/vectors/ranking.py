"""Chooses which lists a query needs, and how far each is read until the best passages are certain.

The same for every backend: a ranking yields which part of which list it needs next, and the backend fetches it, by a
call into its engine or over the network.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple

from shared.vectors.fusion import Hit, Listed, candidates, cut, fused, undecided
from shared.vectors.messages import Find
from shared.vectors.points import DENSE, WORDS
from shared.vectors.port import Query

_MOST_EQUALS = 4096
"""A list is never made longer than this to see the end of a run of equal scores."""


class RankedListQuery(NamedTuple):
    """The best `size` of the list at this place among the question's lists."""

    place: int
    size: int


Ranking = Generator[Sequence[RankedListQuery], Sequence[list[Hit]], Sequence[Hit]]
"""Yields what it asks for, is sent one list of hits (best first) for each, and returns the best of all."""


def weights(question: Query | Find) -> dict[str, float]:
    """Returns the named vectors to search with the weight of each list; none where nothing can be found."""
    wanted: dict[str, float] = {}
    if question.document_ids == ():
        return wanted
    if question.dense is not None and (question.dense_weight > 0 or question.sparse is None):
        wanted[DENSE] = question.dense_weight
    if question.sparse is not None:
        wanted[WORDS] = 1.0
    return wanted


def ranked(counts: Sequence[float], limit: int) -> Ranking:
    """Ranks the best `limit` hits and all that equal the last of them. `counts` has each list's weight."""
    if not counts:
        return ()
    wanted = limit if len(counts) == 1 else candidates(limit)
    found = yield [RankedListQuery(place, wanted + 1) for place in range(len(counts))]
    lists: list[Listed] = []
    for place, count in enumerate(counts):
        hits = yield from _widened(place, found[place], wanted)
        lists.append(Listed(count, cut(hits, wanted), full=len(hits) > wanted))
    return cut(lists[0].hits if len(lists) == 1 else fused(lists), limit)


def _widened(
    place: int, hits: list[Hit], wanted: int
) -> Generator[Sequence[RankedListQuery], Sequence[list[Hit]], list[Hit]]:
    """Reads a list until it has all hits that equal the last wanted one."""
    size = wanted + 1
    while len(hits) == size < _MOST_EQUALS and undecided(hits, wanted):
        size *= 2
        [hits] = yield [RankedListQuery(place, size)]
    return hits
