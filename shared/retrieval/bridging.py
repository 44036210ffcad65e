"""Which entities a question is about: those that it names, and those to which sentences that resemble it lead.

A sentence that names a known entity and resembles the question passes its similarity on to the other entities that it
names, so that "the director of Jump for Glory" leads to Raoul Walsh, whom the question does not name.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shared.graph.names import normal_form, query_form
from shared.graph.port import LinkedPassage, NamedSentence
from shared.language.detect import detect
from shared.language.entities import entities, is_asked_for

LONGEST_NAME = 6
"""Words of a question that are looked up as one name."""

MOST_NAMES = 200
"""Runs of words that are looked up; a question that has more is a text."""

_SENTENCES = 20
"""Sentences a round that pass their similarity on."""

_DECAY = 0.65
_RARITY = 0.3
_LEAST = 0.02
"""What a bridge passes on, how much less to an entity that many passages name, and under which share to none."""


class ActiveEntity(Struct, frozen=True):
    """An entity with its weight for the question, and the entities over which it was reached, from one that the
    question names to itself."""

    weight: float
    path: tuple[str, ...]


class AskedName(Struct, frozen=True):
    """A run of a question's words, from word `first` on."""

    name: str
    first: int
    length: int


def asked_names(question: str) -> list[AskedName]:
    """The runs of words of a question that may be names, the longest first; single words only where they are written
    as names, or where the whole question is in lower case."""
    is_lower = question == question.lower()
    named = [f" {normal_form(span.name)} " for span in entities(question, detect(question))]
    words = [word for word in query_form(question).split() if any(map(str.isalnum, word))]
    found = []
    for length in range(min(LONGEST_NAME, len(words)), 0, -1):
        for first in range(len(words) - length + 1):
            run = words[first : first + length]
            name = " ".join(run)
            is_name = length > 1 or is_lower or any(f" {name} " in one for one in named)
            if is_name and is_asked_for(run[0]) and is_asked_for(run[-1]):
                found.append(AskedName(name, first, length))
    return found[:MOST_NAMES]


def seeds(asked: Sequence[AskedName], known: Mapping[str, str]) -> list[str]:
    """The ids of the entities that a question names: of overlapping names the longest."""
    covered, ids = set[int](), list[str]()
    for one in asked:
        places = set(range(one.first, one.first + one.length))
        if one.name in known and not places <= covered:
            covered |= places
            ids.append(known[one.name])
    return list(dict.fromkeys(ids))


class Similarity:
    """How much sentences resemble a question: by their vectors, or by the entities' words where they have none."""

    def __init__(self, dense: Sequence[float] | None) -> None:
        self._dense = dense

    def of(self, sentences: Sequence[NamedSentence]) -> list[float]:
        if self._dense is None:
            return [0.5] * len(sentences)
        import numpy as np

        size = len(self._dense)
        held = [place for place, one in enumerate(sentences) if len(one.vector) == size]
        values = np.full(len(sentences), 0.5)
        if held:
            rows = np.frombuffer(b"".join(sentences[place].vector for place in held), dtype=np.int8)
            values[held] = rows.reshape(len(held), size).astype(np.float32) @ np.array(self._dense, np.float32) / 127
        found: list[float] = values.tolist()
        return found


def bridged(
    active: Mapping[str, ActiveEntity],
    frontier: Sequence[str],
    passages: Iterable[LinkedPassage],
    frequencies: Mapping[str, int],
    similarity: Similarity,
    used: set[tuple[str, int]],
) -> dict[str, ActiveEntity]:
    """The entities that are reached over sentences which name one of the `frontier` and resemble the question most.
    `used` are sentences that have passed on already; those of this round are added."""
    ahead = frozenset(frontier)
    places = [
        ((passage.passage_id, number), sentence)
        for passage in passages
        for number, sentence in enumerate(passage.sentences)
        if not ahead.isdisjoint(sentence.entities) and (passage.passage_id, number) not in used
    ]
    scores = similarity.of([sentence for _, sentence in places])
    best = sorted(zip(scores, places, strict=True), key=lambda one: (-one[0], one[1][0]))[:_SENTENCES]
    reached: dict[str, ActiveEntity] = {}
    for score, (place, sentence) in best:
        used.add(place)
        source = max((active[one] for one in sentence.entities if one in ahead), key=lambda one: (one.weight, one.path))
        for identity in sentence.entities:
            weight = source.weight * max(score, 0.0) * _DECAY / frequencies.get(identity, 1) ** _RARITY
            if identity in active or weight <= _LEAST:
                continue
            if identity not in reached or weight > reached[identity].weight:
                reached[identity] = ActiveEntity(weight, (*source.path, identity))
    return reached
