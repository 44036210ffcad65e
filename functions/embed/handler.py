"""Embeds passages and indexes them for search by meaning and by words."""

from array import array

import msgspec

from events.document import DocumentChunked, DocumentEmbedded
from shared.embedding.port import Embedded, EmbeddedParts, Embedding, PartEmbedding
from shared.embedding.sparse import SparseEncoder, settings
from shared.retrieval.sentences import PassageSentences, passage_spans
from shared.retrieval.texts import embedded_text, indexed_words
from shared.stages.stages import StageWork
from shared.types.passage import Passage
from shared.vectors.port import Point, Vectors
from shared.vectors.stored_point import StoredPoint

STAGE_VERSION = (1, settings())

_BATCH = 32
"""How many passages at a time: the most that a crash repeats, and that is held in memory."""


class _Part(msgspec.Struct, frozen=True):
    """A batch's points, how many tokens the model read for them, and the vectors of their sentences."""

    points: list[StoredPoint]
    tokens: int
    sentences: list[PassageSentences] = []


async def handle(
    event: DocumentChunked, work: StageWork, embedding: Embedding, encoder: SparseEncoder, vectors: Vectors
) -> DocumentEmbedded | DocumentChunked:
    passages = msgspec.json.decode(await work.read(event.passages), type=list[Passage])
    _afford(work, passages, embedding)
    batches = [passages[first : first + _BATCH] for first in range(0, len(passages), _BATCH)]
    stored = set(await work.part_names()) if len(batches) > 1 else set[str]()
    done: dict[int, _Part] = {}
    for number, batch in enumerate(batches):
        if str(number) in stored:
            continue
        if done and work.is_late:
            return msgspec.structs.replace(event, continuation=event.continuation + 1)
        done[number] = await _embed(batch, embedding, encoder, vectors)
        if len(batches) > 1:
            await work.write_part(str(number), msgspec.msgpack.encode(done[number]))
    for number, batch in enumerate(batches):
        if number not in done:
            done[number] = await _earlier(number, work, vectors) or await _embed(batch, embedding, encoder, vectors)
    parts = [done[number] for number in range(len(batches))]
    points = [point for part in parts for point in part.points]
    blob = await work.write("points", msgspec.msgpack.encode(points))
    sentences = [one for part in parts for one in part.sentences]
    vectors_blob = await work.write("sentences", msgspec.msgpack.encode(sentences)) if sentences else ""
    await work.erase_parts()
    return DocumentEmbedded(
        origin=event.origin,
        key=work.key,
        points=blob,
        count=len(points),
        tokens=sum(part.tokens for part in parts),
        sentences=vectors_blob,
    )


def _afford(work: StageWork, passages: list[Passage], embedding: Embedding) -> None:
    """Raises `BeyondAllowance`."""
    if work.allowance.is_bounded:
        from shared.estimation.forecast import of_embedding

        work.allowance.check(of_embedding(passages, many_languages=len(embedding.languages) > 1).most)


async def _earlier(number: int, work: StageWork, vectors: Vectors) -> _Part | None:
    """The part of an earlier delivery; the index may have lost its points since."""
    stored = await work.part(str(number))
    if stored is None:
        return None
    part = msgspec.msgpack.decode(stored, type=_Part)
    await vectors.add([point.point() for point in part.points])
    return part


async def _embed(batch: list[Passage], embedding: Embedding, encoder: SparseEncoder, vectors: Vectors) -> _Part:
    made = await _vectors(batch, embedding)
    points = [
        Point(passage, dense, encoder.passage(indexed_words(passage), passage.language))
        for passage, dense in zip(batch, made.whole.vectors, strict=True)
    ]
    await vectors.add(points)
    stored = [StoredPoint(p.passage, array("f", p.dense).tobytes(), p.sparse) for p in points]
    sentences = [PassageSentences(passage.passage_id, parts) for passage, parts in zip(batch, made.parts, strict=False)]
    return _Part(stored, made.whole.tokens, sentences)


async def _vectors(batch: list[Passage], embedding: Embedding) -> EmbeddedParts:
    """The vectors of passages and, where the model gives them from the same reading, of their sentences."""
    texts = [embedded_text(passage) for passage in batch]
    if isinstance(embedding, PartEmbedding):
        return await embedding.embed_parts(texts, [passage_spans(passage) for passage in batch])
    whole: Embedded = await embedding.embed(texts)
    return EmbeddedParts(whole, ())
