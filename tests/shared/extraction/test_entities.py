"""What passages add to the graph, from their text and the vectors of their sentences."""

from shared.extraction.entities import MOST_MENTIONS, count_entities, find_entities, passage_graphs
from shared.graph.port import PassageGraph
from shared.retrieval.sentences import passage_spans
from shared.retrieval.texts import embedded_text
from shared.types.passage import Passage

TEXT = "He was born in Wrocław. It was cold. He died in Prague, not in Vienna."


def graph_of(passage: Passage, vectors: tuple[bytes, ...] = ()) -> PassageGraph:
    found = {passage.passage_id: find_entities(passage)}
    [graph] = passage_graphs([passage], found, {passage.passage_id: vectors}, "2026-01-01T00:00:00Z")
    return graph


def purkyne(text: str = TEXT) -> Passage:
    return Passage("psg_1", "doc_1", 2, 3, text, "Karel Purkyně")


def test_a_passage_names_its_entities_and_its_title_counts_twice() -> None:
    graph = graph_of(purkyne())
    assert [(one.name, one.count) for one in graph.mentions] == [
        ("Karel Purkyně", 2),
        ("Wrocław", 1),
        ("Prague", 1),
        ("Vienna", 1),
    ]
    assert (graph.passage_id, graph.document_id, graph.generation, graph.position) == ("psg_1", "doc_1", 2, 3)


def test_every_sentence_is_about_the_title_and_has_its_own_vector() -> None:
    passage = purkyne()
    vectors = tuple(bytes([number]) for number in range(len(passage_spans(passage))))
    graph = graph_of(passage, vectors)
    names = [mention.name for mention in graph.mentions]
    sentences = [
        (TEXT[one.start : one.end], [names[place] for place in one.mentions], one.vector) for one in graph.sentences
    ]
    assert sentences == [
        ("", ["Karel Purkyně"], b"\0"),
        ("He was born in Wrocław.", ["Karel Purkyně", "Wrocław"], b"\1"),
        ("It was cold.", ["Karel Purkyně"], b"\2"),
        ("He died in Prague, not in Vienna.", ["Karel Purkyně", "Prague", "Vienna"], b"\3"),
    ]


def test_a_model_that_gives_no_vectors_of_sentences_leaves_them_empty() -> None:
    assert {one.vector for one in graph_of(purkyne()).sentences} == {b""}


def test_two_spellings_are_one_entity_and_a_passage_without_names_adds_nothing() -> None:
    one, other = purkyne("NASA and Nasa's plans."), Passage("psg_2", "doc_1", 2, 4, "it rains and it pours.")
    found = [find_entities(one), find_entities(other)]
    assert count_entities(found) == 2
    graphs = passage_graphs([one, other], {one.passage_id: one for one in found}, {}, "")
    assert [graph.passage_id for graph in graphs] == ["psg_1"]


def test_a_table_of_names_adds_only_so_many() -> None:
    graph = graph_of(purkyne("\n".join(f"Person{chr(65 + n // 26)}{chr(97 + n % 26)}x" for n in range(300))))
    assert len(graph.mentions) == MOST_MENTIONS
    assert all(place < MOST_MENTIONS for sentence in graph.sentences for place in sentence.mentions)


def test_the_spans_stand_in_the_text_that_is_embedded() -> None:
    passage = purkyne()
    text = embedded_text(passage)
    assert [text[start:end] for start, end in passage_spans(passage)] == [
        "Karel Purkyně",
        "He was born in Wrocław.",
        "It was cold.",
        "He died in Prague, not in Vienna.",
    ]
