"""Reads a sentence-transformers model exported to ONNX, in the folder layout of the model hub.

modules.json                       which modules there are, and their folders
model.onnx or onnx/model.onnx      the transformer
tokenizer.json
sentence_bert_config.json          `max_seq_length`
1_Pooling/config.json              how token states become one vector, and its width
config_sentence_transformers.json  `prompts` for questions and passages
README.md                          its head names the `language` of the model; may be absent
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

from msgspec import Struct

from shared.embedding.models import ENGLISH, MULTILINGUAL
from shared.embedding.port import Purpose
from shared.types.errors import SettingError

Pooling = Literal["cls", "mean", "max", "lasttoken"]

_PROMPTS: Mapping[Purpose, Sequence[str]] = {"question": ("query",), "passage": ("passage", "document", "corpus")}
_NO_PROMPTS = """is missing: write {"prompts": {}} for a model without prompts, or for one of the e5 family \
{"prompts": {"query": "query: ", "passage": "passage: "}}"""
_ROBERTA = frozenset({"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "mpnet"})
"""Models whose first two positions are not for tokens."""

_LARGE_VOCABULARY = 100_000
"""Tokenizers for one language have about 30,000 tokens, those for many 120,000 and more."""


class OnnxExport(Struct, frozen=True):
    """What the files say. `weights` is the file of the transformer, `prompts` go before a text."""

    folder: Path
    weights: Path
    tokenizer: Path
    dimensions: int
    longest: int
    pooling: Pooling
    prompts: dict[Purpose, str]
    lower_case: bool
    languages: frozenset[str] | None

    @classmethod
    def read(cls, folder: Path) -> "OnnxExport":
        """Raises `SettingError` that names the file at fault."""
        if not folder.is_dir():
            raise SettingError(f"AEGIS_EMBEDDING: {folder} is no folder")
        modules = _modules(folder)
        root = folder / modules["Transformer"]
        pooling_file = folder / modules["Pooling"] / "config.json"
        pooling = _object(pooling_file)
        bert = _object(_first(root, folder, "sentence_bert_config.json"))
        return cls(
            folder,
            _weights(root, folder),
            _first(root, folder, "tokenizer.json"),
            _whole(pooling_file, pooling, "word_embedding_dimension", "embedding_dimension"),
            _longest(root, bert),
            _pooling(pooling_file, pooling),
            _prompts(folder / "config_sentence_transformers.json"),
            bert.get("do_lower_case") is True,
            _stated_languages(folder / "README.md"),
        )

    def digest(self) -> str:
        """Identifies what vectors depend on: weights, tokenizer, pooling, length, prompts."""
        made = hashlib.sha256()
        beside = sorted(self.weights.parent.glob(f"{self.weights.name}[._]data"))  # weights above 2 GB
        for path in (self.weights, *beside, self.tokenizer):
            with path.open("rb") as file:
                made.update(hashlib.file_digest(file, "sha256").digest())
        settings = [self.dimensions, self.longest, self.pooling, sorted(self.prompts.items()), self.lower_case]
        made.update(json.dumps(settings).encode())
        return made.hexdigest()[:16]

    def languages_for(self, vocabulary: int) -> frozenset[str]:
        """The languages of the model's card; where it names none, the size of the vocabulary tells."""
        return self.languages or (MULTILINGUAL if vocabulary >= _LARGE_VOCABULARY else ENGLISH)


def fault(path: Path, detail: str) -> SettingError:
    return SettingError(f"AEGIS_EMBEDDING: {path} {detail}")


def _object(path: Path) -> dict[str, Any]:
    read = _json(path)
    if not isinstance(read, dict):
        raise fault(path, "holds no JSON object")
    return read


def _json(path: Path, missing: str = "is missing") -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise fault(path, missing) from None
    except (OSError, ValueError) as error:
        raise fault(path, f"cannot be read: {error}") from error


def _modules(folder: Path) -> dict[str, str]:
    """Folder of each module by its kind, such as `Pooling`."""
    path = folder / "modules.json"
    listed = _json(path)
    try:
        modules = {str(module["type"]).rpartition(".")[2]: str(module["path"]) for module in listed}
    except (TypeError, KeyError):
        raise fault(path, "is no list of modules with `type` and `path`") from None
    for kind in ("Transformer", "Pooling"):
        if kind not in modules:
            raise fault(path, f"has no module {kind}")
    if unknown := sorted(modules.keys() - {"Transformer", "Pooling", "Normalize"}):
        raise fault(path, f"has the module {unknown[0]}; Transformer, Pooling and Normalize are supported")
    for inside in modules.values():
        if not (folder / inside).resolve().is_relative_to(folder.resolve()):
            raise fault(path, f"has the path {inside!r}, which is outside the folder")
    return modules


