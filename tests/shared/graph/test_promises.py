"""What every graph promises, whatever its backend."""

import asyncio
import random

import pytest

from shared.graph.port import APART, Graph, GraphIndex, Mention, Merge, PassageGraph, Size, StatedRelation
from tests.shared.graph.samples import contents, ids, passage

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMPTY = Size(0, 0, 0)


@pytest.fixture
def tenant() -> str:
    return "ten_a"


@pytest.fixture
def graph(index: GraphIndex, tenant: str) -> Graph:
    return index.of(tenant)


def two_hops() -> list[PassageGraph]:
    """Ada — Lovelace Institute — Turin, over two documents."""
    return [
        passage("doc_a", 0, ["Ada", "Lovelace Institute"]),
        passage("doc_a", 1, ["Ada"]),
        passage("doc_b", 0, ["Lovelace Institute", "Turin"]),
    ]


async def test_a_passage_that_names_an_entity_leads_to_its_neighbours(graph: Graph) -> None:
    await graph.put(two_hops())
    ada, institute, turin = await ids(graph, "ADA", "lovelace-institute", "Turin")
    near = await graph.neighbourhood([ada], passages_per_entity=10, with_sentences=True)
    assert [(found.document_id, found.position) for found in near.passages] == [("doc_a", 0), ("doc_a", 1)]
    assert near.passages[0].entities == tuple(sorted([(ada, 1), (institute, 1)]))
    assert near.frequencies == {ada: 2, institute: 2}
    assert near.passages[1].sentences[0].entities == (ada,) and near.passages[1].sentences[0].vector == b"\x01"
    beyond = await graph.neighbourhood([], ["psg_doc_b_1_0", "psg_none"], passages_per_entity=1)
    assert beyond.frequencies == {institute: 2, turin: 1} and not beyond.passages[0].sentences
    assert await graph.size() == Size(3, 3, 0) and await graph.count_entities("doc_b") == 2


async def test_entities_show_what_they_are_called_and_how_often(graph: Graph) -> None:
    first = [Mention("acme", "other", 1), Mention("ACME", "organisation", 3)]
    await graph.put([PassageGraph("psg_1", "doc_a", 1, 0, tuple(first), recorded_at="2026-02-01T00:00:00Z")])
    await graph.put([passage("doc_b", 0, ["Acme's"], recorded_at="2026-01-01T00:00:00Z")])
    (acme,) = await graph.entities(await ids(graph, "Acme"))
    assert (acme.name, acme.type, acme.aliases) == ("ACME", "organisation", ("Acme's", "acme"))
    assert (acme.mentions, acme.passages, acme.documents) == (5, 2, 2)
    assert acme.created_at == "2026-01-01T00:00:00.000000Z"


async def test_writing_a_passage_again_replaces_it_and_counts_once(graph: Graph) -> None:
    await graph.put(two_hops())
    before = await contents(graph)
    await graph.put(two_hops())
    assert await contents(graph) == before
    await graph.put([passage("doc_a", 0, ["Ada", "Grace"])])
    (ada, institute, grace) = await graph.entities(await ids(graph, "Ada", "Lovelace Institute", "Grace"))
    assert (ada.mentions, institute.mentions, grace.mentions) == (2, 1, 1)


async def test_eighty_five_deleted_documents_leave_nothing_behind(graph: Graph) -> None:
    draw = random.Random(7)
    names = [f"Entity {number}" for number in range(40)]
    for number in range(85):
        stated = [StatedRelation(0, "knows", 1)]
        pages = [passage(f"doc_{number}", at, draw.sample(names, 4), statements=stated) for at in range(3)]
        await graph.put(pages)
        await graph.merge([Merge(names[0], names[1], document_id=f"doc_{number}", generation=1)])
    await asyncio.gather(*(graph.forget(f"doc_{number}", 1) for number in range(85)))
    assert await graph.size() == EMPTY
    assert await contents(graph) == []
    assert await graph.list_entities("", 10) == []


