"""What the ledger promises of documents, their lives and their ends."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from events.document import DocumentChunked, DocumentParsed, Origin
from shared.blobs.port import BlobMissing
from shared.records.records import TenantRecords
from shared.records.structs import DeadLetter, StageRecord
from shared.types.clock import now
from tests.pipeline.suite import TENANT, Suite

DOCUMENT = "doc_1"


def ended(stage: str, key: str = "k") -> StageRecord:
    return StageRecord(stage, key, "done", 1, now(), now())


async def test_a_ledger_cannot_be_had_without_its_tenant(suite: Suite) -> None:
    with pytest.raises(ValueError, match="tenant"):
        TenantRecords(suite.blobs, "")


async def test_a_stored_document_is_there_with_its_bytes_and_marked_open(suite: Suite) -> None:
    record = await suite.store("a text")
    assert await suite.records.document(record.document_id) == record
    assert b"".join([piece async for piece in suite.records.original(record)]) == b"a text"
    assert await suite.markers() == [f"{TENANT}/{record.document_id}/1/ingesting"]


async def test_of_two_stores_at_once_the_first_ones_record_stands_and_both_get_it(suite: Suite) -> None:
    one = await suite.store("a text")
    await suite.records.erase(one.document_id, 1)
    records = [msgspec.structs.replace(one, title=f"title {number}") for number in range(8)]
    files = [suite.services.settings.data / f"file{number}" for number in range(8)]
    for file in files:
        file.write_text("a text")
    got = await asyncio.gather(*(suite.records.store(*pair) for pair in zip(records, files, strict=True)))
    assert len({record.title for record in got}) == 1
    assert await suite.records.document(one.document_id) == got[0]
    assert not any(file.exists() for file in files)


async def test_a_crash_before_the_record_leaves_a_marker_by_which_it_is_found(suite: Suite) -> None:
    class Crash(Exception):
        pass

    async def crash(*_: object) -> bool:
        raise Crash

    create = suite.blobs.create
    for broken in ("adopt", "create"):
        with pytest.MonkeyPatch.context() as patched, pytest.raises(Crash):
            patched.setattr(suite.blobs, broken, crash)
            await suite.store("a text")
        (marker,) = await suite.markers()
        assert marker.endswith("/1/ingesting")
        left = await suite.blobs.names(f"t/{TENANT}/")
        assert [name.rpartition("/")[2] for name in left] == ([] if broken == "adopt" else ["original"])
    assert suite.blobs.create == create
    record = await suite.store("a text")
    assert await suite.records.document(record.document_id) == record


async def test_a_buried_document_does_not_exist_and_its_next_life_does(suite: Suite) -> None:
    first = await suite.store("a text")
    await suite.records.write_tombstone(first.document_id, 1)
    assert await suite.records.deleted_generation(first.document_id) == 1
    assert await suite.records.document(first.document_id) is None
    second = await suite.store("a text")
    assert second.generation == 2
    assert await suite.records.document(second.document_id) == second
    assert await suite.records.generation(first.document_id, 1) == first, "its blobs are erased by whoever erases"


async def test_a_tombstone_only_ever_rises(suite: Suite) -> None:
    for generation in (2, 1, 2):
        await suite.records.write_tombstone(DOCUMENT, generation)
        assert await suite.records.deleted_generation(DOCUMENT) == 2


async def test_an_erasure_takes_the_lives_up_to_its_epoch_and_no_later_one(suite: Suite) -> None:
    for generation in (1, 2, 3, 10):
        await suite.records.write(DOCUMENT, generation, "parsed", b"x")
        await suite.records.write_stage(DOCUMENT, generation, ended("parse"))
    await suite.records.erase(DOCUMENT, 2)
    assert not await suite.records.has_blobs(DOCUMENT, 2)
    assert await suite.blobs.folders(f"t/{TENANT}/d/{DOCUMENT}/") == ["10", "3"]
    assert await suite.records.has_blobs(DOCUMENT, 3)


async def test_a_tenant_reads_no_other_tenants_blobs_whatever_an_event_names(suite: Suite) -> None:
    others = suite.platform.of("ten_b")
    blob = await others.write(DOCUMENT, 1, "parsed", b"a secret")
    assert await others.read(blob) == b"a secret"
    for name in (blob, "keys/abc", f"open/{TENANT}/x", f"t/{TENANT}"):
        with pytest.raises(BlobMissing):
            await suite.records.read(name)
    for name in (f"t/{TENANT}/../ten_b/d/{DOCUMENT}/1/parsed", f"t/{TENANT}//parsed"):
        with pytest.raises((BlobMissing, ValueError)):
            await suite.records.read(name)


async def test_a_tenant_whose_name_begins_like_anothers_reads_nothing_of_it(suite: Suite) -> None:
    blob = await suite.platform.of(f"{TENANT}b").write(DOCUMENT, 1, "parsed", b"a secret")
    with pytest.raises(BlobMissing):
        await suite.records.read(blob)


async def test_stages_come_in_the_order_they_ended_and_can_be_forgotten(suite: Suite) -> None:
    for number, stage in enumerate(("parse", "embed", "chunk")):
        at = now() + timedelta(seconds=number)
        record = msgspec.structs.replace(ended(stage), finished_at=at)
        await suite.records.write_stage(DOCUMENT, 1, record)
    assert [record.stage for record in await suite.records.stages(DOCUMENT, 1)] == ["parse", "embed", "chunk"]
    await suite.records.erase_stage(DOCUMENT, 1, "embed")
    assert await suite.records.stage(DOCUMENT, 1, "embed") is None
    assert await suite.records.stages(DOCUMENT, 2) == []


async def test_the_end_of_a_stage_does_not_close_a_deletion(suite: Suite) -> None:
    await suite.records.mark_open(DOCUMENT, 1, "ingesting")
    await suite.records.mark_open(DOCUMENT, 1, "deleting")
    await suite.records.mark_closed(DOCUMENT, 1)
    (left,) = [document async for document in suite.platform.open_documents()]
    assert (left.tenant_id, left.document_id, left.generation, left.marker.kind) == (TENANT, DOCUMENT, 1, "deleting")


async def test_a_class_is_raised_and_never_lowered(suite: Suite) -> None:
    record = await suite.store("a text")
    for to, stands in (("confidential", "confidential"), ("public", "confidential")):
        record = await suite.records.raise_classification(record, to)  # type: ignore[arg-type]
        assert record.classification == stands
        assert await suite.records.document(record.document_id) == record


async def test_documents_are_listed_without_the_deleted_ones(suite: Suite) -> None:
    stored, deleted = await suite.store("kept"), await suite.store("deleted")
    await suite.records.write_tombstone(deleted.document_id, 1)
    assert [record async for record in suite.records.documents()] == [stored]


async def test_dead_letters_come_newest_first_and_belong_to_their_tenant(suite: Suite) -> None:
    dead_letters = [
        DeadLetter(f"dlq_{number}", tenant, DOCUMENT, "parse", {}, 503, "away", 5, now() + timedelta(seconds=number))
        for number, tenant in enumerate((TENANT, "ten_b", TENANT))
    ]
    for dead_letter in dead_letters:
        await suite.platform.write_dead_letter(dead_letter)
    assert [dead_letter.dead_letter_id for dead_letter in await suite.platform.dead_letters()] == [
        "dlq_2",
        "dlq_1",
        "dlq_0",
    ]
    assert [dead_letter.dead_letter_id for dead_letter in await suite.platform.dead_letters(TENANT)] == [
        "dlq_2",
        "dlq_0",
    ]
    assert await suite.platform.dead_letter("dlq_1") == dead_letters[1]
    assert await suite.platform.dead_letter("dlq_1", TENANT) is None
    await suite.platform.erase_dead_letter(dead_letters[1])
    assert await suite.platform.dead_letter("dlq_1") is None


async def test_an_outcome_is_given_of_a_stage_that_has_succeeded_and_of_no_other(suite: Suite) -> None:
    record = await suite.upload()
    await suite.run_dry()
    parsed = await suite.records.outcome(record.document_id, 1, "parse", DocumentParsed)
    assert parsed and await suite.records.read(parsed.parsed)
    assert parsed.origin == Origin(TENANT, record.document_id, 1)
    assert await suite.records.outcome(record.document_id, 1, "parse", DocumentChunked) is None
    assert await suite.records.outcome(record.document_id, 2, "parse", DocumentParsed) is None

    stage = await suite.records.stage(record.document_id, 1, "parse")
    assert stage
    await suite.records.write_stage(record.document_id, 1, msgspec.structs.replace(stage, outcome="failed"))
    assert await suite.records.outcome(record.document_id, 1, "parse", DocumentParsed) is None
