"""A stage counts once, however often, late or out of order its event comes."""

import asyncio
import random
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from events.document import DocumentChunked, DocumentEmbedded, DocumentParsed, DocumentReady, DocumentRejected
from functions.documents.access import OneDocument
from shared.blobs.folder import FolderBlobs
from shared.parsing.document import Block, ParsedDocument
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.redis.leases import stage_lease
from shared.runtime.events.delivery import DeliveryResult
from shared.stages.stages import StageWork
from shared.table.table import Function, Table
from shared.types.clock import now
from shared.types.errors import Rejected, StoreUnavailable
from shared.types.passage import Passage
from shared.types.tasks import cancel_all
from tests.pipeline.chunk import handler as chunk
from tests.pipeline.suite import TENANT, Suite


async def parsed(suite: Suite, record: DocumentRecord) -> DocumentParsed:
    delivered = await suite.run("parse", suite.stored(record))
    assert isinstance(delivered.reply, DocumentParsed), delivered
    return delivered.reply


def with_settings(table: Table, stage: str, settings: dict[str, Any]) -> Table:
    """The table with another setting in a row."""

    def changed(function: Function) -> Function:
        if function.name != stage:
            return function
        rows = tuple(msgspec.structs.replace(row, settings=settings) for row in function.operation)
        return msgspec.structs.replace(function, operation=rows)

    return Table(tuple(changed(function) for function in table.functions))


async def passages(suite: Suite, chunked: DocumentChunked) -> list[str]:
    """The texts of the passages that the stage has written."""
    written = msgspec.json.decode(await suite.records.read(chunked.passages), type=list[Passage])
    return [passage.text for passage in written]


async def test_a_stage_says_what_it_made_and_the_ledger_keeps_it(suite: Suite) -> None:
    record = await suite.store("a text")
    reply = await parsed(suite, record)
    document = msgspec.json.decode(await suite.records.read(reply.parsed), type=ParsedDocument)
    assert document.blocks == (Block("paragraph", "a text"),)
    ended = await suite.stage(record, "parse")
    assert ended and (ended.outcome, ended.attempts, ended.key) == ("done", 1, reply.key)
    view = await suite.view(record.document_id)
    assert view and (view.status, view.title, view.pages) == ("parsed", "A title that was found", 1)


async def test_a_finished_stage_is_not_run_again_and_says_the_same_with_the_same_id(suite: Suite) -> None:
    record = await suite.store("a text")
    first = await parsed(suite, record)
    ended = await suite.stage(record, "parse")
    for _ in range(3):
        again = await parsed(suite, record)
        assert again == first
        assert again.event_id == first.event_id
    assert suite.workshop.stages() == ["parse"]
    assert await suite.stage(record, "parse") == ended, "its attempts and times stand"


async def test_what_is_said_again_is_for_the_request_that_asked_again(suite: Suite) -> None:
    record = await suite.store("a text")
    first = await parsed(suite, record)
    event = suite.stored(record)
    about = msgspec.structs.replace(event.origin, request_id="req_other", traceparent="00-other")
    reply = (await suite.run("parse", msgspec.structs.replace(event, origin=about))).reply
    assert reply and reply.origin.request_id == "req_other"
    assert reply.event_id == first.event_id


async def test_anothers_live_lease_means_nothing_is_said(suite: Suite) -> None:
    record = await suite.store("a text")
    async with suite.leases.hold(stage_lease(TENANT, record.document_id, 1, "parse")) as ours:
        assert ours
        assert await suite.run("parse", suite.stored(record)) == DeliveryResult(204)
    assert suite.workshop.runs == []
    await parsed(suite, record)


