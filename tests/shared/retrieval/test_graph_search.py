"""What the search over the graph promises, on the embedded index and graph."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.embedding.port import Embedded, Purpose
from shared.embedding.sparse import SparseEncoder
from shared.extraction.entities import find_entities, passage_graphs
from shared.graph.port import Graph, LinkedPassage, Neighbourhood
from shared.graph.sqlite import SqliteIndex
from shared.retrieval.bridging import ActiveEntity, asked_names, seeds
from shared.retrieval.pagerank import ranked_passages
from shared.retrieval.retrieve import Mode, Retrieved, retrieve
from shared.retrieval.texts import indexed_words
from shared.types.errors import StoreUnavailable
from shared.types.passage import Passage
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import Point, Vectors

ENCODER = SparseEncoder()
QUESTION = "Which clock is in the town where Karel Purkyne died?"
TEXTS = {
    "psg_painter": "The painter Karel Purkyne died in Wroclaw and is buried there.",
    "psg_hall": "In Wroclaw a tower has a bell from 1410.",
    "psg_clock": "Which clock is right twice a day? One that stands still.",
    "psg_rain": "It rains all day long.",
}


class NoMeaning:
    """A model to which all texts mean the same."""

    name, dimensions, languages = "no meaning", 2, frozenset({"en"})

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        return [[text] for text in texts]

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded:
        return Embedded(tuple((1.0, 0.0) for _ in texts), 0)


class CountedGraph:
    """Counts the queries of a graph, which may be away."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.queries = 0
        self.is_away = False

    async def find(self, names: Sequence[str]) -> dict[str, str]:
        self.queries += 1
        if self.is_away:
            raise StoreUnavailable("graph", "switched off")
        return await self._graph.find(names)

    async def neighbourhood(
        self,
        entity_ids: Sequence[str],
        passage_ids: Sequence[str] = (),
        *,
        passages_per_entity: int,
        with_sentences: bool = False,
    ) -> Neighbourhood:
        self.queries += 1
        return await self._graph.neighbourhood(
            entity_ids, passage_ids, passages_per_entity=passages_per_entity, with_sentences=with_sentences
        )


class Stores(NamedTuple):
    vectors: Vectors
    graph: Graph
    others: Graph


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    index, graphs = EdgeIndex(tmp_path / "vectors", 2, NoMeaning.name), SqliteIndex(tmp_path / "graph")
    await graphs.prepare()
    made = Stores(index.of("ten_a"), graphs.of("ten_a"), graphs.of("ten_b"))
    await add(made, TEXTS)
    yield made
    await index.close()
    await graphs.close()


async def add(stores: Stores, texts: dict[str, str]) -> None:
    passages = [Passage(name, f"doc_{name}", 1, 0, text) for name, text in texts.items()]
    await stores.vectors.add(
        [Point(one, (1.0, 0.0), ENCODER.passage(indexed_words(one), one.language)) for one in passages]
    )
    found = {one.passage_id: find_entities(one) for one in passages}
    await stores.graph.put(passage_graphs(passages, found, {}, "2026-01-01T00:00:00Z"))


async def ask(
    stores: Stores,
    question: str = QUESTION,
    mode: Mode = "graph",
    graph: Graph | None = None,
    documents: tuple[str, ...] | None = None,
) -> Retrieved:
    return await retrieve(question, mode, 3, documents, NoMeaning(), ENCODER, stores.vectors, graph or stores.graph)


def names(retrieved: Retrieved) -> list[str]:
    return [hit.passage.passage_id for hit in retrieved.found]


async def test_a_passage_that_only_a_path_leads_to_is_found_and_has_the_path(stores: Stores) -> None:
    retrieved = await ask(stores)
    assert names(retrieved)[:2] == ["psg_painter", "psg_hall"]
    ids = await stores.graph.find(["Karel Purkyne", "Wroclaw"])
    assert retrieved.paths["psg_hall"] == (ids["Karel Purkyne"], ids["Wroclaw"])
    assert "psg_rain" not in retrieved.paths
    assert all(0 <= hit.score <= 1 for hit in retrieved.found)
    assert retrieved.degraded == ()


async def test_the_graph_is_asked_a_fixed_number_of_times(stores: Stores) -> None:
    asked: list[int] = []
    for number in range(2):
        counted = CountedGraph(stores.graph)
        await ask(stores, graph=counted)  # type: ignore[arg-type]
        asked.append(counted.queries)
        more = {f"psg_{number}_{one}": f"Wroclaw has a house, built by Builder{one} Mason." for one in range(150)}
        await add(stores, more)
    assert max(asked) <= 4


async def test_where_no_entity_is_known_it_finds_what_meaning_and_words_find(stores: Stores) -> None:
    for question in ("which clock is right", "What does Nobody Known say of the clock?"):
        modes: tuple[Mode, ...] = ("graph", "hybrid")
        over_graph = [await ask(stores, question, mode) for mode in modes]
        without = await retrieve(question, "hybrid", 3, None, NoMeaning(), ENCODER, stores.vectors)
        assert [one.found for one in over_graph] == [without.found, without.found]
        assert [one.paths for one in over_graph] == [{}, {}]