async def test_a_deletion_takes_what_only_that_document_names_and_no_newer_generation(graph: Graph) -> None:
    await graph.put([*two_hops(), passage("doc_a", 0, ["Ada", "Oslo"], generation=2)])
    await graph.forget("doc_a", 1)
    assert set(await graph.find(["Ada", "Oslo", "Turin", "Lovelace Institute"])) == {
        "Ada",
        "Oslo",
        "Turin",
        "Lovelace Institute",
    }
    (ada,) = await graph.entities(await ids(graph, "Ada"))
    assert (ada.mentions, ada.documents) == (1, 1)
    await graph.forget("doc_b", 9)
    assert set(await graph.find(["Ada", "Oslo", "Turin", "Lovelace Institute"])) == {"Ada", "Oslo"}


async def test_fifty_concurrent_writers_of_one_entity_make_one(index: GraphIndex, tenant: str) -> None:
    async def write(number: int) -> None:
        await index.of(tenant).put([passage(f"doc_{number}", 0, ["The Pequod", "Ahab", "Captain Ahab"])])
        await index.of(tenant).merge([Merge("Ahab", "Captain Ahab", document_id=f"doc_{number}", generation=1)])

    await asyncio.gather(*(write(number) for number in range(50)))
    listed = await index.of(tenant).list_entities("", 10)
    assert sorted((one.name, one.mentions, one.documents) for one in listed) == [
        ("Ahab", 100, 50),
        ("The Pequod", 50, 50),
    ]


async def test_merged_names_are_one_entity_until_the_merge_is_taken_back(graph: Graph) -> None:
    await graph.merge([Merge("Ahab", "Captain Ahab", "manual")])  # before either exists
    await graph.put([passage("doc_a", 0, ["Ahab", "Ishmael"]), passage("doc_b", 0, ["Captain Ahab", "Ahab"])])
    ahab, captain, ishmael = await ids(graph, "Ahab", "Captain Ahab", "Ishmael")
    assert ahab == captain
    (whole,) = await graph.entities([ahab, captain])
    assert (whole.name, whole.aliases, whole.mentions, whole.documents) == ("Ahab", ("Captain Ahab",), 3, 2)
    near = await graph.neighbourhood([ahab], passages_per_entity=5)
    assert near.passages[1].entities == ((ahab, 2),) and near.frequencies == {ahab: 3, ishmael: 1}
    await graph.split(Merge("Captain Ahab", "Ahab"))
    ahab, captain = await ids(graph, "Ahab", "Captain Ahab")
    assert ahab != captain
    assert [one.mentions for one in await graph.entities([ahab, captain])] == [2, 1]


async def test_a_merge_lasts_as_long_as_a_document_that_states_it(graph: Graph) -> None:
    await graph.put([passage("doc_a", 0, ["WHO"]), passage("doc_b", 0, ["World Health Organization"])])
    both = [Merge("WHO", "World Health Organization", document_id=f"doc_{name}", generation=1) for name in "cd"]
    await graph.merge(both)
    await graph.merge([Merge("World Health Organization", "OMS"), Merge("OMS", "Weltgesundheitsorganisation")])
    await graph.forget("doc_c", 1)
    assert len(set(await ids(graph, "WHO", "World Health Organization"))) == 1
    await graph.forget("doc_d", 1)
    assert len(set(await ids(graph, "WHO", "World Health Organization"))) == 2


async def test_a_short_form_of_two_names_is_short_for_neither(graph: Graph) -> None:
    names = ["PM", "Prime Minister", "Particulate Matter", "Premier"]
    await graph.put([passage("doc_a", 0, names)])
    minister = Merge("Prime Minister", "PM", document_id="doc_b", generation=1)
    matter = Merge("Particulate Matter", "PM", document_id="doc_c", generation=1)
    await graph.merge([minister, Merge("Prime Minister", "Premier", "manual")])
    pm, prime, _, premier = await ids(graph, *names)
    assert pm == prime == premier
    await graph.merge([matter])
    pm, prime, particles, premier = await ids(graph, *names)
    assert len({pm, prime, particles}) == 3 and prime == premier
    await graph.forget("doc_b", 1)
    pm, prime, particles, _ = await ids(graph, *names)
    assert pm == particles != prime


