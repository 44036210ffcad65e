"""Paths between two entities: over relations, and over passages that name both ends of a step.

The neighbourhoods of both ends are fetched with a number of queries that depends on the number of hops alone. Of an
entity only its strongest neighbours are followed, so that one that everything names leads nowhere else.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shared.graph.names import relation_id
from shared.graph.port import Graph, GraphRelation

TOGETHER = "mentioned_with"
"""The type of a step over passages that name both entities."""

_NEIGHBOURS = 30
_FRONTIER = 200
_PASSAGES = 50
_TOGETHER_FACTOR = 0.5
"""That a passage names two entities says less than that it states a relation between them."""
_MOST_WALKS = 20_000


class EntityPath(Struct, frozen=True):
    """Entities from one end to the other, and the relation of each step. `score` falls with every step."""

    score: float
    entities: tuple[str, ...]
    relations: tuple[GraphRelation, ...]


class _Step(Struct, frozen=True):
    strength: float
    relation: GraphRelation


_Steps = dict[str, dict[str, _Step]]


async def find_paths(
    graph: Graph, source_id: str, target_id: str, *, max_hops: int, limit: int, as_of: str | None = None
) -> list[EntityPath]:
    """The best paths, best first; equal ones by their entities' ids."""
    if source_id == target_id:
        return []
    steps: _Steps = defaultdict(dict)
    for start, depth in ((source_id, (max_hops + 1) // 2), (target_id, max_hops // 2)):
        await _explore(graph, start, depth, steps, as_of)
    found = sorted(_walks(steps, source_id, target_id, max_hops), key=lambda path: (-path.score, path.entities))
    return found[:limit]


async def _explore(graph: Graph, start: str, depth: int, steps: _Steps, as_of: str | None) -> None:
    """Adds the steps from the entities that are fewer hops away than `depth`."""
    frontier, seen = [start], {start}
    for _ in range(depth):
        reached: dict[str, float] = {}
        for origin, neighbours in (await _neighbours(graph, frontier, as_of)).items():
            for other, step in neighbours.items():
                steps[origin][other] = steps[other][origin] = step
                reached[other] = max(reached.get(other, 0.0), step.strength)
        ahead = sorted(reached.keys() - seen, key=lambda one: (-reached[one], one))
        frontier = ahead[:_FRONTIER]
        seen.update(frontier)


async def _neighbours(graph: Graph, origins: Sequence[str], as_of: str | None) -> _Steps:
    """The strongest steps from each entity."""
    found: _Steps = {origin: {} for origin in origins}
    near = await graph.neighbourhood(origins, passages_per_entity=_PASSAGES)
    together: dict[tuple[str, str], list[str]] = defaultdict(list)
    for passage in near.passages:
        names = [name for name, _ in passage.entities]
        for origin in found.keys() & set(names):
            for other in names:
                together[origin, other].append(passage.passage_id)
    for (origin, other), passages in together.items():
        _keep_stronger(found, origin, other, _of_passages(origin, other, passages))
    for relation in await graph.relations(origins, relations_per_entity=_NEIGHBOURS, as_of=as_of):
        step = _Step(_saturated(relation.weight), relation)
        _keep_stronger(found, relation.source_id, relation.target_id, step)
        _keep_stronger(found, relation.target_id, relation.source_id, step)
    return {origin: _strongest(neighbours) for origin, neighbours in found.items()}


def _keep_stronger(found: _Steps, origin: str, other: str, step: _Step) -> None:
    if origin not in found or origin == other:
        return
    known = found[origin].get(other)
    if known is None or (-step.strength, step.relation.relation_id) < (-known.strength, known.relation.relation_id):
        found[origin][other] = step


def _of_passages(one: str, other: str, passages: Iterable[str]) -> _Step:
    first, second = sorted((one, other))
    named = tuple(sorted(set(passages)))
    identity = relation_id(first, TOGETHER, second, None, None)
    relation = GraphRelation(identity, first, TOGETHER, second, float(len(named)), None, None, "", named)
    return _Step(_TOGETHER_FACTOR * _saturated(len(named)), relation)


def _saturated(weight: float) -> float:
    """Between 0 and 1: the tenth passage adds less than the second."""
    return weight / (weight + 1.0) if weight > 0 else 0.0


def _strongest(neighbours: Mapping[str, _Step]) -> dict[str, _Step]:
    order = sorted(neighbours, key=lambda other: (-neighbours[other].strength, other))
    return {other: neighbours[other] for other in order[:_NEIGHBOURS]}


def _walks(steps: Mapping[str, Mapping[str, _Step]], source: str, target: str, max_hops: int) -> list[EntityPath]:
    """Every walk without a repeated entity, shortest first, up to a number that bounds the work."""
    found: list[EntityPath] = []
    ahead = [EntityPath(1.0, (source,), ())]
    for _ in range(max_hops):
        longer: list[EntityPath] = []
        for path in ahead:
            for other, step in sorted(steps.get(path.entities[-1], {}).items()):
                if other in path.entities:
                    continue
                score = round(path.score * step.strength, 9)
                walk = EntityPath(score, (*path.entities, other), (*path.relations, step.relation))
                (found if other == target else longer).append(walk)
        ahead = sorted(longer, key=lambda path: (-path.score, path.entities))[:_MOST_WALKS]
    return found
