"""Embeds texts with a model of an Ollama server."""

import asyncio
import math
from collections.abc import Iterator, Sequence

from shared.embedding.models import MODELS
from shared.embedding.port import Embedded, Purpose
from shared.types.errors import StoreUnavailable
from shared.types.text import replace_surrogates
from shared.upstreams.ollama import OllamaClient
from shared.upstreams.port import UpstreamError

BATCH = 32
"""Texts a call."""

_CALLS = 2
"""Concurrent calls: one that the server works on, one that waits for it."""


class OllamaEmbedding:
    """Embeds with a model of Ollama: one of `MODELS`, with a tag or without."""

    def __init__(self, base_url: str, model: str) -> None:
        self._model = model
        self._known = MODELS[model.partition(":")[0]]
        self._ollama = OllamaClient(base_url, concurrency=_CALLS)
        self._slots = asyncio.Semaphore(_CALLS)

    @property
    def name(self) -> str:
        return f"ollama:{self._model}"

    @property
    def dimensions(self) -> int:
        return self._known.dimensions

    @property
    def languages(self) -> frozenset[str]:
        return self._known.languages

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded:
        """Embeds a text alike for every purpose.

        Raises `StoreUnavailable` when the server is unavailable, has no such model, or another under its name."""
        vectors: list[tuple[float, ...]] = []
        tokens = 0
        for first in range(0, len(texts), BATCH):
            made, read = await self._batch([replace_surrogates(text) for text in texts[first : first + BATCH]])
            vectors += made
            tokens += read
        return Embedded(vectors=tuple(vectors), tokens=tokens)

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        """By characters: the server has the tokenizer, and no token of it is less than a byte."""
        return [list(_windows(text, self._known.window_bytes)) for text in texts]

    async def close(self) -> None:
        await self._ollama.close()

    async def _batch(self, texts: list[str]) -> tuple[list[tuple[float, ...]], int]:
        try:
            async with self._slots:
                vectors, counts = await self._ollama.embed(self._model, texts)
        except UpstreamError as error:
            detail = f"{error}: run `ollama pull {self._model}`" if error.fault == "model_not_found" else str(error)
            raise StoreUnavailable("embedding", detail, error.retry_after or 2) from error
        width = len(vectors[0])
        if width != self.dimensions:
            detail = f"{self._model} gave vectors of {width} numbers instead of {self.dimensions}: pull it again"
            raise StoreUnavailable("embedding", detail, retry_after=60)
        lengths = (math.sqrt(sum(value * value for value in vector)) or 1.0 for vector in vectors)
        units = [tuple(value / length for value in vector) for vector, length in zip(vectors, lengths, strict=True)]
        return units, counts.prompt


def _windows(text: str, most_bytes: int) -> Iterator[str]:
    if len(text.encode(errors="replace")) <= most_bytes:
        yield text
        return
    step = most_bytes // 4  # no character has more than four bytes
    for first in range(0, len(text), step):
        yield text[first : first + step]
