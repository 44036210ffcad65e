"""The balance of each budget is the plain sum of all records."""

import asyncio
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.usage.balance import Balance, add_records
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import AlertRecord, BudgetWindow, Record, UsageLine, UsageRecord
from shared.usage.sealing import seal
from shared.usage.verification import verify
from tests.shared.usage.samples import MONTH, NOON, TODAY, free, outbound, settled, windows

_CALLS = 6
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(0, _CALLS - 1)),
        st.tuples(st.just("settle"), st.integers(0, _CALLS - 1)),
        st.tuples(st.just("adjust"), st.integers(0, _CALLS - 1)),
        st.tuples(st.just("alert"), st.sampled_from([80, 90, 100])),
        st.tuples(st.just("free"), st.integers(0, 9)),
        st.tuples(st.just("seal"), st.just(0)),
    ),
    max_size=40,
)


def cost_of(number: int) -> int:
    return 100 + number


def lowered(number: int) -> UsageRecord:
    call = outbound(number)
    return UsageRecord(
        usage_id=f"adj_{number}",
        adjusts=call.operation_id,
        tenant_id="ten_a",
        at=NOON,
        lines=(UsageLine("output_token", 0, -7),),
        windows=call.windows,
    )


@given(_STEPS)
@settings(max_examples=20, deadline=None)
def test_standing_is_the_sum_of_all_that_was_told_however_it_was_sealed(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_record(steps))


async def _record(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        blobs = FolderBlobs(Path(folder))
        journal, called, done, adjusted, alerted = Journal(blobs), set[int](), set[int](), set[int](), set[int]()
        for what, number in steps:
            if what == "call" and number not in called:
                await journal.append(outbound(number))
                called.add(number)
            elif what == "settle" and number in called:  # a second time too: an outbox that is flushed twice
                await journal.append(settled(outbound(number), cost_of(number)))
                done.add(number)
            elif what == "adjust" and number in done:
                await journal.append(lowered(number))
                adjusted.add(number)
            elif what == "alert":
                await journal.append(
                    AlertRecord(window=windows()[0], threshold_pct=number, at=NOON, spent_microusd=1, cap_microusd=1)
                )
                alerted.add(number)
            elif what == "free":
                await journal.append(free(number))
            elif what == "seal":
                await seal(blobs)
        await _compare(blobs, called, done, adjusted, alerted)
        await seal(blobs)
        await _compare(blobs, called, done, adjusted, alerted)
        assert (await verify(blobs)).fault == ""


async def _compare(blobs: Blobs, called: set[int], done: set[int], adjusted: set[int], alerted: set[int]) -> None:
    spent: Counter[BudgetWindow] = Counter()
    for window in windows():
        spent[window] = sum(cost_of(number) for number in done) - 7 * len(adjusted)
    balances = await UsageLedger(blobs).balances()
    assert balances.spent == ({window: amount for window, amount in spent.items() if done})
    assert {call.operation_id for call in balances.open} == {f"op_{number}" for number in called - done}
    assert balances.alerted == {(windows()[0], percent) for percent in alerted}


def test_windows_are_carried_as_long_as_a_late_settlement_may_need_them() -> None:
    call = outbound(1, windows=(*windows(), BudgetWindow("document", "doc_1", "life", "")))
    balance = add_records(Balance(), [call, settled(call, 5)], NOON)

    def retained(days: int) -> set[str]:
        return {total.window.name for total in add_records(balance, [], NOON + timedelta(days=days)).totals}

    assert retained(2) == {"day", "month", "life"}
    assert retained(3) == {"month", "life"}
    assert retained(35) == {"month", "life"}
    assert retained(36) == {"month"}
    assert retained(95) == set()


def test_the_order_in_which_records_come_changes_nothing() -> None:
    call = outbound(1)
    records: list[Record] = [call, settled(call, 5), free(2)]
    assert add_records(Balance(), records, NOON) == add_records(Balance(), records[::-1], NOON)


def test_the_windows_of_a_day_and_a_month_are_told_apart() -> None:
    assert {one.start for one in windows()} == {TODAY, MONTH}


async def test_a_call_that_never_left_is_closed_by_a_record_without_cost(blobs: Blobs) -> None:
    journal, call = Journal(blobs), outbound(1)
    await journal.append(call)
    await journal.append(msgspec.structs.replace(settled(call, 0), lines=()))
    balances = await UsageLedger(blobs).balances()
    assert balances.open == () and not any(balances.spent.values())
