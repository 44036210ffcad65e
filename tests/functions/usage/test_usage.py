"""The bill is the sum of the records, however it is grouped, and belongs to one tenant."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.usage import ledger as listing
from functions.usage import totals
from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import Reserved
from shared.records.records import TenantRecords
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.errors import InvalidRequest
from shared.types.paging import write_cursor
from shared.types.payer import Payer
from shared.types.principal import Principal
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import UsageLine
from shared.usage.sealing import seal
from tests.shared.usage.samples import NOON, TODAY, Watched, free, outbound, settled

ADMIN = Principal("ten_a", "key_a", "admin")
YESTERDAY = NOON - timedelta(days=1)
ALL: dict[str, Any] = {"since": (NOON - timedelta(days=30)).date().isoformat(), "until": TODAY}


class Desk:
    """Who may ask, and what of."""

    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self.blobs = blobs
        self.ledger, self.journal = UsageLedger(blobs), Journal(blobs)
        self.budget = Budget(redis, blobs, Accounts(blobs, redis), self.ledger.balances)

    async def usage(self, **fields: Any) -> totals.UsageTotals:
        request = totals.GetUsage(**{**ALL, **fields})
        return await totals.handle(request, self.ledger, self.budget, self.journal, ADMIN)

    async def records(self, **fields: Any) -> listing.UsageRecords:
        tenant = TenantRecords(self.blobs, ADMIN.tenant_id)
        return await listing.handle(listing.ListUsage(**fields), self.ledger, self.budget, self.journal, tenant, ADMIN)


@pytest.fixture
async def desk(blobs: Blobs, redis: RedisClient) -> Desk:
    """Two days: a parsed document each, a call each, and another tenant's."""
    desk = Desk(blobs, redis)
    for number, at in enumerate((YESTERDAY, NOON)):
        call = outbound(number, at=at)
        await desk.journal.append(call)
        await desk.journal.append(settled(call, 1_250_000, label="the client's"))
        await desk.journal.append(free(number, at=at, key_id="key_b", lines=(UsageLine("embedded_1k_tokens", 1_500),)))
        await desk.journal.append(
            free(number, tenant_id="ten_b", at=at, lines=(UsageLine("page_parsed", 3, 7_000_000),))
        )
        if number == 0:
            await seal(blobs)
    return desk


async def test_by_day(desk: Desk) -> None:
    found = await desk.usage(group_by="day")
    assert found.total_usd == 2.5
    assert [(item.day, item.unit, item.quantity, item.cost_usd) for item in found.items] == [
        (day, *rest)
        for day in (YESTERDAY.date().isoformat(), TODAY)
        for rest in (("embedded_1k_tokens", 1.5, 0.0), ("input_token", 100, 0.0), ("output_token", 20, 1.25))
    ]


@pytest.mark.parametrize(
    ("group_by", "field", "groups"),
    [("key", "key_id", {"key_a", "key_b"}), ("document", "document_id", {None, "doc_0", "doc_1"})],
)
async def test_by_key_and_document(desk: Desk, group_by: Any, field: str, groups: set[str | None]) -> None:
    found = await desk.usage(group_by=group_by)
    assert {getattr(item, field) for item in found.items} == groups
    assert sum(item.cost_usd for item in found.items) == found.total_usd == 2.5


async def test_by_unit(desk: Desk) -> None:
    found = await desk.usage(group_by="unit")
    assert [(item.unit, item.quantity) for item in found.items] == [
        ("embedded_1k_tokens", 3.0),
        ("input_token", 200),
        ("output_token", 40),
    ]


async def test_a_period_takes_its_first_moment_and_not_its_last(desk: Desk) -> None:
    settled_at = NOON + timedelta(seconds=2)

    async def total(since: datetime, until: datetime) -> float:
        return (await desk.usage(since=since.isoformat(), until=until.isoformat())).total_usd

    assert await total(settled_at, settled_at + timedelta(microseconds=1)) == 1.25
    assert await total(settled_at - timedelta(hours=1), settled_at) == 0
    assert await total(YESTERDAY, settled_at) == 1.25


