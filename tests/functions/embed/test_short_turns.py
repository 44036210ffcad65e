"""A long text is embedded in short turns: each delivery goes on where the one before gave way."""

from collections.abc import Sequence

import msgspec

from events.document import DocumentChunked, DocumentEmbedded
from functions.embed.handler import handle
from shared.embedding.port import Embedded, Purpose
from shared.embedding.sparse import SparseEncoder
from shared.stages.resume import origin_of
from shared.stages.stages import StageWork
from shared.types.passage import Found, Passage
from shared.vectors.port import Point, Query
from tests.pipeline.suite import TENANT, Suite


class CountingModel:
    name = "of this test"
    dimensions = 2
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        return [[text] for text in texts]

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded:
        self.texts += texts
        return Embedded(tuple((1.0, 0.0) for _ in texts), len(texts))


class StoredPoints:
    def __init__(self) -> None:
        self.added: dict[str, Point] = {}

    async def add(self, points: Sequence[Point]) -> None:
        self.added |= {point.passage.passage_id: point for point in points}

    async def find(self, query: Query) -> list[Found]:
        raise NotImplementedError

    async def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        raise NotImplementedError

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        raise NotImplementedError

    async def count(self, document_id: str | None = None) -> int:
        return len(self.added)


async def test_it_ends_early_after_each_batch_and_embeds_none_twice(suite: Suite) -> None:
    record = await suite.store()
    origin = origin_of(record, TENANT)
    passages = [Passage(f"psg_{n}", record.document_id, 1, n, f"text number {n}") for n in range(100)]
    blob = await suite.records.write(record.document_id, 1, "passages", msgspec.json.encode(passages))
    event = DocumentChunked(origin=origin, key="chunked", passages=blob, count=100)
    model, points, deliveries = CountingModel(), StoredPoints(), 0
    turn = StageWork("k", suite.records, origin, ends_early=lambda: True)
    while True:
        deliveries += 1
        outcome = await handle(event, turn, model, SparseEncoder(), points)
        if isinstance(outcome, DocumentEmbedded):
            break
        assert outcome == msgspec.structs.replace(event, continuation=event.continuation + 1)
        event = outcome
        points.added.clear()
    assert deliveries == 4
    assert len(model.texts) == 100
    assert (outcome.count, outcome.tokens, len(points.added)) == (100, 100, 100)
