"""Digests change no bill: they only save reading the records, and are made again whenever they are lost."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.blobs.port import Blobs
from shared.types.paging import PageRequest
from shared.usage.digests import Digests
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import OutboundRecord, UsageRecord, record_id
from shared.usage.sealing import seal
from shared.usage.verification import verify
from tests.shared.usage.samples import NOON, TODAY, Watched, free, outbound, settled

PERIOD = (NOON - timedelta(days=30), NOON + timedelta(days=2))
YESTERDAY = NOON - timedelta(days=1)

Step = Callable[[Blobs], Awaitable[object]]


async def nothing(blobs: Blobs) -> None:
    """Leaves the records where the journal wrote them."""


async def digest(blobs: Blobs) -> None:
    await seal(blobs)
    await UsageLedger(blobs).update_digests()


async def write(blobs: Blobs, *records: OutboundRecord | UsageRecord) -> None:
    journal = Journal(blobs)
    for record in records:
        await journal.append(record)


async def cost(blobs: Blobs, *, by_document: bool = False) -> int:
    rows = await UsageLedger(blobs).totals("ten_a", *PERIOD, by_document=by_document)
    return sum(row.cost_microusd for row in rows)


async def listed(blobs: Blobs, limit: int = 100, request_id: str | None = None) -> list[str]:
    ledger = UsageLedger(blobs)
    request, found = PageRequest(limit=limit), list[str]()
    while True:
        page, cursor = await ledger.page(["ten_a"], request, lambda _: True, PERIOD[0], request_id)
        found += [record_id(one) for one in page]
        if cursor is None:
            return found
        request = PageRequest(limit=limit, cursor=cursor)


async def digests(blobs: Blobs) -> list[str]:
    return await blobs.names("t/ten_a/digests/")


@pytest.mark.parametrize("between", [nothing, seal, digest])
@pytest.mark.parametrize("after", [nothing, seal, digest])
@pytest.mark.parametrize("days_between", [0, 1, -1, 20])
async def test_a_record_that_came_twice_counts_once_whatever_its_days(
    blobs: Blobs, between: Step, after: Step, days_between: int
) -> None:
    call = outbound(1)
    await write(blobs, call, settled(call, 70, at=NOON - timedelta(days=days_between)))
    await between(blobs)
    await write(blobs, settled(call, 70))
    await after(blobs)
    assert await cost(blobs) == await cost(blobs, by_document=True) == 70
    assert sorted(await listed(blobs, limit=1)) == ["outbound-op_1", "usage-op_1"]
    assert [one.usage_id for one in await UsageLedger(blobs).usage("ten_a", *PERIOD)] == ["op_1"]
    assert (await verify(blobs)).fault == ""


async def test_the_running_days_digest_grows_by_what_was_sealed_since(blobs: Blobs) -> None:
    for number in range(4):
        await write(blobs, settled(outbound(number), 10))
        await seal(blobs)
        watched = Watched(blobs)
        await UsageLedger(watched).update_digests()
        read = [name for verb, name in watched.calls if verb == "read" and f"/book/{TODAY}/" in name]
        assert len(read) == 1
        assert await cost(blobs) == 10 * (number + 1)
    assert [name.rpartition("/")[2] for name in await digests(blobs)] == [
        f"{TODAY}.000004.{part}" for part in ("activity", "documents", "head", "ids", "keys")
    ]


async def test_a_ledger_of_an_earlier_revision_gets_its_digests(blobs: Blobs) -> None:
    await write(blobs, settled(outbound(1), 10), settled(outbound(2, at=YESTERDAY), 20))
    await seal(blobs)
    await blobs.write(f"t/ten_a/digests/{TODAY}", b'{"covers": "", "rows": []}')
    await UsageLedger(blobs).update_digests()
    assert await cost(blobs) == 30
    assert len(await digests(blobs)) == 10


@pytest.mark.parametrize("lost", ["all", "a day", "the marker"])
async def test_lost_digests_are_made_again_by_who_needs_them(blobs: Blobs, lost: str) -> None:
    await write(blobs, settled(outbound(1), 10, label="mine"), settled(outbound(2, at=YESTERDAY), 20, label="mine"))
    await digest(blobs)
    before = await digests(blobs)
    if lost == "the marker":
        await blobs.erase("book/indexed")
    await blobs.erase_all("t/ten_a/digests/") if lost == "all" else None
    for name in before if lost == "a day" else ():
        if TODAY in name:
            await blobs.erase(name)
    assert await cost(blobs) == 30
    assert len(await listed(blobs, request_id="mine")) == 2
    assert await digests(blobs) == before
    await write(blobs, settled(outbound(3), 5))
    await digest(blobs)
    assert await cost(blobs) == 35


async def test_a_digest_that_is_replaced_while_it_is_read_is_read_again(blobs: Blobs) -> None:
    await write(blobs, settled(outbound(1), 10))
    await digest(blobs)
    watched, left = Watched(blobs), [1]

    async def replace(name: str) -> None:
        if name.endswith(".head") and left:
            left.pop()
            await write(blobs, settled(outbound(2), 20))
            await digest(blobs)

    watched.before["read"] = replace
    rows = await UsageLedger(watched).totals("ten_a", *PERIOD)
    assert sum(row.cost_microusd for row in rows) == 30


class _Cut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("calls_before", range(5))
async def test_an_update_that_was_cut_off_is_made_again(blobs: Blobs, calls_before: int) -> None:
    await write(blobs, settled(outbound(1), 10))
    await digest(blobs)
    await write(blobs, settled(outbound(2), 20))
    await seal(blobs)
    cut, left = Watched(blobs), [calls_before]

    async def end(_: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise _Cut

    cut.before["write"] = end
    with pytest.raises(_Cut):
        await UsageLedger(cut).update_digests()
    assert await cost(blobs) == 30
    await UsageLedger(blobs).update_digests()
    assert await cost(blobs) == 30
    assert len(await digests(blobs)) == 5


async def test_a_request_is_found_without_reading_the_other_records(blobs: Blobs) -> None:
    for number in range(12):
        call = outbound(number, at=NOON - timedelta(days=number % 3))
        await write(blobs, call, settled(call, 10, label=f"label-{number}"))
        await seal(blobs)
    await UsageLedger(blobs).update_digests()
    watched = Watched(blobs)
    page, _ = await UsageLedger(watched).page(["ten_a"], PageRequest(), lambda _: True, PERIOD[0], "label-7")
    assert "usage-op_7" in [record_id(one) for one in page]
    assert len([name for verb, name in watched.calls if verb == "read" and "t/ten_a/book/" in name]) == 1


async def test_a_page_reads_the_newest_blobs_alone(blobs: Blobs) -> None:
    start = NOON.replace(hour=0)
    for number in range(30):
        await write(blobs, free(number, at=start + timedelta(minutes=number)))
        await seal(blobs)
    await UsageLedger(blobs).update_digests()
    watched = Watched(blobs)
    page, cursor = await UsageLedger(watched).page(["ten_a"], PageRequest(limit=3), lambda _: True, PERIOD[0])
    assert [record_id(one) for one in page] == ["usage-stage_29", "usage-stage_28", "usage-stage_27"]
    assert len([name for verb, name in watched.calls if verb == "read" and "t/ten_a/book/" in name]) <= 8
    assert cursor is not None
    assert len(await listed(blobs, limit=7)) == 30


async def test_the_calls_that_left_are_found_without_reading_usage(blobs: Blobs) -> None:
    for number in range(5):
        await write(blobs, outbound(number) if number == 2 else free(number))
        await seal(blobs)
    await UsageLedger(blobs).update_digests()
    watched = Watched(blobs)
    found = await UsageLedger(watched).newest(["ten_a"], 10, since=PERIOD[0], kinds=(OutboundRecord,))
    assert [record_id(one) for one in found] == ["outbound-op_2"]
    assert len([name for verb, name in watched.calls if verb == "read" and "t/ten_a/book/" in name]) == 1


async def test_the_sweep_updates_after_ten_seals_or_ten_minutes(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.usage import digests as module

    await write(blobs, free(0))
    await seal(blobs)
    await Digests(blobs).update_due()
    assert await digests(blobs) == []
    for number in range(1, 10):
        await write(blobs, free(number))
        await seal(blobs)
    await Digests(blobs).update_due()
    assert len(await digests(blobs)) == 5
    await write(blobs, free(10))
    made = await seal(blobs)
    assert made is not None
    monkeypatch.setattr(module, "now", lambda: made.at + timedelta(minutes=10))
    await Digests(blobs).update_due()
    assert any(".000011." in name for name in await digests(blobs))
