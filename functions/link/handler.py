"""Writes the entities of a document's passages and sentences into the graph."""

import msgspec

from events.document import DocumentChunked, DocumentEmbedded, DocumentExtracted, DocumentLinked
from shared.extraction.entities import PassageEntities, passage_graphs
from shared.graph.absent import AbsentGraph
from shared.graph.port import Graph, PassageGraph
from shared.processes.cpu_threads import run_long
from shared.records.records import TenantRecords
from shared.retrieval.sentences import PassageSentences
from shared.stages.stages import StageWork
from shared.types.passage import Passage

STAGE_VERSION = 1

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
    passages = await run_long(
        origin.tenant_id,
        _graphs,
        await work.read(chunked.passages),
        await work.read(extracted.entities),
        await work.read(embedded.sentences) if embedded.sentences else b"",
        f"{record.created_at:%Y-%m-%dT%H:%M:%SZ}" if record else "",
    )
    blob = await work.write("graph", msgspec.msgpack.encode(passages))
    if not isinstance(graph, AbsentGraph):  # a cluster may have none
        for first in range(0, len(passages), _BATCH):
            await graph.put(passages[first : first + _BATCH])
    return DocumentLinked(origin=origin, key=work.key, graph=blob, count=extracted.count)


def _graphs(passages: bytes, found: bytes, sentences: bytes, recorded_at: str) -> list[PassageGraph]:
    entities = msgspec.msgpack.decode(found, type=list[PassageEntities])
    vectors = msgspec.msgpack.decode(sentences, type=list[PassageSentences]) if sentences else []
    return passage_graphs(
        msgspec.json.decode(passages, type=list[Passage]),
        {one.passage_id: one for one in entities},
        {one.passage_id: one.vectors for one in vectors},
        recorded_at,
    )
