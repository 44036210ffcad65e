"""Embedding models on ONNX Runtime: loaded once, run in threads on small batches of texts of similar length."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.embedding.port import Embedded, EmbeddedParts, Purpose, Spans
from shared.processes.cpu_threads import run_short
from shared.types.text import replace_surrogates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

    Floats = NDArray[np.float32]

BATCH = 4
BATCH_TOKENS = 256
"""On a CPU a larger batch is slower for long texts: four short sentences go together, a full passage goes alone."""

_TURN = 8
"""Texts that are embedded in one piece, within a few tenths of a second."""

_MOST_CHARACTERS = 64 * 1024
"""Far more than the tokens of a window have; what follows would be taken apart in vain."""

INPUT_TYPES = dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), "tensor(int64)")
"""The inputs that a model may have."""


class LoadedModel(NamedTuple):
    """`tokenizer` truncates at what the model reads; `cutter` at that less the longest prompt. `inputs` are the names
    and element types that the model has, `output` is the place of its token states among its outputs."""

    tokenizer: "Tokenizer"
    cutter: "Tokenizer"
    infer: Callable[[None, dict[str, Any]], list[Any]]
    inputs: Mapping[str, str] = INPUT_TYPES
    output: int = 0
    pad_id: int = 0

    def states(self, rows: Sequence[Sequence[int]]) -> "Floats":
        import numpy as np

        ids = np.full((len(rows), max(map(len, rows))), self.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        inputs = {
            name: made[name].astype(np.int32) if kind == "tensor(int32)" else made[name]
            for name, kind in self.inputs.items()
        }
        states: Floats = self.infer(None, inputs)[self.output]
        return states


class OnnxModel(ABC):
    """An embedding model, loaded at its first use, and safe to share between threads."""

    def __init__(self, threads: int | None = None) -> None:
        """`threads` for one text, by default one per core and at most 2."""
        self._threads = threads or min(2, os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._loaded: LoadedModel | None = None

    @property
    @abstractmethod
    def longest(self) -> int:
        """Tokens of a text that the model reads at once."""

    @abstractmethod
    def _load(self) -> LoadedModel: ...

    def _prompted(self, text: str, purpose: Purpose) -> str:
        """What the model reads for a text."""
        return text

    def _pooled(self, tokens: "Floats") -> "Floats":
        """The text's vector, of unit length, from the states of its tokens."""
        return unit(tokens.mean(axis=0, dtype="float32"))

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded:
        """Embeds the texts in threads, a few at a time: other callers take turns with it, and it can be cancelled."""
        return (await self._embed_in_turns(texts, [()] * len(texts), purpose)).whole

    async def embed_parts(self, texts: Sequence[str], spans: Sequence[Spans]) -> EmbeddedParts:
        """Embeds passages and their parts; a part's vector is the mean of its tokens' states within the whole text."""
        return await self._embed_in_turns(texts, spans, "passage")

    async def _embed_in_turns(self, texts: Sequence[str], spans: Sequence[Spans], purpose: Purpose) -> EmbeddedParts:
        made = [
            await run_short(self._embed, texts[first : first + _TURN], spans[first : first + _TURN], purpose)
            for first in range(0, len(texts), _TURN)
        ]
        vectors = tuple(vector for one in made for vector in one.whole.vectors)
        tokens = sum(one.whole.tokens for one in made)
        return EmbeddedParts(Embedded(vectors, tokens), tuple(parts for one in made for parts in one.parts))

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        return [await run_short(self._windows, text) if len(text) > self.longest // 4 else [text] for text in texts]

    def load(self) -> None:
        """Loads the model now instead of at the first call, so that a process is warm before it reports ready."""
        self.model()

    def model(self) -> LoadedModel:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded

    def run(self, texts: Sequence[str]) -> Iterator[tuple[list[tuple[int, "Encoding"]], "Floats"]]:
        """Batches of (place in `texts`, encoding) with the model's states of shape (batch, tokens, dimensions)."""
        if not texts:
            return
        model = self.model()
        encodings = [model.tokenizer.encode(replace_surrogates(text[:_MOST_CHARACTERS])) for text in texts]
        for batch in _batches(encodings):
            yield batch, model.states([encoding.ids for _, encoding in batch])

    def _windows(self, text: str) -> list[str]:
        """Pieces of at most what the model reads; one that begins within a word may have more tokens than before, and
        is divided again."""
        if len(text) > _MOST_CHARACTERS:
            pieces = [text[first : first + _MOST_CHARACTERS] for first in range(0, len(text), _MOST_CHARACTERS)]
        else:
            encoding = self.model().cutter.encode(replace_surrogates(text))
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

    def _embed(self, texts: Sequence[str], spans: Sequence[Spans], purpose: Purpose) -> EmbeddedParts:
        """Only the vectors: a text's states, a thousand times as large, are dropped with its batch."""
        vectors: list[tuple[float, ...]] = [()] * len(texts)
        parts: list[tuple[bytes, ...]] = [()] * len(texts)
        tokens = 0
        prompted = [self._prompted(text, purpose) for text in texts]
        for batch, hidden in self.run(prompted):
            for (place, encoding), states in zip(batch, hidden, strict=True):
                read = states[: len(encoding.ids)]
                vectors[place] = tuple(map(float, self._pooled(read).tolist()))
                prompt = len(prompted[place]) - len(texts[place])
                shifted = [(start + prompt, end + prompt) for start, end in spans[place]]
                parts[place] = part_vectors(read, encoding.offsets, shifted)
                tokens += len(encoding.ids)
        return EmbeddedParts(Embedded(tuple(vectors), tokens), tuple(parts))


def part_vectors(states: "Floats", offsets: Sequence[tuple[int, int]], spans: Spans) -> tuple[bytes, ...]:
    """The mean of the states of the tokens that start within each span, of unit length, as signed bytes."""
    import numpy as np

    starts = np.array([start if end > start else -1 for start, end in offsets])
    made = []
    for start, end in spans:
        inside = states[(starts >= start) & (starts < end)]
        vector = unit(inside.mean(axis=0, dtype="float32")) if len(inside) else np.zeros(0)
        made.append(np.rint(vector * 127).astype(np.int8).tobytes())
    return tuple(made)


def unit(vector: "Floats") -> "Floats":
    import numpy as np

    scaled: Floats = vector / (np.linalg.norm(vector) or 1.0)
    return scaled


def open_session(weights: bytes | Path, threads: int) -> "InferenceSession":
    # Without this the runtime writes to the home folder and sends telemetry. It is read once, at the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A spinning thread takes the core from the process's other work between two batches.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = weights if isinstance(weights, bytes) else str(weights)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def open_tokenizer(content: str, longest: int) -> "Tokenizer":
    """Raises whatever the library raises for a text that is no tokenizer."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(content)
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
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
