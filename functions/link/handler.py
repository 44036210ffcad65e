"""Writes the entities of a document's passages and sentences into the graph."""

import msgspec

from events.document import DocumentChunked, DocumentEmbedded, DocumentExtracted, DocumentLinked
from shared.extraction.entities import PassageEntities, document_graph
from shared.graph.port import DocumentGraph, Graph
from shared.processes.cpu_threads import run_long
from shared.records.records import TenantRecords
from shared.retrieval.sentences import PassageSentences
from shared.stages.stages import StageWork
from shared.types.passage import Passage

STAGE_VERSION = 2

_BATCH = 64
"""Passages of one transaction."""


async def handle(
    event: DocumentEmbedded | DocumentExtracted, work: StageWork, records: TenantRecords, graph: Graph
) -> DocumentLinked:
    """Runs when the document is both embedded and extracted; `event` is the later of the two."""
    origin = event.origin
    chunked = await records.outcome(origin.document_id, origin.generation, "chunk", DocumentChunked)
    embedded = await records.outcome(origin.document_id, origin.generation, "embed", DocumentEmbedded)
    extracted = await records.outcome(origin.document_id, origin.generation, "extract", DocumentExtracted)
    assert chunked and embedded and extracted  # a join runs after all of its branches
    record = await records.generation(origin.document_id, origin.generation)
    written = await run_long(
        origin.tenant_id,
        _graph,
        await work.read(chunked.passages),
        await work.read(extracted.entities),
        await work.read(embedded.sentences) if embedded.sentences else b"",
        f"{record.created_at:%Y-%m-%dT%H:%M:%SZ}" if record else "",
    )
    blob = await work.write("graph", msgspec.msgpack.encode(written))
    for first in range(0, len(written.passages), _BATCH):
        await graph.put(written.passages[first : first + _BATCH])
    await graph.merge(written.merges)
    return DocumentLinked(origin=origin, key=work.key, graph=blob, count=extracted.count)


def _graph(passages: bytes, found: bytes, sentences: bytes, recorded_at: str) -> DocumentGraph:
    entities = msgspec.msgpack.decode(found, type=list[PassageEntities])
    vectors = msgspec.msgpack.decode(sentences, type=list[PassageSentences]) if sentences else []
    return document_graph(
        msgspec.json.decode(passages, type=list[Passage]),
        {one.passage_id: one for one in entities},
        {one.passage_id: one.vectors for one in vectors},
        recorded_at,
    )
