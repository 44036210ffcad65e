"""Vectors from Ollama: as wide as the index expects, in the order of the texts, or none."""

import math
from collections.abc import AsyncIterator

import pytest

from shared.embedding.models import MODELS, known
from shared.embedding.ollama import BATCH, OllamaEmbedding
from shared.embedding.port import Embedding
from shared.runtime.wiring.settings import Settings
from shared.types.errors import SettingError, StoreUnavailable
from tests.ollama import FakeOllama, Model


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    models = (
        Model("bge-m3", capabilities=("embedding",), width=1024),
        Model("nomic-embed-text", capabilities=("embedding",), width=576),
    )
    async with FakeOllama(*models) as running:
        yield running


@pytest.fixture
async def embedding(fake: FakeOllama) -> AsyncIterator[OllamaEmbedding]:
    made = OllamaEmbedding(fake.url, "bge-m3")
    yield made
    await made.close()


async def test_texts_go_in_batches_and_come_back_in_order(fake: FakeOllama, embedding: OllamaEmbedding) -> None:
    texts = [f"text number {number}" for number in range(2 * BATCH + 3)]
    embedded = await embedding.embed(texts)
    assert [len(body["input"]) for body in fake.asked("/api/embed")] == [BATCH, BATCH, 3]
    last = await embedding.embed(texts[-1:])
    assert embedded.vectors[-1] == last.vectors[0]
    assert embedded.tokens > last.tokens > 0
    for vector in embedded.vectors:
        assert len(vector) == embedding.dimensions == 1024
        assert math.isclose(sum(value * value for value in vector), 1.0, abs_tol=1e-6)


async def test_nothing_embeds_to_nothing(fake: FakeOllama, embedding: OllamaEmbedding) -> None:
    embedded = await embedding.embed([])
    assert (embedded.vectors, embedded.tokens) == ((), 0)
    assert not fake.seen


async def test_a_text_that_json_cannot_carry_is_embedded_all_the_same(embedding: OllamaEmbedding) -> None:
    assert (await embedding.embed(["half a pair \ud800"])).vectors == (await embedding.embed(["half a pair ?"])).vectors


async def test_another_width_under_status_200_is_refused(fake: FakeOllama) -> None:
    wrong = OllamaEmbedding(fake.url, "nomic-embed-text")
    with pytest.raises(StoreUnavailable, match="576 numbers instead of 768"):
        await wrong.embed(["text"])
    await wrong.close()


async def test_a_model_that_is_not_there_is_named_with_what_to_do(fake: FakeOllama) -> None:
    absent = OllamaEmbedding(fake.url, "mxbai-embed-large")
    with pytest.raises(StoreUnavailable, match="ollama pull mxbai-embed-large"):
        await absent.embed(["text"])
    await absent.close()


@pytest.mark.parametrize("trouble", ["reset", "overloaded", "gibberish"])
async def test_trouble_is_a_store_that_is_away(fake: FakeOllama, embedding: OllamaEmbedding, trouble: str) -> None:
    fake.next(trouble)
    with pytest.raises(StoreUnavailable, match="embedding"):
        await embedding.embed(["text"])
    assert len((await embedding.embed(["text"])).vectors) == 1


def test_the_setting_names_a_model_that_is_known() -> None:
    assert Settings.from_environ({}).embedding == "builtin"
    assert Settings.from_environ({"AEGIS_EMBEDDING": "builtin"}).embedding == "builtin"
    assert Settings.from_environ({"AEGIS_EMBEDDING": "ollama:bge-m3"}).embedding == "ollama:bge-m3"
    assert Settings.from_environ({"AEGIS_EMBEDDING": "ollama:bge-m3:567m"}).embedding == "ollama:bge-m3:567m"


@pytest.mark.parametrize("value", ["bge-m3", "ollama:", "ollama:nobody", "openai:ada", "ollama"])
def test_another_setting_refuses_the_start_and_says_what_there_is(value: str) -> None:
    with pytest.raises(SettingError, match=r"AEGIS_EMBEDDING.*ollama:bge-m3"):
        Settings.from_environ({"AEGIS_EMBEDDING": value})


def test_it_is_an_embedding_that_knows_more_languages_than_the_built_in() -> None:
    made: Embedding = OllamaEmbedding("http://127.0.0.1:9", "bge-m3")
    assert made.name == "ollama:bge-m3"
    assert {"de", "en", "ja"} <= made.languages
    assert all(known(name) for name in MODELS)
