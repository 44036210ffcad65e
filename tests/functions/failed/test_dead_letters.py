"""What no attempt could handle is kept, shown with its reason, and can be sent again."""

from typing import Any

import msgspec
import pytest

from functions.failed.dead_letters import DeadLetterRequest
from functions.failed.list import ListDeadLetters
from shared.bus.retries import ATTEMPTS
from shared.runtime.events.delivery import EventDelivery
from shared.stages.stages import StageWork
from shared.types.errors import NotFound, StoreUnavailable
from shared.types.undelivered import UndeliveredEvent
from tests.pipeline.suite import SECRETS, Suite


async def broken(_: StageWork) -> None:
    raise RuntimeError("quotes the document")


async def away(_: StageWork) -> None:
    raise StoreUnavailable("vectors", "the index is away")


async def failed(suite: Suite, text: str = "a text", stage: str = "chunk") -> str:
    """A document whose stage failed for good; its dead letter's id."""
    suite.workshop.happens[stage] = broken
    await suite.upload(text)
    await suite.run_dry()
    suite.workshop.happens.clear()
    listed = await dead_letters(suite)
    return str(listed[0].dead_letter_id)


async def dead_letters(suite: Suite, role: Any = "admin") -> list[Any]:
    return list((await suite.call("failed", "list", ListDeadLetters(), role)).items)


async def test_a_document_that_failed_says_where_and_why(suite: Suite) -> None:
    await failed(suite)
    (dead_letter,) = await dead_letters(suite)
    view = await suite.view(dead_letter.document_id)
    assert view and view.status == "failed"
    assert view.reason and view.reason.code == "dead-letter"
    assert view.reason.detail == f"chunk failed {ATTEMPTS} times: RuntimeError"
    assert {stage.stage: stage.status for stage in view.stages}["chunk"] == "failed"
    assert "quotes the document" not in str(view)


async def test_a_letter_shows_what_happened_and_never_the_documents_text(suite: Suite) -> None:
    dead_letter_id = await failed(suite)
    dead_letter = await suite.call("failed", "show", DeadLetterRequest(dead_letter_id))
    assert (dead_letter.function, dead_letter.status, dead_letter.attempts, dead_letter.replays) == (
        "chunk",
        500,
        ATTEMPTS,
        0,
    )
    assert dead_letter.event_type == "aegis.document.parsed.v1"
    assert dead_letter.next_replay_at is None
    assert dead_letter.event["subject"] == dead_letter.document_id
    assert dead_letter.event["data"]["parsed"]
    assert "quotes the document" not in str(dead_letter)


async def test_an_operator_sees_every_tenants_letters_and_none_of_their_data(suite: Suite) -> None:
    dead_letter_id = await failed(suite)
    (listed,) = await dead_letters(suite, "operator")
    view = await suite.call("failed", "show", DeadLetterRequest(dead_letter_id), "operator")
    assert listed.dead_letter_id == view.dead_letter_id == dead_letter_id
    assert "data" not in view.event


async def test_another_tenants_letter_is_like_one_that_does_not_exist(suite: Suite) -> None:
    await failed(suite)
    (dead_letter,) = await suite.platform.dead_letters()
    others = msgspec.structs.replace(dead_letter, tenant_id="ten_b", dead_letter_id="dlq_others")
    await suite.platform.write_dead_letter(others)
    assert [one.dead_letter_id for one in await dead_letters(suite)] == [dead_letter.dead_letter_id]
    for verb in ("show", "replay", "discard"):
        for dead_letter_id in ("dlq_others", "dlq_none", "dlq_../ten_b/dlq_others", "dlq_", "", "x"):
            with pytest.raises(NotFound):
                await suite.call("failed", verb, DeadLetterRequest(dead_letter_id))
    assert len(await dead_letters(suite, "operator")) == 2


async def test_a_replay_makes_the_document_go_on_from_where_it_failed(suite: Suite) -> None:
    dead_letter_id = await failed(suite)
    (dead_letter,) = await dead_letters(suite)
    before = suite.workshop.stages()
    answer = await suite.call("failed", "replay", DeadLetterRequest(dead_letter_id))
    assert (answer.http_status, answer.status, answer.document_id) == (202, "replaying", dead_letter.document_id)
    view = await suite.view(dead_letter.document_id)
    assert view and (view.status, view.reason) != ("failed", None)
    await suite.run_dry()
    assert await suite.status(dead_letter.document_id) == "ready"
    assert sorted(suite.workshop.stages()[len(before) :]) == ["chunk", "finish"]
    assert await dead_letters(suite) == []
    assert await suite.markers() == []


