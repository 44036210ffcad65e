"""From passages to the graph: `extract` finds the entities and `link` writes them, once the sentences have vectors."""

from collections.abc import Sequence

import msgspec
import pytest

from events.document import DocumentChunked, DocumentEmbedded, DocumentExtracted, Origin
from functions.extract.handler import handle as extract
from functions.link.handler import handle as link
from shared.access.accounts import Accounts
from shared.graph.absent import AbsentGraph
from shared.graph.port import DocumentGraph, Mention, PassageGraph
from shared.records.outcomes import stored_outcome
from shared.records.structs import GraphMode, StageRecord, TenantSettings
from shared.retrieval.sentences import PassageSentences
from shared.stages.resume import origin_of
from shared.stages.stages import StageWork
from shared.types.clock import now
from shared.types.passage import Passage
from tests.pipeline.suite import TENANT, Suite

TEXTS = ("Ada Lovelace met Charles Babbage in London.", "it rains.", "Babbage lived in London.")


class _Chosen:
    """Accounts of which only the settings are asked."""

    def __init__(self, graph: GraphMode) -> None:
        self._settings = TenantSettings(graph=graph)

    async def settings(self, tenant_id: str) -> TenantSettings:
        return self._settings


async def chunked(suite: Suite, texts: Sequence[str]) -> tuple[Origin, DocumentChunked]:
    record = await suite.store()
    passages = [Passage(f"psg_{n}", record.document_id, 1, n, text) for n, text in enumerate(texts)]
    blob = await suite.records.write(record.document_id, 1, "passages", msgspec.json.encode(passages))
    origin = origin_of(record, TENANT)
    return origin, DocumentChunked(origin=origin, key="c", passages=blob, count=len(passages))


async def record_end(suite: Suite, stage: str, event: DocumentChunked | DocumentEmbedded | DocumentExtracted) -> None:
    ended = StageRecord(stage, event.key, "done", 1, now(), now(), event=stored_outcome(event))
    await suite.records.write_stage(event.origin.document_id, 1, ended)


async def extracted(
    suite: Suite, graph: GraphMode = "entities", texts: Sequence[str] = TEXTS
) -> tuple[DocumentExtracted, DocumentEmbedded]:
    origin, event = await chunked(suite, texts)
    accounts: Accounts = _Chosen(graph)  # type: ignore[assignment]
    found = await extract(event, StageWork("x", suite.records, origin), accounts)
    vectors = [PassageSentences(f"psg_{n}", (b"", bytes([n]))) for n in range(len(texts))]
    blob = await suite.records.write(origin.document_id, 1, "sentences", msgspec.msgpack.encode(vectors))
    embedded = DocumentEmbedded(origin=origin, key="e", points="", count=3, tokens=9, sentences=blob)
    for stage, outcome in (("chunk", event), ("embed", embedded), ("extract", found)):
        await record_end(suite, stage, outcome)
    return found, embedded


async def test_the_entities_of_passages_are_in_the_graph_with_the_vectors_of_their_sentences(suite: Suite) -> None:
    found, embedded = await extracted(suite)
    graph = suite.services.graph.of(TENANT)
    for event in (found, embedded):  # whichever is later
        linked = await link(event, StageWork("l", suite.records, event.origin), suite.records, graph)
        assert (found.count, linked.count) == (4, 4)
    ids = await graph.find(["London", "Ada Lovelace", "Rain"])
    assert ids.keys() == {"London", "Ada Lovelace"}
    near = await graph.neighbourhood([ids["London"]], passages_per_entity=9, with_sentences=True)
    assert [one.passage_id for one in near.passages] == ["psg_0", "psg_2"]
    assert [sentence.vector for one in near.passages for sentence in one.sentences] == [b"\0", b"\2"]
    stored = msgspec.msgpack.decode(await suite.records.read(linked.graph), type=DocumentGraph)
    assert [one.passage_id for one in stored.passages] == ["psg_0", "psg_2"], "from these it is rebuilt"


async def test_a_short_form_that_a_document_writes_out_is_the_same_entity_as_long_as_it_does(suite: Suite) -> None:
    graph = suite.services.graph.of(TENANT)
    await graph.put([PassageGraph("psg_x", "doc_x", 1, 0, (Mention("WHO"), Mention("World Health Organization")))])
    found, _ = await extracted(suite, texts=("The World Health Organization (WHO) is in Geneva.",))
    await link(found, StageWork("l", suite.records, found.origin), suite.records, graph)
    assert len(set((await graph.find(["WHO", "World Health Organization"])).values())) == 1
    await graph.forget(found.origin.document_id, 1)
    assert len(set((await graph.find(["WHO", "World Health Organization"])).values())) == 2


@pytest.mark.parametrize("mode", ["off"])
async def test_a_tenant_that_wants_no_graph_gets_none(suite: Suite, mode: GraphMode) -> None:
    found, _ = await extracted(suite, mode)
    graph = suite.services.graph.of(TENANT)
    linked = await link(found, StageWork("l", suite.records, found.origin), suite.records, graph)
    assert (found.count, linked.count) == (0, 0)
    assert (await graph.size()).entities == 0


async def test_a_cluster_without_a_graph_links_nothing_and_goes_on(suite: Suite) -> None:
    found, _ = await extracted(suite)
    linked = await link(found, StageWork("l", suite.records, found.origin), suite.records, AbsentGraph())
    assert linked.count == 4
