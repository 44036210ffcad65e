"""What was imported into a graph is recorded: a rebuilt graph has it, and a deletion erases it."""

from pathlib import Path

from functions.documents.access import OneDocument
from functions.graph.lines import encode_lines
from functions.graph.merge import ImportedGraph, ImportGraph
from shared.erasure.places import place_of
from shared.graph.port import Merge, PassageGraph
from shared.runtime.rebuild import graph as rebuild_graph
from tests.pipeline.suite import TENANT, Suite
from tests.shared.graph.samples import contents, passage

CANARY = "Quetzalcoatlus"


async def imported(suite: Suite, file: Path, *written: PassageGraph | Merge) -> ImportedGraph:
    file.write_bytes(b"".join(encode_lines([one]) for one in written if isinstance(one, PassageGraph)))
    with file.open("ab") as lines:
        lines.write(encode_lines([one for one in written if isinstance(one, Merge)]))
    answer = await suite.call("graph", "merge", ImportGraph(path=file, size=1, content_hash=""))
    assert isinstance(answer, ImportedGraph)
    return answer


async def test_a_rebuilt_graph_has_what_was_imported_but_for_deleted_documents(
    suite: Suite,
    tmp_path: Path,
) -> None:
    record = await suite.store(f"# {CANARY}\n\nThe {CANARY} flies.")
    graph = suite.services.graph.of(TENANT)
    ours = passage(record.document_id, 0, [CANARY, "Hall"])
    merges = (
        Merge("Hall", "Great Hall", "manual"),
        Merge(CANARY, "Q. northropi", document_id=record.document_id, generation=1),
    )
    answer = await imported(suite, tmp_path / "lines", ours, passage("doc_foreign", 0, ["Hall"]), *merges)
    assert answer == ImportedGraph(passages=2, merges=2, skipped=0)
    before = await contents(graph)
    await suite.services.graph.forget_tenant(TENANT)
    assert await rebuild_graph(suite.services) == {"entities": 2, "relations": 0}
    assert await contents(graph) == before
    await suite.call("documents", "delete", OneDocument(record.document_id))
    recorded = await suite.blobs.names(f"t/{TENANT}/graph/")
    assert all(place_of("blobs", name) for name in recorded)
    assert not [name for name in recorded if CANARY.encode() in await suite.blobs.read(name)]
    for _ in range(2):
        assert [one.name for one in await graph.list_entities("", 10)] == ["Hall"]
        await rebuild_graph(suite.services)
    assert (await imported(suite, tmp_path / "lines", ours)).skipped == 1
