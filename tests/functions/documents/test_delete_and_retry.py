"""A deleted document is gone for everybody at once and for good; a retried one runs only what it has to."""

import asyncio
from typing import Any

import pytest

from functions.documents.access import OneDocument
from functions.documents.change import Change
from functions.documents.list import ListDocuments
from functions.documents.retry import Retry
from shared.records.records import PlatformRecords, TenantRecords
from shared.records.structs import DocumentRecord
from shared.redis.leases import stage_lease
from shared.stages.stages import StageWork
from shared.types.errors import Conflict, Forbidden, InvalidRequest, NotFound, Rejected, StoreUnavailable
from shared.types.passage import Passage
from shared.types.sparse import Sparse
from shared.vectors.edge import _TenantVectors
from shared.vectors.port import Point, Query
from tests.pipeline.suite import TENANT, Suite

DENSE = (1.0, 0.0, 0.0, 0.0)


async def ready(suite: Suite, text: str = "a text") -> DocumentRecord:
    """A document that is ready, with one passage in the index."""
    record = await suite.upload(text)
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"
    return record


async def index(suite: Suite, record: DocumentRecord) -> None:
    passage = Passage(
        f"psg_{record.document_id}_{record.generation}", record.document_id, record.generation, 0, "a text"
    )
    await suite.services.vectors.of(TENANT).add([Point(passage, DENSE, Sparse((1,), (1.0,)))])


async def indexed(suite: Suite, record: DocumentRecord) -> list[int]:
    """Lives of the document that the index still holds passages of."""
    found = await suite.services.vectors.of(TENANT).find(Query(10, dense=DENSE))
    return [one.passage.generation for one in found if one.passage.document_id == record.document_id]


async def delete(suite: Suite, document_id: str) -> Any:
    return await suite.call("documents", "delete", OneDocument(document_id))


async def retry(suite: Suite, record: DocumentRecord, from_stage: str | None = None) -> Any:
    return await suite.call("documents", "retry", Retry(record.document_id, from_stage=from_stage))


def vectors_away(monkeypatch: pytest.MonkeyPatch, suite: Suite) -> None:
    async def is_away(*_: object) -> None:
        raise StoreUnavailable("vectors", "away")

    monkeypatch.setattr(type(suite.services.vectors), "ask", is_away)


async def test_a_deleted_document_is_gone_from_every_store(suite: Suite) -> None:
    record, other = await ready(suite), await ready(suite, "another text")
    for one in (record, other):
        await index(suite, one)
    assert await delete(suite, record.document_id) is None
    assert await suite.view(record.document_id) is None
    assert await indexed(suite, record) == []
    assert not await suite.records.has_blobs(record.document_id, 1)
    assert await suite.markers() == []
    listed = await suite.call("documents", "list", ListDocuments())
    assert [item.document_id for item in listed.items] == [other.document_id]
    assert await indexed(suite, other) == [1]