async def test_of_many_that_come_at_once_one_runs(suite: Suite) -> None:
    record = await suite.store("a text")

    async def takes_its_time(_: StageWork) -> None:
        await asyncio.sleep(0.05)

    suite.workshop.happens["parse"] = takes_its_time
    answers = await asyncio.gather(*(suite.run("parse", suite.stored(record)) for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [200] + [204] * 11
    assert suite.workshop.stages() == ["parse"]


async def test_a_document_at_fault_is_rejected_once_and_for_all(suite: Suite) -> None:
    record = await suite.store("a text")

    async def refuses(_: StageWork) -> None:
        raise Rejected("encrypted", "It is protected by a password.")

    suite.workshop.happens["parse"] = refuses
    reply = (await suite.run("parse", suite.stored(record))).reply
    assert isinstance(reply, DocumentRejected)
    assert (reply.stage, reply.code, reply.detail) == ("parse", "encrypted", "It is protected by a password.")
    again = (await suite.run("parse", suite.stored(record))).reply
    assert again == reply
    assert again.event_id == reply.event_id
    assert suite.workshop.stages() == ["parse"]
    view = await suite.view(record.document_id)
    assert view and view.status == "rejected"
    assert view.reason and view.reason.code == "encrypted"
    assert await suite.markers() == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("vectors", "away"), 503, "store-unavailable"),
        (RuntimeError("quotes the document"), 500, "internal"),
        (TimeoutError(), 500, "deadline"),
    ],
)
async def test_a_fault_of_ours_is_shown_tried_again_and_then_forgotten(
    suite: Suite, error: Exception, status: int, code: str
) -> None:
    record = await suite.store("a text")

    async def fails(_: StageWork) -> None:
        raise error

    suite.workshop.happens["parse"] = fails
    delivered = await suite.run("parse", suite.stored(record))
    assert (delivered.status, delivered.reply) == (status, None)
    view = await suite.view(record.document_id)
    assert view and (view.status, view.reason and view.reason.code) == ("waiting", code)
    assert "quotes the document" not in str(view)
    assert "quotes the document" not in delivered.detail
    assert await suite.stage(record, "parse") is None

    suite.workshop.happens.clear()
    await parsed(suite, record)
    ended = await suite.stage(record, "parse")
    assert ended and ended.attempts == 2
    view = await suite.view(record.document_id)
    assert view and (view.status, view.reason) == ("parsed", None)


async def test_a_stage_that_takes_longer_than_its_row_allows_is_ended(suite: Suite) -> None:
    record = await suite.store("a text")
    event = await parsed(suite, record)

    async def hangs(_: StageWork) -> None:
        await asyncio.sleep(30)

    suite.workshop.happens["embed"] = hangs
    assert (await suite.run("embed", event)).status == 500
    assert not await suite.leases.is_held(stage_lease(TENANT, record.document_id, 1, "embed"))
    view = await suite.view(record.document_id)
    assert view and view.reason and view.reason.code == "deadline"


@pytest.mark.parametrize("order", [("chunk", "embed"), ("embed", "chunk")])
async def test_a_join_waits_for_both_branches_in_any_order(suite: Suite, order: tuple[str, str]) -> None:
    record = await suite.store("a text")
    event = await parsed(suite, record)
    first, second = [(await suite.run(stage, event)).reply for stage in order[:1]], order[1]
    assert first[0]
    assert await suite.run("finish", first[0]) == DeliveryResult(204)
    assert suite.workshop.stages() == ["parse", order[0]]
    last = (await suite.run(second, event)).reply
    assert last
    reply = (await suite.run("finish", last)).reply
    assert isinstance(reply, DocumentReady)
    assert (await suite.run("finish", first[0])).reply == reply, "the late one says the same"
    assert await suite.status(record.document_id) == "ready"
    assert await suite.markers() == []


async def test_two_branches_that_end_together_are_joined_once(suite: Suite) -> None:
    record = await suite.store("a text")
    event = await parsed(suite, record)
    ends = [(await suite.run(stage, event)).reply for stage in ("chunk", "embed")]
    answers = await asyncio.gather(*(suite.run("finish", end) for end in ends if end))
    reply = [answer.reply for answer in answers if answer.reply]
    assert 1 <= len(reply) <= 2
    assert len({one.event_id for one in reply}) == 1
    assert suite.workshop.stages().count("finish") == 1


