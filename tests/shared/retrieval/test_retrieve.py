"""What retrieval promises, on the embedded index and a small model of meaning."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from shared.embedding.port import Embedded, Purpose
from shared.embedding.sparse import SparseEncoder
from shared.retrieval.retrieve import Mode, Retrieved, retrieve
from shared.retrieval.texts import embedded_text, indexed_words
from shared.types.errors import StoreUnavailable
from shared.types.passage import Passage
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import Point, Vectors

TOPICS = (("dog", "puppy", "hound"), ("car", "vehicle", "engine"), ("sun", "star", "light"))
ENCODER = SparseEncoder()


class Topics:
    """A model that knows three topics: a text's vector says how much it is about each."""

    name, dimensions, languages = "topics", 4, frozenset({"en"})

    def __init__(self) -> None:
        self.away = False

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        return [[text] for text in texts]

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded:
        if self.away:
            raise StoreUnavailable("embedding", "switched off")
        return Embedded(tuple(map(self._vector, texts)), sum(len(text.split()) for text in texts))

    def _vector(self, text: str) -> tuple[float, ...]:
        parts = [0.1, *(float(sum(text.lower().count(word) for word in topic)) for topic in TOPICS)]
        length = math.sqrt(sum(part * part for part in parts))
        return tuple(part / length for part in parts)


TEXTS = (
    ("psg_puppy", "A puppy sleeps most of the day."),
    ("psg_hound", "The hound follows a trail; no dog is better."),
    ("psg_engine", "The engine needs oil."),
    ("psg_code", "Error E-4711 means that the tank is empty."),
)


@pytest.fixture
def model() -> Topics:
    return Topics()


@pytest.fixture
async def vectors(tmp_path: Path, model: Topics) -> AsyncIterator[Vectors]:
    index = EdgeIndex(tmp_path, model.dimensions, model.name)
    vectors = index.of("ten_a")
    passages = [Passage(name, f"doc_{place}", 1, 0, text) for place, (name, text) in enumerate(TEXTS)]
    await add(vectors, model, *passages)
    yield vectors
    await index.close()


async def add(vectors: Vectors, model: Topics, *passages: Passage) -> None:
    made = await model.embed([embedded_text(passage) for passage in passages])
    await vectors.add(
        [
            Point(passage, dense, ENCODER.passage(indexed_words(passage), passage.language))
            for passage, dense in zip(passages, made.vectors, strict=True)
        ]
    )


async def asked(
    question: str,
    model: Topics,
    vectors: Vectors,
    mode: Mode = "hybrid",
    limit: int = 8,
    documents: tuple[str, ...] | None = None,
) -> Retrieved:
    return await retrieve(question, mode, limit, documents, model, ENCODER, vectors)


def names(retrieved: Retrieved) -> list[str]:
    return [found.passage.passage_id for found in retrieved.found]


async def test_what_is_meant_is_found_without_its_words(model: Topics, vectors: Vectors) -> None:
    retrieved = await asked("Which vehicle is it?", model, vectors, limit=1)
    assert names(retrieved) == ["psg_engine"]
    assert retrieved.embedded_tokens == 4
    assert retrieved.degraded == ()


async def test_a_code_that_no_model_knows_is_found_by_its_letters(model: Topics, vectors: Vectors) -> None:
    assert names(await asked("E-4711", model, vectors, limit=1)) == ["psg_code"]


async def test_by_meaning_alone_words_do_not_count(model: Topics, vectors: Vectors) -> None:
    question = "Does the trail of a star need oil?"
    by_meaning = await asked(question, model, vectors, "vector")
    assert by_meaning.found[0].score == pytest.approx(max(found.score for found in by_meaning.found))
    assert names(await asked(question, model, vectors))[0] in ("psg_hound", "psg_engine")
    assert by_meaning.found[0].passage.passage_id == "psg_code"


async def test_without_the_model_words_still_find_and_the_answer_says_so(model: Topics, vectors: Vectors) -> None:
    model.away = True
    for mode in ("hybrid", "vector"):
        retrieved = await asked("Who follows a trail?", model, vectors, mode)
        assert names(retrieved) == ["psg_hound"]
        assert retrieved.degraded == ("vectors",)
        assert retrieved.embedded_tokens == 0


async def test_a_model_that_hangs_is_not_waited_for(
    model: Topics, vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hanging(texts: Sequence[str], purpose: Purpose) -> Embedded:
        return await asyncio.Future()

    monkeypatch.setattr("shared.retrieval.retrieve.EMBEDDING_S", 0.05)
    monkeypatch.setattr(model, "embed", hanging)
    retrieved = await asked("Who follows a trail?", model, vectors)
    assert (names(retrieved), retrieved.degraded) == (["psg_hound"], ("vectors",))


async def test_the_graph_is_answered_by_the_index_and_says_so(model: Topics, vectors: Vectors) -> None:
    graph, hybrid = [await asked("What is a puppy?", model, vectors, mode) for mode in ("graph", "hybrid")]
    assert graph.found == hybrid.found
    assert graph.degraded == ("graph",)


async def test_an_empty_question_finds_nothing(model: Topics, vectors: Vectors) -> None:
    model.away = True  # it is not even asked
    assert await asked("  \n", model, vectors) == Retrieved(())


async def test_only_the_named_documents_are_searched(model: Topics, vectors: Vectors) -> None:
    assert names(await asked("dog", model, vectors, documents=("doc_2",))) == ["psg_engine"]
    assert names(await asked("dog", model, vectors, documents=())) == []


async def test_a_text_that_stands_in_many_documents_is_given_once(model: Topics, vectors: Vectors) -> None:
    copies = [Passage(f"psg_copy_{n}", f"doc_copy_{n}", 1, n, "Dog, dog,  dog. " + " " * n) for n in range(60)]
    await add(vectors, model, *copies)
    retrieved = await asked("dog", model, vectors, limit=4)
    texts = {" ".join(found.passage.text.split()) for found in retrieved.found}
    assert len(texts) == len(retrieved.found) == 4
    assert names(retrieved)[0] == "psg_copy_0"


async def test_where_the_model_does_not_know_the_language_words_decide(model: Topics, vectors: Vectors) -> None:
    german = Passage("psg_german", "doc_g", 1, 0, "Die Kündigungsfrist beträgt drei Monate.", language="de")
    await add(vectors, model, german, *[Passage(f"psg_{n}", f"doc_x{n}", 1, n, f"sun {n}") for n in range(20)])
    question = "Wie lang ist bei einem sun light die Kündigungsfrist?"
    assert names(await asked(question, model, vectors))[0] == "psg_german"


async def test_the_title_is_searched_but_not_part_of_the_text(model: Topics, vectors: Vectors) -> None:
    await add(vectors, model, Passage("psg_titled", "doc_t", 1, 0, "It weighs 3 kg.", "Barometer 12"))
    [found] = (await asked("barometer", model, vectors, limit=1)).found
    assert (found.passage.passage_id, found.passage.text) == ("psg_titled", "It weighs 3 kg.")