def _first(root: Path, folder: Path, name: str) -> Path:
    """The file in the transformer's folder or in the model's."""
    found = next((path for path in (root / name, folder / name) if path.is_file()), None)
    if found is None:
        raise fault(root / name, "is missing")
    return found


def _weights(root: Path, folder: Path) -> Path:
    folders = list(dict.fromkeys((root, root / "onnx", folder, folder / "onnx")))
    for inside in folders:
        if (inside / "model.onnx").is_file():
            return inside / "model.onnx"
    others = [path for inside in folders for path in sorted(inside.glob("*.onnx"))]
    if len(others) == 1:
        return others[0]
    if others:
        raise fault(folder, f"has {', '.join(path.name for path in others)}: name the one to use model.onnx")
    raise fault(folder, "has no model.onnx, nor onnx/model.onnx")


def _whole(path: Path, read: Mapping[str, Any], *names: str) -> int:
    value = next((read[name] for name in names if name in read), None)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise fault(path, f"has no whole number `{names[0]}`")
    return value


def _longest(root: Path, bert: Mapping[str, Any]) -> int:
    """`max_seq_length`; where it is not given, the tokenizer's length, else the positions of the transformer."""
    if bert.get("max_seq_length") is not None:
        longest = _whole(root / "sentence_bert_config.json", bert, "max_seq_length")
    elif (path := root / "tokenizer_config.json").is_file() and 0 < _number(_object(path), "model_max_length") < 1e6:
        longest = int(_number(_object(path), "model_max_length"))
    elif (path := root / "config.json").is_file():
        config = _object(path)
        positions = _whole(path, config, "max_position_embeddings")
        longest = positions - 2 if config.get("model_type") in _ROBERTA else positions
    else:
        raise fault(root / "sentence_bert_config.json", "has no `max_seq_length`")
    if longest < 16:
        raise fault(root / "sentence_bert_config.json", f"has texts of {longest} tokens; at least 16 are needed")
    return longest


def _number(read: Mapping[str, Any], name: str) -> float:
    value = read.get(name)
    return value if isinstance(value, int | float) else 0.0


def _pooling(path: Path, read: Mapping[str, Any]) -> Pooling:
    named = read.get("pooling_mode")
    modes = [named] if named else [name for name, value in read.items() if name.startswith("pooling_mode_") and value]
    known = [re.sub(r"^pooling_mode_|_tokens?$", "", str(mode)) for mode in modes]  # "pooling_mode_mean_tokens"
    if len(known) != 1 or known[0] not in get_args(Pooling):
        raise fault(path, f"pools by {', '.join(known) or 'nothing'}; one of {', '.join(get_args(Pooling))} is needed")
    if read.get("include_prompt", True) is not True:
        raise fault(path, "leaves the prompt out (`include_prompt`), which is not supported")
    return cast(Pooling, known[0])


def _prompts(path: Path) -> dict[Purpose, str]:
    read = _json(path, _NO_PROMPTS)
    prompts = read.get("prompts") if isinstance(read, dict) else None
    default = read.get("default_prompt_name") if isinstance(read, dict) else None
    if prompts is None:
        prompts = {}
    if not isinstance(prompts, dict) or not all(isinstance(prompt, str) for prompt in prompts.values()):
        raise fault(path, "has no object of texts as `prompts`")
    if default is not None and default not in prompts:
        raise fault(path, f"names the prompt {default!r}, which it does not have")
    return {
        purpose: next((prompts[name] for name in (*names, default) if name in prompts), "")
        for purpose, names in _PROMPTS.items()
    }


def _stated_languages(card: Path) -> frozenset[str] | None:
    """`language` in the head of the model's card."""
    import yaml

    try:
        _, head, _ = card.read_text("utf-8").split("---\n", 2)
        read = yaml.safe_load(head)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    stated = read.get("language") if isinstance(read, dict) else None
    # YAML reads the code `no` as false.
    codes = {"no" if code is False else str(code) for code in (stated if isinstance(stated, list) else [stated])}
    codes.discard("None")
    many = MULTILINGUAL if "multilingual" in codes else frozenset[str]()
    return (many | codes) - {"multilingual"} or None
