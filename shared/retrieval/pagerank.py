"""Ranks passages by personalised PageRank over passages and the entities that they name.

By forward push: a node passes its share on only while that share is large, so that the work is bounded by the start,
not by the size of the tenant.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.graph.port import LinkedPassage
from shared.retrieval.bridging import ActiveEntity

_ONWARD = 0.7
"""The share of a node's weight that goes on to its neighbours."""

_PASSAGES_START = 0.35
"""The share of the start that stands on the passages which the search by meaning and words found."""

_STEEPNESS = 2
"""By which power their scores count."""

_LEAST = 1e-4
"""A share of the whole weight that is too small to pass on."""

_MOST_PUSHES = 5000

_POPULATION = 2000
"""Rarity is measured as if the tenant had so many passages: then nothing of the order depends on how many there are."""


def rarity(frequency: int) -> float:
    return math.log(1 + _POPULATION / max(frequency, 1))


class _Links(Struct, frozen=True):
    """Neighbours of passages and of entities with the weights of the edges between them."""

    of_passages: dict[str, list[tuple[str, float]]]
    of_entities: dict[str, list[tuple[str, float]]]


def ranked_passages(
    active: Mapping[str, ActiveEntity],
    found: Mapping[str, float],
    passages: Sequence[LinkedPassage],
    frequencies: Mapping[str, int],
) -> dict[str, float]:
    """Weighs passages for a question. `found` are the scores of the search by meaning and words; the
    active entities are those that the question is about."""
    rarities = {identity: rarity(frequency) for identity, frequency in frequencies.items()}
    links = _links(passages, frequencies, rarities)
    entities = {one: entity.weight * rarities[one] for one, entity in sorted(active.items()) if one in rarities}
    steep = {one: max(score, 0.0) ** _STEEPNESS for one, score in sorted(found.items())}
    passages_share = _PASSAGES_START if entities else 1.0
    residual_passages = _scaled(steep, passages_share)
    residual_entities = _scaled(entities, 1 - passages_share)
    passage_ranks: dict[str, float] = defaultdict(float)
    pushes = 0
    while pushes < _MOST_PUSHES and (residual_passages or residual_entities):
        pushes += len(residual_passages) + len(residual_entities)
        for identity, weight in residual_passages.items():
            passage_ranks[identity] += (1 - _ONWARD) * weight
        residual_passages, residual_entities = (
            _pushed(residual_entities, links.of_entities),
            _pushed(residual_passages, links.of_passages),
        )
    return dict(passage_ranks)


def _pushed(residual: Mapping[str, float], links: Mapping[str, list[tuple[str, float]]]) -> dict[str, float]:
    """What the nodes pass on, by the node that receives it; what is too small is dropped."""
    received: dict[str, float] = defaultdict(float)
    for identity, weight in residual.items():
        for neighbour, share in links.get(identity, ()):
            received[neighbour] += _ONWARD * weight * share
    return {identity: received[identity] for identity in sorted(received) if received[identity] > _LEAST}


def _scaled(weights: Mapping[str, float], total: float) -> dict[str, float]:
    whole = sum(weights.values())
    return {identity: weight * total / whole for identity, weight in weights.items() if weight > 0} if whole else {}


def _links(passages: Sequence[LinkedPassage], frequencies: Mapping[str, int], rarities: Mapping[str, float]) -> _Links:
    """Edges weigh by how often the passage names the entity and how rare that is, divided by the square roots of what
    both ends have in all: a passage that names much and an entity that is named often pass little to each."""
    edges = {
        passage.passage_id: [(one, (1 + math.log(count)) * rarities.get(one, 0.0)) for one, count in passage.entities]
        for passage in passages
    }
    masses = _masses(edges, frequencies, rarities)
    of_passages: dict[str, list[tuple[str, float]]] = {}
    of_entities: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for passage_id, own in edges.items():
        mass = sum(weight for _, weight in own)
        shares = [(one, weight / math.sqrt(mass * masses[one])) for one, weight in own if weight > 0]
        of_passages[passage_id] = shares
        for one, share in shares:
            of_entities[one].append((passage_id, share))
    return _Links(of_passages, of_entities)


def _masses(
    edges: Mapping[str, Sequence[tuple[str, float]]], frequencies: Mapping[str, int], rarities: Mapping[str, float]
) -> dict[str, float]:
    """What the edges of each entity weigh in all; of passages that were not fetched each as if it named it once."""
    known: Counter[str] = Counter()
    masses: dict[str, float] = defaultdict(float)
    for one, weight in (edge for own in edges.values() for edge in own):
        known[one] += 1
        masses[one] += weight
    return {
        one: mass + max(frequencies.get(one, 1) - known[one], 0) * rarities.get(one, 0.0)
        for one, mass in masses.items()
    }