async def test_what_each_key_cost_is_known_over_all_time(desk: Desk) -> None:
    long_ago = outbound(20, at=NOON - timedelta(days=500), key_id="key_c")
    await desk.journal.append(settled(long_ago, 7))
    await seal(desk.blobs)
    assert await desk.ledger.cost_by_key("ten_a") == {"key_a": 2_500_000, "key_b": 0, "key_c": 7}


async def test_sealing_changes_no_bill(desk: Desk) -> None:
    before = await desk.usage()
    await seal(desk.blobs)
    assert await desk.usage() == before
    await desk.ledger.update_digests()
    assert await desk.usage() == before


async def test_a_digest_is_made_anew_when_a_late_record_comes(desk: Desk) -> None:
    await seal(desk.blobs)
    await desk.usage()
    call = outbound(7, at=YESTERDAY)
    await desk.journal.append(call)
    await desk.journal.append(settled(call, 500_000))
    assert (await desk.usage()).total_usd == 3.0
    await seal(desk.blobs)
    assert (await desk.usage()).total_usd == 3.0


async def test_a_day_that_was_summed_up_is_not_read_again(desk: Desk) -> None:
    await seal(desk.blobs)
    await desk.ledger.update_digests()
    watched = Watched(desk.blobs)
    await UsageLedger(watched).totals("ten_a", NOON - timedelta(days=5), NOON.replace(hour=0))
    assert not [name for verb, name in watched.calls if verb == "read" and "/book/" in name and "seals" not in name]


async def test_the_ledger_lists_newest_first_in_pages_that_new_records_do_not_shift(desk: Desk) -> None:
    first = await desk.records(limit=3)
    await desk.journal.append(free(50, at=now()))
    second = await desk.records(limit=3, cursor=first.next_cursor)
    ids = [item.usage_id for item in [*first.items, *second.items]]
    assert ids == ["op_1", "stage_1", "op_0", "stage_0"]
    assert second.next_cursor is None


@pytest.mark.parametrize("microseconds", [10**18, 10**40, -(10**30), 10**400])
async def test_a_cursor_beyond_the_end_of_time_is_refused(desk: Desk, microseconds: int) -> None:
    with pytest.raises(InvalidRequest):
        await desk.records(cursor=write_cursor(microseconds, "usage-a"))


@pytest.mark.parametrize("request_id", ["req_1", "the client's"])
async def test_a_request_is_found_by_our_id_and_by_the_clients_label(desk: Desk, request_id: str) -> None:
    found = await desk.records(request_id=request_id)
    assert {item.label for item in found.items} == {"the client's"}
    assert "op_1" in {item.usage_id for item in found.items}


async def test_what_was_settled_a_moment_ago_is_on_the_bill(desk: Desk, redis: RedisClient) -> None:
    """Redis' outbox is brought into the ledger first."""
    await Accounts(desk.blobs, redis).keep_tenant(TenantRecord("ten_a", "a", "enterprise", now()))
    held = await desk.budget.reserve("op_9", 400, Payer(tenant_id="ten_a"), 60)
    assert isinstance(held, Reserved)
    call = outbound(9, at=NOON, windows=held.windows)
    await desk.journal.append(call)
    await desk.budget.confirm("op_9")
    await desk.budget.settle(settled(call, 400))
    assert (await desk.usage()).total_usd == 2.5004
    assert await desk.budget.outbox.waiting() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"since": "yesterday"},
        {"since": "2026-03-01T10:00:00"},
        {"since": "2026-03-02", "until": "2026-03-01"},
        {"since": "2020-01-01", "until": "2026-01-01"},
        {"until": "9999-99-99"},
        {"until": "9999-12-31"},
        {"until": "9999-12-31T23:59:59.999999-12:00"},
    ],
)
async def test_a_period_that_is_none_is_refused(desk: Desk, fields: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await desk.usage(**fields)
    assert refused.value.errors
