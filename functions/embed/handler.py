"""Makes passages findable by meaning and by words."""

from array import array

import msgspec

from events.document import DocumentChunked, DocumentEmbedded
from shared.embedding.port import Embedding
from shared.embedding.sparse import SparseEncoder, settings
from shared.retrieval.texts import embedded_text, indexed_words
from shared.runtime.stages import StageWork
from shared.types.passage import Passage
from shared.vectors.kept import KeptPoint
from shared.vectors.port import Point, Vectors

CRAFT = (1, settings())

_BATCH = 32
"""Passages at a time: what a crash repeats at most, and what is held in memory."""


async def handle(
    event: DocumentChunked, work: StageWork, embedding: Embedding, encoder: SparseEncoder, vectors: Vectors
) -> DocumentEmbedded:
    passages = msgspec.json.decode(await work.read(event.passages), type=list[Passage])
    kept: list[KeptPoint] = []
    tokens = 0
    for first in range(0, len(passages), _BATCH):
        batch = passages[first : first + _BATCH]
        embedded = await embedding.embed([embedded_text(passage) for passage in batch])
        tokens += embedded.tokens
        points = [
            Point(passage, dense, encoder.passage(indexed_words(passage), passage.language))
            for passage, dense in zip(batch, embedded.vectors, strict=True)
        ]
        await vectors.add(points)
        kept += [KeptPoint(p.passage, array("f", p.dense).tobytes(), p.sparse) for p in points]
    blob = await work.keep("points", msgspec.msgpack.encode(kept))
    return DocumentEmbedded(origin=event.origin, key=work.key, points=blob, count=len(kept), tokens=tokens)