async def test_a_replay_that_fails_again_is_a_letter_again(suite: Suite) -> None:
    dead_letter_id = await failed(suite)
    suite.workshop.happens["chunk"] = broken
    await suite.call("failed", "replay", DeadLetterRequest(dead_letter_id))
    await suite.run_dry()
    (dead_letter,) = await dead_letters(suite)
    assert dead_letter.dead_letter_id == dead_letter_id
    assert await suite.status(dead_letter.document_id) == "failed"


async def test_a_replay_whose_bus_is_away_is_not_lost(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    dead_letter_id = await failed(suite)
    (dead_letter,) = await dead_letters(suite)

    async def is_away(*_: object) -> None:
        raise StoreUnavailable("bus", "away")

    with monkeypatch.context() as patched:
        patched.setattr(suite.bus, "send_to", is_away)
        with pytest.raises(StoreUnavailable):
            await suite.call("failed", "replay", DeadLetterRequest(dead_letter_id))
    await suite.forget_recent()
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(dead_letter.document_id) == "ready"


async def test_a_discarded_letter_is_gone_and_its_document_stays_as_it_is(suite: Suite) -> None:
    dead_letter_id = await failed(suite)
    (dead_letter,) = await dead_letters(suite)
    assert await suite.call("failed", "discard", DeadLetterRequest(dead_letter_id)) is None
    assert await dead_letters(suite) == []
    assert await suite.status(dead_letter.document_id) == "failed"
    with pytest.raises(NotFound):
        await suite.call("failed", "replay", DeadLetterRequest(dead_letter_id))


async def test_letters_come_in_pages_newest_first(suite: Suite) -> None:
    ids = [await failed(suite, f"text {number}") for number in range(4)]
    first = await suite.call("failed", "list", ListDeadLetters(limit=3))
    rest = await suite.call("failed", "list", ListDeadLetters(limit=3, cursor=first.next_cursor))
    assert [dead_letter.dead_letter_id for dead_letter in [*first.items, *rest.items]] == ids[::-1]
    assert rest.next_cursor is None


async def test_the_same_event_that_fails_twice_is_one_letter_that_counts_all_attempts(suite: Suite) -> None:
    suite.workshop.happens["parse"] = away
    record = await suite.upload("a text")
    await suite.bus.publish(suite.stored(record), "upload")
    await suite.run_dry()
    (dead_letter,) = await suite.platform.dead_letters()
    assert dead_letter.attempts == 2 * ATTEMPTS


async def test_a_duplicate_that_fails_does_not_fail_a_document_whose_stage_succeeded(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.bus.publish(suite.stored(record), "upload")
    received = await suite.receive("parse")
    assert received
    dead_letter = UndeliveredEvent(received.event, "parse", 500, "RuntimeError", ATTEMPTS)
    await EventDelivery(suite.table.function("failed"), suite.services, SECRETS).dead_letter(dead_letter)
    assert await suite.status(record.document_id) == "ready"
    stage = await suite.stage(record, "parse")
    assert stage and stage.outcome == "done"


async def test_an_event_of_a_deleted_document_that_fails_does_not_bring_it_back(suite: Suite) -> None:
    record = await suite.upload("a text")

    async def is_deleted_and_fails(_: StageWork) -> None:
        await suite.records.write_tombstone(record.document_id, 1)
        await suite.catalogue.drop(record.document_id, 1)
        raise RuntimeError

    suite.workshop.happens["parse"] = is_deleted_and_fails
    await suite.run_dry()
    assert await suite.view(record.document_id) is None
    await suite.tick()
    assert await suite.platform.dead_letters() == []
    assert not await suite.records.has_blobs(record.document_id, 1)


async def test_an_event_of_an_unknown_document_is_a_letter_and_makes_no_document(suite: Suite) -> None:
    record = await suite.store()
    event = suite.stored(record)
    origin = msgspec.structs.replace(event.origin, document_id="doc_unknown")
    await suite.bus.publish(msgspec.structs.replace(event, origin=origin), "upload")
    await suite.run_dry()
    assert [(one.document_id, one.status) for one in await suite.platform.dead_letters()] == [("doc_unknown", 400)]
    assert await suite.records.document_ids() == [record.document_id]
