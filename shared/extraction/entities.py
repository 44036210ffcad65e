"""The entities of passages as the stages hand them on, and as the graph takes them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shared.extraction.aliases import short_forms
from shared.graph.names import normal_form
from shared.graph.port import ALIAS, DocumentGraph, Mention, Merge, PassageGraph, Sentence
from shared.language.entities import EntitySpan, entities
from shared.retrieval.sentences import passage_spans
from shared.retrieval.texts import embedded_text
from shared.types.passage import Passage

MOST_MENTIONS = 64
"""Different entities of a passage; a table of names has more."""

MOST_SHORT_FORMS = 500
"""Of a document; a list of abbreviations has fewer."""

_IN_CONTEXT = 2
"""How much a name in the title or a heading counts: it is what the whole passage is about."""


class PassageEntities(Struct, frozen=True, array_like=True):
    """The names that a passage's context and text have, with their places in the text that is embedded."""

    passage_id: str
    names: tuple[EntitySpan, ...]


def find_entities(passage: Passage) -> PassageEntities:
    return PassageEntities(passage.passage_id, tuple(entities(embedded_text(passage), passage.language)))


def count_entities(passages: Iterable[PassageEntities]) -> int:
    """How many different entities there are."""
    return len({normal_form(span.name) for passage in passages for span in passage.names})


def document_graph(
    passages: Sequence[Passage],
    found: Mapping[str, PassageEntities],
    vectors: Mapping[str, tuple[bytes, ...]],
    recorded_at: str,
) -> DocumentGraph:
    """What a document adds to the graph: its passages, and the short forms that they write out."""
    merges = {
        (long, short): Merge(long, short, ALIAS, passage.document_id, passage.generation, recorded_at)
        for passage in passages
        if passage.passage_id in found
        for long, short in short_forms(embedded_text(passage), found[passage.passage_id].names)
    }
    graphs = passage_graphs(passages, found, vectors, recorded_at)
    return DocumentGraph(tuple(graphs), tuple(list(merges.values())[:MOST_SHORT_FORMS]))


def passage_graphs(
    passages: Sequence[Passage],
    found: Mapping[str, PassageEntities],
    vectors: Mapping[str, tuple[bytes, ...]],
    recorded_at: str,
) -> list[PassageGraph]:
    """What the passages add to the graph; those that name nothing are left out."""
    graphs = (
        _passage_graph(passage, found[passage.passage_id].names, vectors.get(passage.passage_id, ()), recorded_at)
        for passage in passages
        if passage.passage_id in found
    )
    return [graph for graph in graphs if graph.mentions]


def _passage_graph(
    passage: Passage, names: Sequence[EntitySpan], vectors: Sequence[bytes], recorded_at: str
) -> PassageGraph:
    """Every sentence also names what the title and the headings name: "it" and "the river" stand for that."""
    begin = len(embedded_text(passage)) - len(passage.text)
    counts: Counter[str] = Counter()
    for span in names:
        counts[span.name] += _IN_CONTEXT if span.start < begin else 1
    chosen = [name for name, _ in counts.most_common(MOST_MENTIONS)]
    places = {name: place for place, name in enumerate(chosen)}
    topic = {places[span.name] for span in names if span.start < begin and span.name in places}
    sentences = []
    for number, (start, end) in enumerate(passage_spans(passage)):
        inside = {places[span.name] for span in names if start <= span.start < end and span.name in places}
        named = sorted(inside | topic)
        if named:
            vector = vectors[number] if number < len(vectors) else b""
            sentences.append(Sentence(max(start - begin, 0), max(end - begin, 0), tuple(named), vector))
    return PassageGraph(
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        generation=passage.generation,
        position=passage.position,
        mentions=tuple(Mention(name, count=counts[name]) for name in chosen),
        sentences=tuple(sentences),
        recorded_at=recorded_at,
    )
