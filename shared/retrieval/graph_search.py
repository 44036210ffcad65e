"""Searches the graph: from the entities of a question over sentences that resemble it to the passages that name them.

At most five queries to the graph, whatever the tenant's size: the names, three neighbourhoods, and the names of the
entities on the paths.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.graph.port import Graph, LinkedPassage, Neighbourhood
from shared.retrieval.bridging import ActiveEntity, Similarity, asked_names, bridged, seeds
from shared.retrieval.pagerank import ranked_passages, rarity
from shared.types.passage import Found

STARTS = 100
"""Passages of the search by meaning and words from which the graph is searched."""

_PASSAGES_PER_ENTITY = 24
"""An entity that more passages name is followed into so many of them: it says little of any."""

_MOST_FOLLOWED = 24
"""Entities of a round that are followed, those that matter most to the question."""


_FOUND_SHARE = 0.05
"""How much meaning and words count beside the graph, whose order starts from what they find already."""


class GraphRanking(Struct, frozen=True):
    """Scores of passages, at most 1, and for those that the graph reached the ids of the entities on the path."""

    scores: dict[str, float]
    paths: dict[str, tuple[str, ...]]


async def named_entities(question: str, graph: Graph) -> list[str]:
    """The ids of the known entities that the question names. Raises `StoreUnavailable`."""
    asked = asked_names(question)
    return seeds(asked, await graph.find([one.name for one in asked])) if asked else []


async def rank_by_graph(
    first: Sequence[str],
    dense: Sequence[float] | None,
    found: Sequence[Found],
    graph: Graph,
    document_ids: Sequence[str] | None = None,
) -> GraphRanking:
    """Ranks what meaning and words found and what the graph leads to from the entities that a question names.

    Paths may lead through other documents than `document_ids`; only passages of these are ranked. Raises
    `StoreUnavailable`.
    """
    starts = {one.passage.passage_id: one.score for one in found[:STARTS]}
    walk = _Walk(graph, Similarity(dense), first)
    await walk.follow(first, tuple(starts))
    second = walk.bridge(first)
    await walk.follow(second)
    third = walk.bridge(second)
    await walk.follow(third)
    ranks = ranked_passages(walk.active, starts, walk.passages, walk.frequencies)
    wanted = None if document_ids is None else frozenset(document_ids)
    ended = {one.passage_id for one in walk.passages if wanted is None or one.document_id in wanted}
    return _ranking({one: rank for one, rank in ranks.items() if one in ended}, starts, walk)


class _Walk:
    """What is known of the graph around a question."""

    def __init__(self, graph: Graph, similarity: Similarity, first: Sequence[str]) -> None:
        self._graph = graph
        self._similarity = similarity
        self._used = set[tuple[str, int]]()
        self._passages: dict[str, LinkedPassage] = {}
        self.active = {identity: ActiveEntity(1.0, (identity,)) for identity in first}
        self.frequencies: dict[str, int] = {}

    @property
    def passages(self) -> list[LinkedPassage]:
        return sorted(self._passages.values(), key=lambda one: (one.document_id, one.position, one.passage_id))

    async def follow(self, entity_ids: Sequence[str], passage_ids: Sequence[str] = ()) -> None:
        if entity_ids or passage_ids:
            near: Neighbourhood = await self._graph.neighbourhood(
                entity_ids, passage_ids, passages_per_entity=_PASSAGES_PER_ENTITY, with_sentences=True
            )
            self._passages |= {one.passage_id: one for one in near.passages if one.passage_id not in self._passages}
            self.frequencies |= near.frequencies

    def bridge(self, frontier: Sequence[str]) -> list[str]:
        """Activates what sentences lead to from the frontier, and returns what of it is worth following."""
        reached = bridged(self.active, frontier, self.passages, self.frequencies, self._similarity, self._used)
        self.active |= reached
        return sorted(reached, key=lambda one: (-reached[one].weight * self.rarity(one), one))[:_MOST_FOLLOWED]

    def rarity(self, identity: str) -> float:
        return rarity(self.frequencies.get(identity, 1))


def _ranking(ranks: Mapping[str, float], starts: Mapping[str, float], walk: _Walk) -> GraphRanking:
    best, best_start = max(ranks.values(), default=0.0) or 1.0, max(starts.values(), default=0.0) or 1.0
    scores = {
        one: (ranks.get(one, 0.0) / best + _FOUND_SHARE * starts.get(one, 0.0) / best_start) / (1 + _FOUND_SHARE)
        for one in ranks.keys() | starts.keys()
    }
    paths = {passage.passage_id: _path(passage, walk) for passage in walk.passages}
    return GraphRanking(scores, {one: path for one, path in paths.items() if path})


def _path(passage: LinkedPassage, walk: _Walk) -> tuple[str, ...]:
    """The path to the entity of the passage that matters most to the question."""
    named = [one for one, _ in passage.entities if one in walk.active]
    best = max(named, key=lambda one: (walk.active[one].weight * walk.rarity(one), one), default=None)
    return walk.active[best].path if best else ()
