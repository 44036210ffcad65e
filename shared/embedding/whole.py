"""Embeds texts that are longer than the model reads: the vector of each is the mean of its windows' vectors."""

import math
from collections.abc import Sequence

from shared.embedding.port import Embedded, Embedding


async def embed_whole(embedding: Embedding, texts: Sequence[str]) -> Embedded:
    """Embeds each text to its end. Raises `StoreUnavailable`."""
    windows = await embedding.windows(texts)
    embedded = await embedding.embed([window for of_text in windows for window in of_text])
    vectors, at = [], 0
    for of_text in windows:
        vectors.append(_mean(embedded.vectors[at : at + len(of_text)], [len(window) for window in of_text]))
        at += len(of_text)
    return Embedded(tuple(vectors), embedded.tokens)


def _mean(vectors: Sequence[tuple[float, ...]], weights: Sequence[int]) -> tuple[float, ...]:
    """The mean by the windows' lengths, of unit length."""
    if len(vectors) == 1:
        return vectors[0]
    total = [
        sum(weight * value for weight, value in zip(weights, values, strict=True))
        for values in zip(*vectors, strict=True)
    ]
    length = math.sqrt(sum(value * value for value in total)) or 1.0
    return tuple(value / length for value in total)
