"""What the catalogue promises: it shows what the ledger knows, also after Redis forgot."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.catalogue.catalogue import StageView
from shared.records.structs import DocumentRecord, Reason, StageRecord
from shared.types.clock import now
from shared.types.errors import InvalidRequest
from tests.pipeline.suite import TENANT, Suite

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ended(stage: str, event: dict[str, Any] | None = None) -> StageRecord:
    return StageRecord(stage, "k", "done", 2, now(), now(), event=event)


async def documents(suite: Suite, count: int) -> list[DocumentRecord]:
    return [await suite.store(f"text {number}", at=NOON + timedelta(seconds=number)) for number in range(count)]


async def walk(suite: Suite, limit: int) -> list[str]:
    """All ids, page by page."""
    seen: list[str] = []
    cursor = None
    while True:
        page = await suite.catalogue.page(limit, cursor)
        assert len(page.document_ids) <= limit
        seen += page.document_ids
        cursor = page.next_cursor
        if cursor is None:
            return seen


def ids(records: list[DocumentRecord]) -> list[str]:
    return [record.document_id for record in records]


async def test_what_is_put_is_shown(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    entry = await suite.catalogue.entry(record.document_id)
    assert entry and (entry.record, entry.stages) == (record, ())
    assert await suite.catalogue.entry("doc_other") is None
    assert await suite.catalogue.entries([]) == []


async def test_another_tenants_catalogue_does_not_have_it(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    others = suite.catalogues.of("ten_b")
    assert await others.entry(record.document_id) is None
    assert (await others.page(10, None)).document_ids == ()


async def test_entries_come_in_the_order_they_were_asked_for(suite: Suite) -> None:
    first, second = await documents(suite, 2)
    entries = await suite.catalogue.entries([second.document_id, "doc_other", first.document_id])
    assert [entry and entry.record for entry in entries] == [second, None, first]


async def test_a_miss_is_mended_from_the_ledger(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    found = {"type": "aegis.document.parsed.v1", "data": {"title": "Found", "pages": 7, "parsed": "t/x"}}
    await suite.records.write_stage(record.document_id, 1, ended("parse", found))
    await suite.redis.call("FLUSHALL")
    entry = await suite.catalogue.entry(record.document_id)
    assert entry and entry.record == record
    (parse,) = entry.stages
    assert (parse.stage, parse.status, parse.attempts, parse.title) == ("parse", "done", 2, "Found")
    assert parse.counts == {"pages": 7}


async def test_mending_does_not_make_a_document_look_touched(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    await suite.redis.call("FLUSHALL")
    entry = await suite.catalogue.entry(record.document_id)
    assert entry and entry.touched_at == record.created_at


async def test_a_stage_that_ends_while_a_miss_is_mended_is_not_lost(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    await suite.redis.call("FLUSHALL")
    stages = suite.catalogue._records.stages

    async def ends_meanwhile(document_id: str, generation: int) -> list[StageRecord]:
        read = await stages(document_id, generation)
        await suite.records.write_stage(document_id, generation, ended("finish"))
        view = StageView("finish", "done", 1)
        await suite.catalogues.of(TENANT).show_stage(document_id, generation, view)
        return read

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(suite.catalogue._records, "stages", ends_meanwhile)
        await suite.catalogue.mend(record.document_id)
    entry = await suite.catalogue.entry(record.document_id)
    assert entry and [stage.stage for stage in entry.stages] == ["finish"]


async def test_nobody_sees_a_document_half_mended(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    for stage in ("parse", "chunk", "embed", "finish"):
        await suite.records.write_stage(record.document_id, 1, ended(stage))
    for _ in range(5):
        await suite.redis.call("FLUSHALL")
        entries = await asyncio.gather(*(suite.catalogue.entry(record.document_id) for _ in range(20)))
        assert {len(entry.stages) for entry in entries if entry} == {4}


async def test_a_deleted_document_is_not_mended(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    await suite.records.write_tombstone(record.document_id, 1)
    await suite.redis.call("FLUSHALL")
    assert await suite.catalogue.entry(record.document_id) is None


async def test_lists_are_newest_first_and_whole_whatever_the_page(suite: Suite) -> None:
    records = await documents(suite, 7)
    for limit in (1, 2, 3, 7, 100):
        assert await walk(suite, limit) == ids(records)[::-1]


async def test_a_list_is_stable_under_inserts(suite: Suite) -> None:
    records = await documents(suite, 6)
    page = await suite.catalogue.page(3, None)
    newer = await suite.store("newer", at=NOON + timedelta(days=1))
    rest = await suite.catalogue.page(10, page.next_cursor)
    assert [*page.document_ids, *rest.document_ids] == ids(records)[::-1]
    assert (await suite.catalogue.page(1, None)).document_ids == (newer.document_id,)


async def test_documents_of_the_same_moment_are_all_listed_once(suite: Suite) -> None:
    records = [await suite.store(f"text {number}", at=NOON) for number in range(9)]
    for limit in (1, 2, 4):
        assert sorted(await walk(suite, limit)) == sorted(ids(records))


async def test_more_documents_of_one_moment_than_a_page_holds_lose_none(suite: Suite) -> None:
    score = 1_767_268_800_000_000
    names = [f"doc_{number:04}" for number in range(350)]
    await suite.catalogue.page(1, None)
    for name in names:
        await suite.redis.call("ZADD", f"documents:{TENANT}", score, name)
    assert sorted(await walk(suite, 100)) == names


async def test_a_list_goes_on_where_its_last_document_was_deleted(suite: Suite) -> None:
    records = await documents(suite, 6)
    page = await suite.catalogue.page(3, None)
    await suite.catalogue.drop(page.document_ids[-1], 1)
    rest = await suite.catalogue.page(10, page.next_cursor)
    assert list(rest.document_ids) == ids(records)[2::-1]


async def test_an_emptied_redis_lists_again(suite: Suite) -> None:
    records = await documents(suite, 5)
    await suite.redis.call("FLUSHALL")
    assert await walk(suite, 2) == ids(records)[::-1]
    newer = await suite.store("newer", at=NOON + timedelta(days=1))
    assert await walk(suite, 2) == [newer.document_id, *ids(records)[::-1]]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "MTIz", "YSBi", "A" * 5000, "ä"])
async def test_a_cursor_that_no_list_gave_is_refused(suite: Suite, cursor: str) -> None:
    if cursor:
        with pytest.raises(InvalidRequest):
            await suite.catalogue.page(10, cursor)


async def test_a_late_stage_of_a_deleted_life_does_not_come_back(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    await suite.catalogue.drop(record.document_id, 1)
    await suite.catalogue.show_stage(record.document_id, 1, StageView("parse", "done"))
    assert await suite.redis.call("EXISTS", f"catalogue:{TENANT}:{record.document_id}") == 0


async def test_a_late_entry_of_a_deleted_life_does_not_come_back(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    await suite.records.write_tombstone(record.document_id, 1)
    await suite.catalogue.drop(record.document_id, 1)
    await suite.catalogue.put(record)
    assert await suite.catalogue.entry(record.document_id) is None
    assert (await suite.catalogue.page(10, None)).document_ids == ()


async def test_a_document_that_is_about_to_be_buried_is_not_mended_back(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    await suite.catalogue.drop(record.document_id, 1)
    assert await suite.catalogue.entry(record.document_id) is None
    assert (await suite.catalogue.page(10, None)).document_ids == ()


async def test_a_new_life_starts_without_the_stages_of_the_last_one(suite: Suite) -> None:
    (first,) = await documents(suite, 1)
    await suite.catalogue.show_stage(first.document_id, 1, StageView("parse", "done", 3))
    await suite.records.write_tombstone(first.document_id, 1)
    second = await suite.store("text 0")
    entry = await suite.catalogue.entry(second.document_id)
    assert entry and (entry.record.generation, entry.stages) == (2, ())
    await suite.catalogue.show_stage(first.document_id, 1, StageView("parse", "done", 3))
    await suite.catalogue.put(first)
    entry = await suite.catalogue.entry(second.document_id)
    assert entry and (entry.record.generation, entry.stages) == (2, ())


async def test_a_late_deletion_leaves_the_new_life_alone(suite: Suite) -> None:
    (first,) = await documents(suite, 1)
    await suite.records.write_tombstone(first.document_id, 1)
    second = await suite.store("text 0")
    await suite.catalogue.drop(first.document_id, 1)
    entry = await suite.catalogue.entry(second.document_id)
    assert entry and entry.record == second
    assert (await suite.catalogue.page(10, None)).document_ids == (second.document_id,)


async def test_branches_that_write_side_by_side_overwrite_nothing_of_each_other(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    stages = [f"stage_{number}" for number in range(20)]
    await asyncio.gather(
        *(suite.catalogue.show_stage(record.document_id, 1, StageView(stage, "done")) for stage in stages)
    )
    entry = await suite.catalogue.entry(record.document_id)
    assert entry and {stage.stage for stage in entry.stages} == set(stages)


async def test_forgotten_stages_are_hidden_and_the_rest_stays(suite: Suite) -> None:
    (record,) = await documents(suite, 1)
    for stage in ("parse", "chunk"):
        await suite.catalogue.show_stage(record.document_id, 1, StageView(stage, "failed", reason=Reason("x", "y")))
    await suite.catalogue.hide_stages(record.document_id, ["chunk"])
    await suite.catalogue.hide_stages(record.document_id, [])
    entry = await suite.catalogue.entry(record.document_id)
    assert entry and [stage.stage for stage in entry.stages] == ["parse"]


async def test_a_rebuilt_catalogue_is_the_same_and_without_what_the_ledger_does_not_have(suite: Suite) -> None:
    records = await documents(suite, 3)
    await suite.records.write_stage(records[0].document_id, 1, ended("parse"))
    await suite.records.write_tombstone(records[1].document_id, 1)
    assert await suite.catalogue.rebuild() == 2
    assert await walk(suite, 10) == [records[2].document_id, records[0].document_id]
    entry = await suite.catalogue.entry(records[0].document_id)
    assert entry and [stage.stage for stage in entry.stages] == ["parse"]