async def test_names_that_are_set_apart_are_not_merged_whoever_says_so(graph: Graph) -> None:
    names = ["PM", "Prime Minister", "Particulate Matter"]
    await graph.put([passage("doc_a", 0, names)])
    apart = Merge("Particulate Matter", "PM", APART)
    await graph.merge([apart])
    matter = Merge("Particulate Matter", "PM", document_id="doc_b", generation=1)
    await graph.merge([matter, Merge("PM", "Particulate Matter", "manual")])
    assert len(set(await ids(graph, *names))) == 3
    await graph.merge([Merge("Prime Minister", "PM", document_id="doc_c", generation=1)])
    pm, prime, particles = await ids(graph, *names)
    assert pm == prime != particles, "of its two long forms one is set apart"
    await graph.split(apart)
    assert len(set(await ids(graph, *names))) == 2
    await graph.merge([matter])
    assert len(set(await ids(graph, *names))) == 3


async def test_relations_are_counted_by_the_passages_that_state_them_and_valid_in_time(graph: Graph) -> None:
    led = StatedRelation(0, "leads", 1, 0.5, "2010-01-01", "2015-01-01")
    await graph.put(
        [
            passage("doc_a", 0, ["Ada", "Acme"], statements=[led], recorded_at="2026-03-01T00:00:00Z"),
            passage("doc_b", 0, ["Ada", "Acme"], statements=[led], recorded_at="2026-02-01T00:00:00Z"),
            passage("doc_b", 1, ["Grace", "Acme"], statements=[StatedRelation(0, "leads", 1, 0.9, "2015-01-01")]),
        ]
    )
    ada, acme, grace = await ids(graph, "Ada", "Acme", "Grace")
    found = await graph.relations([acme], relations_per_entity=10)
    assert [(one.source_id, one.type, one.target_id, one.weight) for one in found] == [
        (ada, "leads", acme, 1.0),
        (grace, "leads", acme, 0.9),
    ]
    assert found[0].recorded_at == "2026-02-01T00:00:00Z"
    assert found[0].passages == ("psg_doc_a_1_0", "psg_doc_b_1_0")
    for when, leader in [("2009-12-31", []), ("2010-01-01", [ada]), ("2014-12-31", [ada]), ("2015-01-01", [grace])]:
        valid = await graph.relations([acme], relations_per_entity=10, as_of=when)
        assert [one.source_id for one in valid] == leader, when
    await graph.forget("doc_b", 1)
    (left,) = await graph.relations([ada], relations_per_entity=10)
    assert left.weight == 0.5 and left.recorded_at == "2026-03-01T00:00:00Z"


async def test_relations_of_merged_names_are_one(graph: Graph) -> None:
    knows = [StatedRelation(0, "knows", 1)]
    await graph.put(
        [
            passage("doc_a", 0, ["Ahab", "Ishmael"], statements=knows),
            passage("doc_b", 0, ["Captain Ahab", "Ishmael"], statements=knows),
        ]
    )
    await graph.merge([Merge("Ahab", "Captain Ahab")])
    (one,) = await graph.relations(await ids(graph, "Ishmael"), relations_per_entity=10)
    assert one.weight == 2.0 and len(one.passages) == 2


HOSTILE = [
    "x'}) DETACH DELETE n //",
    "'; DROP TABLE entity; --",
    '" OR 1=1 --',
    "`]-() MATCH (n) DETACH DELETE n",
    "$tenant",
    "{tenant: 'ten_other'}",
    "Robert\\'); MATCH (n) SET n.name = 'x'",
    "𝔘nicode\u202e\n\t",
    "%_",
]