async def test_a_deletion_whose_store_is_away_is_seen_at_once_and_done_later(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await ready(suite)
    await index(suite, record)
    with monkeypatch.context() as patched:
        vectors_away(patched, suite)
        answer = await delete(suite, record.document_id)
        assert (answer.http_status, answer.status) == (202, "deleting")
        assert await suite.view(record.document_id) is None
        await suite.tick()
        assert await suite.markers() == [f"{TENANT}/{record.document_id}/1/deleting"]
    await suite.tick()
    assert await suite.markers() == []
    assert await indexed(suite, record) == []
    assert not await suite.records.has_blobs(record.document_id, 1)


@pytest.mark.parametrize("verb", ["read", "delete", "original", "content", "retry", "change"])
async def test_a_deleted_document_is_like_one_that_never_was(suite: Suite, verb: str) -> None:
    record = await ready(suite)
    await delete(suite, record.document_id)
    requests = {"retry": Retry, "change": Change}
    for document_id in (record.document_id, "doc_none", "doc_../x", ""):
        with pytest.raises(NotFound, match=r"^There is no such document\.$"):
            await suite.call("documents", verb, requests.get(verb, OneDocument)(document_id))


async def test_a_deletion_cut_off_anywhere_is_finished_by_the_clock_and_never_seen_again(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(Exception):
        pass

    async def crash(*_: object, **__: object) -> None:
        raise Crash

    cuts = [
        "shared.records.records.TenantRecords.write_tombstone",
        "shared.records.records.TenantRecords.deleted_generation",
        "shared.vectors.edge._TenantVectors.forget",
        "shared.records.records.PlatformRecords.dead_letters",
        "shared.records.records.TenantRecords.erase",
        "shared.records.records.TenantRecords.mark_closed",
        "shared.records.records.TenantRecords.has_blobs",
    ]
    for number, cut in enumerate(cuts):
        record = await ready(suite, f"text {number}")
        await index(suite, record)
        with monkeypatch.context() as patched, pytest.raises(Crash):
            patched.setattr(cut, crash)
            await delete(suite, record.document_id)
        assert await suite.view(record.document_id) is None, cut
        await suite.tick()
        assert await suite.view(record.document_id) is None, cut
        assert not await suite.records.has_blobs(record.document_id, 1), cut
        assert await indexed(suite, record) == [], cut
        assert await suite.markers() == [], cut


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (_TenantVectors, "forget"),
        (PlatformRecords, "dead_letters"),
        (TenantRecords, "erase"),
        (TenantRecords, "has_blobs"),
    ],
)
async def test_bytes_uploaded_again_while_the_deletion_still_runs_survive_it(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    first = await ready(suite)
    await index(suite, first)
    step = getattr(owner, name)
    second: list[DocumentRecord] = []

    async def upload_meanwhile(self: Any, *arguments: Any) -> Any:
        monkeypatch.setattr(owner, name, step)
        second.append(await suite.upload("a text"))
        await index(suite, second[0])
        return await step(self, *arguments)

    monkeypatch.setattr(owner, name, upload_meanwhile)
    await delete(suite, first.document_id)
    assert [record.generation for record in second] == [2]
    await suite.run_dry()
    await suite.tick()
    assert await suite.status(first.document_id) == "ready"
    assert await indexed(suite, first) == [2]
    assert await suite.records.document(first.document_id) == second[0]
    assert await suite.markers() == []


async def test_a_change_beside_a_deletion_does_not_bring_the_document_back(suite: Suite) -> None:
    for number in range(4):
        record = await ready(suite, f"text {number}")
        await asyncio.gather(
            suite.call("documents", "change", Change(record.document_id, title="new")),
            delete(suite, record.document_id),
            suite.call("documents", "retry", Retry(record.document_id)),
            return_exceptions=True,
        )
        assert await suite.view(record.document_id) is None
        await suite.tick()
        assert not await suite.records.has_blobs(record.document_id, 1)
        assert await suite.markers() == []


async def test_a_member_deletes_only_its_own(suite: Suite) -> None:
    record = await ready(suite)
    with pytest.raises(Forbidden):
        await suite.call("documents", "delete", OneDocument(record.document_id), "reader")
    assert await suite.status(record.document_id) == "ready"
    await suite.call("documents", "delete", OneDocument(record.document_id), "member")
    assert await suite.view(record.document_id) is None


async def test_a_retry_without_a_stage_runs_only_what_did_not_succeed(suite: Suite) -> None:
    async def refuses(_: StageWork) -> None:
        raise Rejected("corrupt", "It cannot be read.")

    suite.workshop.happens["chunk"] = refuses
    record = await suite.upload("a text")
    await suite.run_dry()
    assert await suite.status(record.document_id) == "rejected"
    suite.workshop.clear()
    answer = await retry(suite, record)
    assert (answer.http_status, answer.status) == (202, "embedded")
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"
    assert sorted(suite.workshop.stages()) == ["chunk", "finish"]
    assert await suite.markers() == []


async def test_a_retry_of_a_ready_document_without_a_stage_runs_nothing(suite: Suite) -> None:
    record = await ready(suite)
    suite.workshop.clear()
    assert (await retry(suite, record)).status == "ready"
    assert await suite.queued() == {}
    assert await suite.markers() == []


async def test_a_retry_from_a_stage_runs_it_and_all_that_follow_and_makes_the_same(suite: Suite) -> None:
    record = await ready(suite)
    generation = f"t/{TENANT}/d/{record.document_id}/1/"
    results = ("parsed", "passages", "points")
    before = {name: await suite.records.read(generation + name) for name in results}
    keys = {stage.stage: stage.key for stage in await suite.records.stages(record.document_id, 1)}
    suite.workshop.clear()
    await retry(suite, record, "chunk")
    assert await suite.status(record.document_id) == "parsed"
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"
    assert sorted(suite.workshop.stages()) == ["chunk", "embed", "finish"]
    assert {name: await suite.records.read(generation + name) for name in results} == before
    assert {stage.stage: stage.key for stage in await suite.records.stages(record.document_id, 1)} == keys


async def test_a_retry_from_the_cutting_on_takes_the_old_passages_out_of_the_index(suite: Suite) -> None:
    record = await ready(suite)
    await index(suite, record)
    await retry(suite, record, "chunk")
    assert await indexed(suite, record) == []


async def test_a_retry_from_a_stage_that_is_at_work_is_a_conflict_and_changes_nothing(suite: Suite) -> None:
    record = await ready(suite)
    await index(suite, record)
    async with suite.leases.hold(stage_lease(TENANT, record.document_id, 1, "embed")):
        with pytest.raises(Conflict, match="embed"):
            await retry(suite, record, "chunk")
    assert await indexed(suite, record) == [1]
    assert await suite.status(record.document_id) == "ready"
    assert len(await suite.records.stages(record.document_id, 1)) == 4


async def test_a_retry_from_a_stage_that_there_is_not_says_which_there_are(suite: Suite) -> None:
    record = await ready(suite)
    with pytest.raises(InvalidRequest, match="parse, chunk, embed, finish"):
        await retry(suite, record, "digest")


async def test_a_retry_whose_bus_is_away_is_not_lost(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await ready(suite)

    async def is_away(*_: object) -> None:
        raise StoreUnavailable("bus", "away")

    with monkeypatch.context() as patched:
        patched.setattr(suite.bus, "send", is_away)
        with pytest.raises(StoreUnavailable):
            await retry(suite, record, "parse")
    await suite.forget_recent()
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(record.document_id) == "ready"