async def test_another_craft_has_another_key_and_runs_again(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await suite.store("a text")
    event = await parsed(suite, record)
    before = (await suite.run("chunk", event)).reply
    monkeypatch.setattr(chunk, "STAGE_VERSION", 2)
    after = (await suite.run("chunk", event)).reply
    assert isinstance(before, DocumentChunked)
    assert isinstance(after, DocumentChunked)
    assert before.key != after.key
    assert before.event_id != after.event_id
    assert suite.workshop.stages() == ["parse", "chunk", "chunk"]


async def test_other_settings_have_another_key_and_make_another_result(suite: Suite) -> None:
    record = await suite.store("a text")
    event = await parsed(suite, record)
    reply = (await suite.run("chunk", event)).reply
    assert isinstance(reply, DocumentChunked)
    assert await passages(suite, reply) == ["a text!"]
    suite.table = with_settings(suite.table, "chunk", {"ending": "?"})
    reply = (await suite.run("chunk", event)).reply
    assert isinstance(reply, DocumentChunked)
    assert await passages(suite, reply) == ["a text?"]
    keys = [run.key for run in suite.workshop.runs if run.stage == "chunk"]
    assert len(set(keys)) == 2


async def test_a_changed_input_runs_all_that_follows_from_it_again(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    suite.table = with_settings(suite.table, "chunk", {"ending": "?"})
    suite.bus._table = suite.table
    await suite.bus.publish(suite.stored(record), "upload")
    await suite.run_dry()
    assert Counter(suite.workshop.stages()) == {"parse": 1, "chunk": 2, "embed": 1, "finish": 2}


async def test_of_a_document_that_was_deleted_before_nothing_runs_and_nothing_is_said(suite: Suite) -> None:
    record = await suite.store("a text")
    event = await parsed(suite, record)
    await suite.records.write_tombstone(record.document_id, 1)
    await suite.records.mark_closed(record.document_id, 1)
    for stage, reply in (("parse", suite.stored(record)), ("chunk", event)):
        assert await suite.run(stage, reply) == DeliveryResult(204)
    assert suite.workshop.stages() == ["parse"]
    assert await suite.markers() == [f"{TENANT}/{record.document_id}/1/deleting"], "a crash may have left results"


async def test_a_document_deleted_while_a_stage_runs_stays_deleted_and_its_rests_are_marked(suite: Suite) -> None:
    record = await suite.store("a text")

    async def is_deleted(_: StageWork) -> None:
        await suite.records.write_tombstone(record.document_id, 1)
        await suite.catalogue.drop(record.document_id, 1)
        await suite.records.erase(record.document_id, 1)
        await suite.records.mark_closed(record.document_id, 1)

    suite.workshop.happens["parse"] = is_deleted
    assert await suite.run("parse", suite.stored(record)) == DeliveryResult(204)
    assert not await suite.records.has_blobs(record.document_id, 1), "the stage wrote after the erasure"
    assert await suite.markers() == [f"{TENANT}/{record.document_id}/1/deleting"]
    assert await suite.view(record.document_id) is None


async def test_a_stage_stops_within_seconds_of_the_deletion_and_leaves_nothing(suite: Suite) -> None:
    record = await suite.store()
    started = asyncio.Event()
    ended: list[str] = []

    async def writes_for_minutes(work: StageWork) -> None:
        try:
            for number in range(3000):
                await work.write_part(str(number), b"a part")
                started.set()
                await asyncio.sleep(0.05)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise

    suite.workshop.happens["parse"] = writes_for_minutes
    running = asyncio.create_task(suite.run("parse", suite.stored(record)))
    await started.wait()
    await suite.call("documents", "delete", OneDocument(record.document_id))
    delivered = await asyncio.wait_for(running, 60)
    assert (delivered.status, delivered.reply) == (204, None)
    assert ended in (["DocumentIsDeleted"], ["CancelledError"])
    assert await suite.blobs.names(f"t/{TENANT}/d/") == []


async def test_a_stage_that_computes_is_cancelled_once_its_document_is_deleted(suite: Suite) -> None:
    record = await suite.store()
    started = asyncio.Event()

    async def computes(_: StageWork) -> None:
        started.set()
        await asyncio.sleep(300)

    suite.workshop.happens["parse"] = computes
    running = asyncio.create_task(suite.run("parse", suite.stored(record)))
    await started.wait()
    await suite.call("documents", "delete", OneDocument(record.document_id))
    assert (await asyncio.wait_for(running, 60)).status == 204
    assert not await suite.leases.is_held(stage_lease(TENANT, record.document_id, 1, "parse"))
    await suite.tick()
    assert await suite.blobs.names(f"t/{TENANT}/d/") == []
    assert await suite.markers() == []


async def test_a_stage_of_a_deleted_life_does_not_touch_the_next_one(suite: Suite) -> None:
    first = await suite.store("a text")

    async def begins_anew(_: StageWork) -> None:
        await suite.records.write_tombstone(first.document_id, 1)
        await suite.catalogue.drop(first.document_id, 1)
        await suite.store("a text")

    suite.workshop.happens["parse"] = begins_anew
    assert await suite.run("parse", suite.stored(first)) == DeliveryResult(204)
    second = await suite.records.document(first.document_id)
    assert second and second.generation == 2
    assert await suite.status(first.document_id) == "stored"
    assert await suite.records.stages(first.document_id, 2) == []
    assert f"{TENANT}/{first.document_id}/2/ingesting" in await suite.markers()
    suite.workshop.happens.clear()
    assert (await parsed(suite, second)).origin.generation == 2


async def test_a_crash_after_the_write_says_it_at_the_next_delivery_without_another_run(suite: Suite) -> None:
    record = await suite.upload("a text")
    received = await suite.receive("parse")
    assert received
    await suite.deliver(received)  # and the process dies before it can pass the reply on
    (left,) = await suite.bus.open("parse")
    delivered = await suite.deliver(left)
    await suite.bus.acknowledge(left, delivered.reply)
    await suite.run_dry()
    assert Counter(suite.workshop.stages()) == {"parse": 1, "chunk": 1, "embed": 1, "finish": 1}
    assert await suite.status(record.document_id) == "ready"


async def test_a_redis_that_forgot_everything_does_not_make_finished_stages_run_again(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.redis.call("FLUSHALL")
    await suite.open()
    await suite.bus.publish(suite.stored(record), "upload")
    await suite.run_dry()
    assert Counter(suite.workshop.stages()) == {"parse": 1, "chunk": 1, "embed": 1, "finish": 1}
    assert await suite.status(record.document_id) == "ready"


async def test_a_stage_with_more_to_do_goes_on_in_the_next_delivery(suite: Suite) -> None:
    record = await suite.store("a text")
    event = await parsed(suite, record)
    parts: list[bytes | None] = []

    async def writes_a_part(work: StageWork) -> None:
        parts.append(await work.part("first"))
        await work.write_part("first", b"kept")
        if len(parts) == 1:
            raise StoreUnavailable("vectors", "away")

    suite.workshop.happens["embed"] = writes_a_part
    assert (await suite.run("embed", event)).status == 503
    assert isinstance((await suite.run("embed", event)).reply, DocumentEmbedded)
    assert parts == [None, b"kept"]


async def every_event_twice_and_shuffled(suite: Suite, order: random.Random) -> DocumentRecord:
    """Runs a document through, each event delivered twice and any of those that wait next; every third delivery's
    process dies before it could acknowledge."""
    record = await suite.store("a text")
    waiting: list[tuple[str, Any]] = [("parse", suite.stored(record))] * 2
    while waiting:
        stage, event = waiting.pop(order.randrange(len(waiting)))
        reply = (await suite.run(stage, event)).reply
        if reply is not None:
            listeners = [function.name for function, _ in suite.table.listeners(reply.type_name())]
            waiting += [(listener, reply) for listener in listeners] * order.choice([1, 1, 2])
            if order.randrange(3) == 0:
                waiting.append((stage, event))
        assert len(waiting) < 500
    return record


async def final_state(suite: Suite, record: DocumentRecord) -> dict[str, Any]:
    """What is the same however a document came to its end."""
    names = await suite.blobs.names(f"t/{TENANT}/d/")
    blobs = {name: await suite.blobs.read(name) for name in names if "/stages/" not in name}
    stages = {one.stage: (one.key, one.outcome, one.event) for one in await suite.records.stages(record.document_id, 1)}
    blobs.pop(f"t/{TENANT}/d/{record.document_id}/1/document")
    return {"blobs": blobs, "stages": stages, "status": await suite.status(record.document_id)}


@pytest.mark.parametrize("seeds", [range(first, first + 8) for first in range(0, 24, 8)], ids=str)
async def test_every_event_twice_and_in_any_order_ends_the_same_and_each_stage_runs_once(
    suite: Suite, seeds: range
) -> None:
    straight = await suite.upload("a text")
    await suite.run_dry()
    expected = await final_state(suite, straight)
    assert expected["status"] == "ready"
    for seed in seeds:
        await suite.blobs.erase_all("t/")
        await suite.redis.call("FLUSHALL")
        suite.workshop.clear()
        record = await every_event_twice_and_shuffled(suite, random.Random(seed))
        assert await final_state(suite, record) == expected, f"seed {seed}"
        keys = Counter((run.stage, run.key) for run in suite.workshop.runs)
        assert set(keys.values()) == {1}, f"seed {seed}: {keys}"
        assert set(suite.workshop.stages()) == {"parse", "chunk", "embed", "finish"}


@pytest.mark.parametrize("seed", range(4))
async def test_many_documents_through_the_queues_in_any_order_all_end_ready(suite: Suite, seed: int) -> None:
    order = random.Random(seed)
    texts = [f"text {number}" for number in range(6)]
    records = [await suite.upload(text) for text in texts]
    for record in records[::2]:
        await suite.bus.publish(suite.stored(record), "upload")
    await suite.run_dry(order)
    assert [await suite.status(record.document_id) for record in records] == ["ready"] * 6
    assert Counter(suite.workshop.stages()) == {"parse": 6, "chunk": 6, "embed": 6, "finish": 6}
    assert await suite.markers() == []
    assert await suite.queued() == {}


async def test_a_signed_event_of_a_document_that_was_never_stored_is_a_bad_event(suite: Suite) -> None:
    record = await suite.store()
    event = suite.stored(record)
    for document_id, generation in (("doc_unknown", record.generation), (record.document_id, record.generation + 1)):
        origin = msgspec.structs.replace(event.origin, document_id=document_id, generation=generation)
        result = await suite.run("parse", msgspec.structs.replace(event, origin=origin))
        assert (result.status, result.reply) == (400, None)
    assert await suite.records.document_ids() == [record.document_id], "nothing was written of it"


@pytest.mark.parametrize(
    "change", [{"document_id": ""}, {"document_id": "../x"}, {"tenant_id": ""}, {"tenant_id": "a/b"}]
)
async def test_a_signed_event_with_an_id_that_is_none_is_a_bad_event(suite: Suite, change: dict[str, str]) -> None:
    event = suite.stored(await suite.store())
    origin = msgspec.structs.replace(event.origin, **change)
    result = await suite.run("parse", msgspec.structs.replace(event, origin=origin))
    assert (result.status, result.reply) == (400, None)


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_is_set_during_a_stage_changes_nothing_of_what_is_charged(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    async def set_clock(_: StageWork) -> None:
        for module in ("stages", "billing"):
            monkeypatch.setattr(f"shared.stages.{module}.now", lambda: now() + timedelta(hours=hours))

    suite.workshop.happens["parse"] = set_clock
    record = await suite.upload("a text")
    await suite.step("parse")
    ended = await suite.stage(record, "parse")
    assert ended
    assert 0 <= (ended.finished_at - ended.started_at).total_seconds() < 60


async def test_what_a_cancelled_stage_still_writes_of_a_deleted_document_is_erased(tmp_path: Path) -> None:
    started, may_end, ended = (threading.Event() for _ in range(3))

    class Slow(FolderBlobs):
        def _write(self, name: str, data: bytes) -> None:
            if not name.endswith("/passages"):
                super()._write(name, data)
                return
            started.set()
            may_end.wait(60)
            super()._write(name, data)
            ended.set()

    records = TenantRecords(Slow(tmp_path), "ten_a")
    writing = asyncio.create_task(records.write("doc_a", 1, "passages", b"a text"))
    await asyncio.to_thread(started.wait, 60)
    await records.write_tombstone("doc_a", 1)
    await records.erase("doc_a", 1)
    asyncio.get_running_loop().call_later(0.05, may_end.set)
    await cancel_all([writing])
    await asyncio.to_thread(ended.wait, 60)
    assert not await records.has_blobs("doc_a", 1)