async def test_query_languages_in_names_and_types_are_only_text(index: GraphIndex, graph: Graph) -> None:
    other = index.of("ten_other")
    await other.put([passage("doc_o", 0, ["Bystander"])])
    before = await contents(other)
    for number, text in enumerate(HOSTILE):
        mentions = (Mention(text, text), Mention("Bob", "person"))
        stated = (StatedRelation(0, text, 1, valid_from="2020-01-01"),)
        await graph.put([PassageGraph(f"psg_{number}", "doc_h", 1, number, mentions, (), stated)])
        (identity,) = await ids(graph, text)
        (found,) = await graph.entities([identity])
        assert (found.name, found.type) == (text, text)
        (stated_one,) = await graph.relations([identity], relations_per_entity=5)
        assert stated_one.type == text
        assert found in await graph.list_entities(text, 50)
        assert (
            await graph.entities([text]) == []
            and not (await graph.neighbourhood([text], [text], passages_per_entity=3)).passages
        )
        await graph.forget(text, 5)
    assert (await graph.size()).passages == len(HOSTILE)
    assert await contents(other) == before
    await graph.forget("doc_h", 1)
    assert await graph.size() == EMPTY


async def test_another_tenant_changes_neither_order_nor_frequencies_nor_ids(index: GraphIndex, graph: Graph) -> None:
    await graph.put(two_hops())
    (ada,) = await ids(graph, "Ada")
    before = await graph.neighbourhood([ada], passages_per_entity=10)
    other = index.of("ten_noisy")
    await other.put([passage(f"doc_{number}", 0, ["Ada", "Turin", "Noise"]) for number in range(60)])
    await other.put(two_hops())
    assert await graph.neighbourhood([ada], passages_per_entity=10) == before
    assert (await other.find(["Ada"]))["Ada"] != ada
    assert await other.entities([ada]) == [] and not (await other.neighbourhood([ada], passages_per_entity=5)).passages
    await other.forget("doc_a", 9)
    await index.forget_tenant("ten_noisy")
    assert await other.size() == EMPTY
    assert await graph.neighbourhood([ada], passages_per_entity=10) == before


async def test_an_entity_that_many_passages_name_gives_a_fixed_sample(index: GraphIndex) -> None:
    pages = [passage(f"doc_{number:02}", 0, ["Everywhere"]) for number in range(40)]
    samples = []
    for tenant, order in (("ten_up", pages), ("ten_down", pages[::-1])):
        graph = index.of(tenant)
        await graph.put(order)
        near = await graph.neighbourhood(await ids(graph, "Everywhere"), passages_per_entity=7)
        samples.append([found.passage_id for found in near.passages])
        assert list(near.frequencies.values()) == [40]
    assert samples[0] == samples[1] and len(samples[0]) == 7


async def test_lists_are_newest_first_and_stable_under_inserts(graph: Graph) -> None:
    await graph.put(
        [passage("doc_a", day, [f"City {day}"], recorded_at=f"2026-01-{day:02}T00:00:00Z") for day in range(1, 8)]
    )
    first = await graph.list_entities("city", 3)
    assert [one.name for one in first] == ["City 7", "City 6", "City 5"]
    await graph.put([passage("doc_b", 0, ["City 99"], recorded_at="2026-02-01T00:00:00Z")])
    rest = await graph.list_entities("city", 10, (first[-1].created_at, first[-1].entity_id))
    assert [one.name for one in rest] == ["City 4", "City 3", "City 2", "City 1"]
    assert [one.name for one in await graph.list_entities("CITY 9", 5)] == ["City 99"]


async def test_what_is_exported_and_written_to_an_empty_graph_is_the_same_graph(
    index: GraphIndex, graph: Graph, tenant: str
) -> None:
    await graph.put([*two_hops(), passage("doc_c", 0, ["Ada", "Acme"], statements=[StatedRelation(0, "leads", 1)])])
    await graph.merge([Merge("Ada", "Ada Lovelace", "manual"), Merge("Turin", "Torino", document_id="doc_b")])
    parts = [part async for part in graph.export()]
    before = [await graph.list_entities("", 50), await graph.size(), await contents(graph)]
    await index.forget_tenant(tenant)
    assert await graph.size() == EMPTY
    for part in [*parts, *parts]:
        await graph.put([one for one in part if isinstance(one, PassageGraph)])
        await graph.merge([one for one in part if isinstance(one, Merge)])
    assert [await graph.list_entities("", 50), await graph.size(), await contents(graph)] == before