async def test_without_its_graph_it_goes_on_and_says_so(stores: Stores) -> None:
    away = CountedGraph(stores.graph)
    away.is_away = True
    retrieved = await ask(stores, graph=away)  # type: ignore[arg-type]
    assert retrieved.degraded == ("graph",)
    assert retrieved.found
    alone = await retrieve(QUESTION, "graph", 3, None, NoMeaning(), ENCODER, stores.vectors)
    assert alone.degraded == ("graph",)


async def test_a_narrowed_search_stays_within_its_documents(stores: Stores) -> None:
    retrieved = await ask(stores, documents=("doc_psg_hall", "doc_psg_rain"))
    assert names(retrieved)[0] == "psg_hall"
    assert set(names(retrieved)) <= {"psg_hall", "psg_rain"}


async def test_neither_other_documents_nor_repeated_texts_take_the_places_of_what_is_asked_for(stores: Stores) -> None:
    await add(stores, {f"psg_n{n}": f"Karel Purkyne died in Wroclaw, says {n}." for n in range(30)})
    narrowed = await ask(stores, documents=("doc_psg_hall", "doc_psg_rain"))
    assert set(names(narrowed)) == {"psg_hall", "psg_rain"}
    await add(stores, {f"psg_r{n}": "Karel Purkyne died in Wroclaw, they say." for n in range(30)})
    texts = [hit.passage.text for hit in (await ask(stores)).found]
    assert len(texts) == len(set(texts)) == 3


async def test_what_another_tenant_has_changes_neither_order_nor_score(stores: Stores) -> None:
    before = await ask(stores)
    foreign = [Passage(f"psg_f{n}", "doc_f", 1, n, "Wroclaw and Karel Purkyne.") for n in range(40)]
    found = {one.passage_id: find_entities(one) for one in foreign}
    await stores.others.put(passage_graphs(foreign, found, {}, "2026-01-01T00:00:00Z"))
    after = await ask(stores)
    assert after == before


async def test_the_order_of_uploads_changes_nothing(stores: Stores, tmp_path: Path) -> None:
    index, graphs = EdgeIndex(tmp_path / "v", 2, NoMeaning.name), SqliteIndex(tmp_path / "g")
    await graphs.prepare()
    turned = Stores(index.of("ten_a"), graphs.of("ten_a"), graphs.of("ten_b"))
    await add(turned, dict(reversed(TEXTS.items())))
    try:
        assert await ask(turned) == await ask(stores)
    finally:
        await asyncio.gather(index.close(), graphs.close())


async def test_hybrid_keeps_its_first_passages_and_follows_the_graph_behind_them(stores: Stores) -> None:
    await add(stores, {f"psg_{n}": f"Which clock in which town? Clock {n}." for n in range(4)})
    without = await retrieve(QUESTION, "hybrid", 3, None, NoMeaning(), ENCODER, stores.vectors)
    hybrid = await ask(stores, mode="hybrid")
    assert names(hybrid)[:2] == names(without)[:2]
    assert "psg_hall" in names(hybrid)
    assert "psg_hall" not in names(without)
    assert [hit.score for hit in hybrid.found] == sorted((hit.score for hit in hybrid.found), reverse=True)


async def test_hybrid_looks_a_statement_up_and_follows_nothing(stores: Stores) -> None:
    counted = CountedGraph(stores.graph)
    await ask(stores, "Karel Purkyne died in a town with a clock.", "hybrid", counted)  # type: ignore[arg-type]
    assert counted.queries == 0


def test_of_overlapping_names_a_question_asks_for_the_longest() -> None:
    asked = asked_names("Who wrote about the University of North Texas in Texas?")
    known = {"university of north texas": "1", "north texas": "2", "texas": "3", "wrote": "4"}
    assert seeds(asked, known) == ["1", "3"]
    assert seeds(asked_names("where is prague"), {"prague": "5"}) == ["5"]
    assert seeds(asked_names("Where is the state?"), {"state": "6"}) == []
    assert asked_names("") == asked_names("? !") == []


def test_an_entity_that_everything_names_passes_little_on() -> None:
    rare = LinkedPassage("psg_rare", "doc_a", 0, (("ent_rare", 1),))
    common = [LinkedPassage(f"psg_{n:03}", "doc_b", n, (("ent_common", 1),)) for n in range(200)]
    active = {one: ActiveEntity(1.0, (one,)) for one in ("ent_rare", "ent_common")}
    ranks = ranked_passages(active, {}, [rare, *common], {"ent_rare": 1, "ent_common": 200})
    assert ranks["psg_rare"] > 20 * max(weight for one, weight in ranks.items() if one != "psg_rare")
