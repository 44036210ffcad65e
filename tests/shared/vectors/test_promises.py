"""What every vector index promises, whatever its backend."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence

import pytest

from shared.types.passage import Passage
from shared.types.sparse import Sparse
from shared.vectors.port import Point, Query, VectorIndex, Vectors

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIMENSIONS = 8


def unit(*values: float) -> tuple[float, ...]:
    padded = (*values, *([0.0] * (DIMENSIONS - len(values))))
    length = math.sqrt(sum(value * value for value in padded))
    return tuple(value / length for value in padded)


def words(*tokens: int) -> Sparse:
    return Sparse(tuple(tokens), (1.0,) * len(tokens))


def passage(document: str = "doc_a", position: int = 0, *, generation: int = 1, context: str = "Title") -> Passage:
    return Passage(f"psg_{document}_{position}", document, generation, position, f"text {document} {position}", context)


def point(of: Passage, dense: Sequence[float] = (1.0,), tokens: Sequence[int] = (1,)) -> Point:
    return Point(of, unit(*dense), words(*tokens))


def scattered(count: int, seed: int, document: str = "doc_a") -> list[Point]:
    """Points with vectors and words all over the place."""
    draw = random.Random(seed)
    return [
        point(
            passage(document, position),
            [draw.gauss(0, 1) for _ in range(DIMENSIONS)],
            sorted(draw.sample(range(1, 40), 6)),
        )
        for position in range(count)
    ]


BY_MEANING = Query(10, dense=unit(1.0, 0.2))
BY_WORDS = Query(10, sparse=words(1, 2, 3))
BY_BOTH = Query(10, dense=unit(1.0, 0.2), sparse=words(1, 2, 3))
EVERY_QUERY = pytest.mark.parametrize("query", [BY_MEANING, BY_WORDS, BY_BOTH], ids=["meaning", "words", "both"])


async def ids(vectors: Vectors, query: Query) -> list[str]:
    return [found.passage.passage_id for found in await vectors.find(query)]


@EVERY_QUERY
async def test_what_is_added_is_found_as_it_was(index: VectorIndex, query: Query) -> None:
    added = Passage(
        "psg_1", "doc_a", 3, 4, "Größe „42“ 🙂", "Title > Heading", "de", 17, page=2, box=(0.1, 0.25, 1.0, 1 / 3)
    )
    vectors = index.of("ten_a")
    await vectors.add([Point(added, unit(1.0), words(1, 9))])
    [found] = await vectors.find(query)
    assert found.passage == added
    assert found.score > 0


async def test_passages_are_read_by_their_ids_in_the_order_asked_and_of_one_tenant_only(index: VectorIndex) -> None:
    ours, others = index.of("ten_a"), index.of("ten_b")
    first, second, foreign = passage(position=0), passage(position=1), passage(position=2)
    await ours.add([point(first), point(second)])
    await others.add([point(foreign)])
    wanted = [second.passage_id, "psg_unknown", foreign.passage_id, first.passage_id, second.passage_id]
    assert await ours.passages(wanted) == [second, first]
    assert await ours.passages([]) == []


async def test_the_nearest_comes_first(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    near, far = passage(position=0), passage(position=1)
    await vectors.add([point(far, (0.1, 1.0)), point(near, (1.0, 0.1))])
    found = await vectors.find(Query(2, dense=unit(1.0)))
    assert [hit.passage for hit in found] == [near, far]
    assert found[0].score == pytest.approx(unit(1.0, 0.1)[0], abs=1e-5)


async def test_a_rarer_word_weighs_more(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage(position=place), tokens=(1,)) for place in range(5)])
    await vectors.add([point(passage(position=9), tokens=(2,))])
    assert (await ids(vectors, Query(10, sparse=words(1, 2))))[0] == "psg_doc_a_9"


async def test_good_in_both_lists_beats_best_in_one(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add(
        [
            point(passage(position=0), (1.0, 0.0), (9,)),
            point(passage(position=1), (1.0, 0.3), (1, 2)),
            point(passage(position=2), (-1.0, 1.0), (1, 2, 3)),
        ]
    )
    assert (await ids(vectors, Query(3, dense=unit(1.0), sparse=words(1, 2, 3))))[0] == "psg_doc_a_1"


async def test_meaning_weighs_as_much_as_it_is_told(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage(position=0), (1.0, 0.0), (9,)), point(passage(position=1), (0.0, 1.0), (1,))])
    by_weight = {
        weight: await ids(vectors, Query(1, dense=unit(1.0), sparse=words(1), dense_weight=weight))
        for weight in (0.0, 0.1)
    }
    assert by_weight == {0.0: ["psg_doc_a_1"], 0.1: ["psg_doc_a_1"]}
    assert await ids(vectors, Query(1, dense=unit(1.0), dense_weight=0.1)) == ["psg_doc_a_0"]


@EVERY_QUERY
async def test_another_tenant_never_sees_it(index: VectorIndex, query: Query) -> None:
    await index.of("ten_a").add([point(passage())])
    assert await index.of("ten_b").find(query) == []
    assert await index.of("ten_b").count() == 0
    await index.of("ten_b").forget("doc_a", 99)
    assert await index.of("ten_a").count() == 1


async def test_two_tenants_keep_the_same_passage_apart(index: VectorIndex) -> None:
    for tenant in ("ten_a", "ten_b"):
        await index.of(tenant).add([point(passage())])
    await index.of("ten_a").forget("doc_a", 1)
    assert (await index.of("ten_a").count(), await index.of("ten_b").count()) == (0, 1)


async def test_no_tenant_is_not_every_tenant(index: VectorIndex) -> None:
    with pytest.raises(ValueError, match="tenant"):
        index.of("")


@EVERY_QUERY
async def test_uploads_of_another_tenant_change_neither_order_nor_score(index: VectorIndex, query: Query) -> None:
    await index.of("ten_a").add(scattered(60, seed=1))
    before = await index.of("ten_a").find(query)
    await index.of("ten_b").add(scattered(500, seed=2))
    assert await index.of("ten_a").find(query) == before
    assert len(before) == 10


async def test_the_same_passage_twice_is_one_the_later(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage(), (1.0, 0.0))])
    await vectors.add([point(passage(), (0.0, 1.0))])
    assert await vectors.count() == 1
    [found] = await vectors.find(Query(5, dense=unit(0.0, 1.0)))
    assert found.score == pytest.approx(1.0, abs=1e-5)


async def test_a_late_delivery_of_an_earlier_epoch_replaces_nothing(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage(generation=2))])
    await vectors.add([point(passage(generation=1))])
    await vectors.forget("doc_a", 1)
    [found] = await vectors.find(BY_MEANING)
    assert found.passage.generation == 2


async def test_forgetting_erases_up_to_its_epoch_and_no_other_document(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    for place, generation in enumerate((1, 2, 3)):
        await vectors.add([point(passage(position=place, generation=generation))])
    await vectors.add([point(passage("doc_b"))])
    await vectors.forget("doc_a", 2)
    assert sorted(await ids(vectors, BY_WORDS)) == ["psg_doc_a_2", "psg_doc_b_0"]
    assert (await vectors.count(), await vectors.count("doc_a"), await vectors.count("doc_c")) == (2, 1, 0)


async def test_what_was_forgotten_no_longer_counts_for_a_words_rarity(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add(scattered(30, seed=1))
    before = await vectors.find(BY_WORDS)
    await vectors.add(scattered(30, seed=2, document="doc_b"))
    await vectors.forget("doc_b", 1)
    assert await vectors.find(BY_WORDS) == before


@EVERY_QUERY
async def test_only_the_named_documents_are_searched(index: VectorIndex, query: Query) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage(document)) for document in ("doc_a", "doc_b", "doc_c")])

    async def documents(*named: str) -> set[str]:
        found = await vectors.find(Query(10, query.dense, query.sparse, document_ids=named))
        return {hit.passage.document_id for hit in found}

    assert await documents("doc_a", "doc_c", "doc_x") == {"doc_a", "doc_c"}
    assert await documents("doc_x") == set()
    assert await documents() == set()


async def test_a_question_without_words_or_meaning_finds_nothing(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage())])
    assert await vectors.find(Query(5)) == []
    assert await vectors.find(Query(5, sparse=words())) == []


async def test_a_passage_without_a_single_word_is_found_by_meaning(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage(), tokens=())])
    assert await ids(vectors, BY_BOTH) == ["psg_doc_a_0"]


@pytest.mark.parametrize("limit", [3, 20])
@EVERY_QUERY
async def test_equal_scores_are_ordered_by_title_and_place(index: VectorIndex, query: Query, limit: int) -> None:
    same = [passage(f"doc_{name}", place, context=f"Title {9 - name}") for name in range(6) for place in range(30)]
    expected = [hit.passage_id for hit in sorted(same, key=lambda it: (it.context, it.position))][:limit]
    for tenant, seed in (("ten_a", 1), ("ten_b", 2)):
        vectors = index.of(tenant)
        arrival = random.Random(seed).sample(same, len(same))
        await vectors.add([point(one) for one in arrival])
        assert await ids(vectors, Query(limit, query.dense, query.sparse)) == expected


@EVERY_QUERY
async def test_a_longer_list_begins_like_a_shorter_one(index: VectorIndex, query: Query) -> None:
    vectors = index.of("ten_a")
    await vectors.add(scattered(100, seed=3))
    assert (await ids(vectors, Query(10, query.dense, query.sparse)))[:4] == await ids(
        vectors, Query(4, query.dense, query.sparse)
    )


async def test_searches_are_answered_while_passages_are_added(index: VectorIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add([point(passage("doc_z"), (1.0,))])
    adding = asyncio.create_task(vectors.add(scattered(2000, seed=4)))
    answered = 0
    while not adding.done():
        found = await vectors.find(Query(1, dense=unit(1.0)))
        assert found[0].score == pytest.approx(1.0, abs=1e-3)
        answered += 1
    await adding
    assert answered > 20
    assert await vectors.count() == 2001


async def test_reopening_keeps_everything(backend: Callable[[], VectorIndex]) -> None:
    first = backend()
    await first.of("ten_a").add(scattered(50, seed=5))
    before = await first.of("ten_a").find(BY_BOTH)
    await first.close()
    again = backend()
    await again.prepare()
    assert await again.of("ten_a").find(BY_BOTH) == before
    await again.close()


async def test_preparing_twice_changes_nothing(index: VectorIndex) -> None:
    await index.of("ten_a").add([point(passage())])
    await index.prepare()
    await index.ping()
    assert await index.of("ten_a").count() == 1
