"""A document that was taken in is never lost, and the same bytes are one document."""

import asyncio
from hashlib import sha256
from itertools import count
from typing import Any

import pytest

from functions.documents.access import OneDocument
from shared.intake.answer import Accepted, KnownDocument, answer
from shared.intake.intake import Intake, Submission
from shared.records.records import TenantRecords
from shared.stages.stages import StageWork
from shared.types.call import Call
from shared.types.errors import Conflict, Rejected, StoreUnavailable
from shared.types.http import SpooledFile
from tests.pipeline.suite import TENANT, Suite

_FILES = count()


def submission(suite: Suite, text: str = "a text", **fields: Any) -> Submission:
    path = suite.services.settings.data / f"spooled{next(_FILES)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    content = text.encode()
    digest = sha256(content).hexdigest()
    return Submission(
        SpooledFile(path, "note.txt", "text/plain", len(content), digest, content), "key_member", **fields
    )


async def take(suite: Suite, text: str = "a text", **fields: Any) -> Accepted | KnownDocument:
    call = Call("upload", TENANT, request_id="req_1")
    publisher = suite.services.publisher("upload")
    intake = Intake(suite.records, suite.catalogue, suite.leases, publisher, suite.table, call)
    return answer(await intake.take(submission(suite, text, **fields)))


async def test_a_document_that_was_taken_in_becomes_ready(suite: Suite) -> None:
    answer = await take(suite)
    assert (answer.http_status, answer.status) == (202, "stored")
    await suite.run_dry()
    assert await suite.status(answer.document_id) == "ready"


async def test_one_that_lost_the_bus_is_accepted_and_becomes_ready(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_away(*_: object) -> None:
        raise StoreUnavailable("bus", "away")

    with monkeypatch.context() as patched:
        patched.setattr(suite.bus, "send", is_away)
        answer = await take(suite)
    assert answer.http_status == 202
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(answer.document_id) == "ready"


async def test_one_whose_process_died_before_it_was_shown_or_said_becomes_ready(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(Exception):
        pass

    async def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(suite.catalogue, "put", crash)
        await take(suite)
    await suite.tick()
    await suite.run_dry()
    answer = await take(suite)
    assert (answer.http_status, answer.status) == (200, "ready")


async def test_the_same_bytes_are_one_document_whoever_sends_them_how_often(suite: Suite) -> None:
    answers = await asyncio.gather(*(take(suite, title=f"title {number}") for number in range(8)))
    assert len({answer.document_id for answer in answers}) == 1
    assert len({answer.title for answer in answers}) == 1
    await suite.run_dry()
    assert suite.workshop.stages().count("parse") == 1
    answer = await take(suite, title="another")
    assert isinstance(answer, KnownDocument)
    assert answer.title == answers[0].title
    assert len(suite.workshop.stages()) == 4


async def test_bytes_that_were_refused_try_again(suite: Suite) -> None:
    async def refuses(_: StageWork) -> None:
        raise Rejected("corrupt", "It cannot be read.")

    suite.workshop.happens["parse"] = refuses
    answer = await take(suite)
    await suite.run_dry()
    assert await suite.status(answer.document_id) == "rejected"
    suite.workshop.clear()
    again = await take(suite)
    assert (again.http_status, again.status) == (202, "stored")
    await suite.run_dry()
    assert await suite.status(answer.document_id) == "ready"
    assert await suite.markers() == []


async def test_bytes_of_a_deleted_document_start_afresh(suite: Suite) -> None:
    first = await take(suite, title="the first")
    await suite.run_dry()
    await suite.call("documents", "delete", OneDocument(first.document_id))
    second = await take(suite, title="the second")
    assert (second.http_status, second.status, second.title) == (202, "stored", "the second")
    await suite.run_dry()
    record = await suite.records.document(first.document_id)
    assert record and record.generation == 2
    assert await suite.status(first.document_id) == "ready"


async def test_bytes_of_a_document_deleted_while_they_were_found_start_afresh(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await take(suite)
    await suite.run_dry()
    generation_of = TenantRecords.generation

    async def deleted_meanwhile(self: TenantRecords, document_id: str, generation: int) -> Any:
        monkeypatch.setattr(TenantRecords, "generation", generation_of)
        found = await generation_of(self, document_id, generation)
        await suite.call("documents", "delete", OneDocument(document_id))
        return found

    monkeypatch.setattr(TenantRecords, "generation", deleted_meanwhile)
    second = await take(suite)
    assert second.status == "stored"
    await suite.run_dry()
    assert await suite.status(first.document_id) == "ready"


async def test_bytes_of_a_document_deleted_while_they_were_stored_leave_nothing_behind(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TenantRecords.store

    async def deleted_meanwhile(self: TenantRecords, *arguments: Any) -> Any:
        monkeypatch.setattr(TenantRecords, "store", store)
        first = await take(suite)
        await suite.call("documents", "delete", OneDocument(first.document_id))
        return await store(self, *arguments)

    monkeypatch.setattr(TenantRecords, "store", deleted_meanwhile)
    with pytest.raises(Conflict):
        await take(suite)
    await suite.run_dry()
    await suite.tick()
    assert await suite.blobs.names(f"t/{TENANT}/d/") == []
    assert await suite.markers() == []
    assert (await suite.catalogue.page(10, None)).document_ids == ()
    assert (await take(suite)).status == "stored"


async def test_known_bytes_raise_the_class_and_never_lower_it(suite: Suite) -> None:
    first = await take(suite, classification="internal")
    for given, stands in (("public", "internal"), ("confidential", "confidential"), ("internal", "confidential")):
        await take(suite, classification=given)
        entry = await suite.catalogue.entry(first.document_id)
        assert entry and entry.record.classification == stands
