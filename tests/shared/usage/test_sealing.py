"""Sealing loses no record, counts none twice, and forks nothing, wherever it is cut off and however many seal."""

import asyncio
import contextlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.types import clock
from shared.usage.codec import decode_records, encode, join_lines
from shared.usage.journal import UNSEALED, Journal
from shared.usage.ledger import UsageLedger
from shared.usage.paths import ledger_folder
from shared.usage.records import record_id
from shared.usage.seal_chain import SEALS, SealChain
from shared.usage.sealing import seal, seal_due
from shared.usage.verification import verify
from tests.shared.usage.samples import NOON, TODAY, Gate, Watched, free, outbound, settled, windows

EVER = (NOON - timedelta(days=400), NOON + timedelta(days=2))


async def record_ids(blobs: Blobs, tenant_id: str = "ten_a") -> list[str]:
    """The ids of a tenant's records in all its sealed blobs, twice where they stand twice."""
    contents = [await blobs.read(name) for name in await blobs.names(ledger_folder(tenant_id))]
    return sorted(record_id(one) for data in contents for one in decode_records(data))


async def ids(blobs: Blobs, tenant_id: str = "ten_a") -> list[str]:
    return sorted(one.usage_id for one in await UsageLedger(blobs).usage(tenant_id, *EVER))


async def test_a_seal_moves_each_tenants_records_into_its_own_part(blobs: Blobs) -> None:
    journal = Journal(blobs)
    await asyncio.gather(journal.append(free(1)), journal.append(free(2, tenant_id="ten_b")))
    made = await seal(blobs)
    assert made is not None and made.number == 1 and made.previous == ""
    assert await record_ids(blobs) == ["usage-stage_1"]
    assert await record_ids(blobs, "ten_b") == ["usage-stage_2"]
    assert await blobs.names(UNSEALED) == []
    assert all(blob.name.startswith(f"t/ten_{one}/book/{TODAY}/") for blob, one in zip(made.blobs, "ab", strict=True))


async def test_where_nothing_was_written_nothing_is_sealed(blobs: Blobs) -> None:
    assert await seal(blobs) is None
    await Journal(blobs).append(free(1))
    assert await seal(blobs) is not None
    assert await seal(blobs) is None


async def test_seals_follow_each_other_and_carry_the_sums(blobs: Blobs) -> None:
    journal, calls = Journal(blobs), [outbound(number) for number in range(3)]
    for number, call in enumerate(calls):
        await journal.append(call)
        await seal(blobs)
        await journal.append(settled(call, 100 + number))
        await seal(blobs)
    newest = await SealChain(blobs).newest()
    assert newest is not None and newest.seal.number == 6
    assert newest.seal.balance.open == ()
    assert (await UsageLedger(blobs).balances()).spent == dict.fromkeys(windows(), 303)
    assert (await verify(blobs)).fault == ""


@pytest.mark.parametrize("by", [timedelta(seconds=60), timedelta(hours=-2)], ids=["later", "the clock was set back"])
async def test_sealing_is_due_once_a_minute(blobs: Blobs, monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    from shared.usage import sealing

    journal = Journal(blobs)
    await journal.append(free(1))
    assert await seal_due(blobs) is not None
    await journal.append(free(2))
    assert await seal_due(blobs) is None
    later = clock.now() + by
    monkeypatch.setattr(sealing, "now", lambda: later)
    assert await seal_due(blobs) is not None
    assert (await verify(blobs)).fault == ""


async def test_a_late_blob_gets_into_the_next_seal(blobs: Blobs) -> None:
    await Journal(blobs).append(free(1))
    await seal(blobs)
    early = NOON - timedelta(hours=30)
    await blobs.write(f"{UNSEALED}20200101T000000.000000Z-late-1", join_lines([encode(free(2, at=early))]))
    made = await seal(blobs)
    assert made is not None
    assert f"/{early.date().isoformat()}/" in made.blobs[0].name
    assert await ids(blobs) == ["stage_1", "stage_2"]


async def test_of_two_that_seal_at_once_one_does(blobs: Blobs) -> None:
    """The second has read and written everything when the first makes its seal, and knows of one record more."""
    journal = Journal(blobs)
    await journal.append(free(1))
    slow, gate = Watched(blobs), Gate()
    slow.before["create"] = gate
    loser = asyncio.create_task(seal(slow))
    await gate.reached.wait()
    await journal.append(free(2))
    assert await seal(blobs) is not None
    gate.opened.set()
    assert await loser is None
    assert await record_ids(blobs) == ["usage-stage_1", "usage-stage_2"]
    assert await blobs.names(SEALS) == [f"{SEALS}0000000001"]
    assert (await verify(blobs)).fault == ""


async def test_the_loser_of_a_race_leaves_what_the_winner_wrote_under_the_same_name(blobs: Blobs) -> None:
    await Journal(blobs).append(free(1))
    slow, gate = Watched(blobs), Gate()
    slow.before["create"] = gate
    loser = asyncio.create_task(seal(slow))
    await gate.reached.wait()
    assert await seal(blobs) is not None
    gate.opened.set()
    await loser
    assert await record_ids(blobs) == ["usage-stage_1"]
    assert (await verify(blobs)).fault == ""


class _Cut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("verb", ["read", "write", "create", "erase"])
@pytest.mark.parametrize("calls_before", [0, 1, 2, 3])
async def test_cut_off_at_any_step_the_next_sealing_heals_it(blobs: Blobs, verb: str, calls_before: int) -> None:
    journal = Journal(blobs)
    call = outbound(1)
    for record in (call, free(2), settled(call, 70), free(3, tenant_id="ten_b"), free(4, tenant_id="ten_c")):
        await journal.append(record)
    cut, left = Watched(blobs), [calls_before]

    async def end(_: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise _Cut

    cut.before[verb] = end
    with contextlib.suppress(_Cut):
        await seal(cut)
    await journal.append(free(5))
    await seal(blobs)
    assert await record_ids(blobs) == ["outbound-op_1", "usage-op_1", "usage-stage_2", "usage-stage_5"]
    assert await record_ids(blobs, "ten_b") == ["usage-stage_3"]
    assert (await UsageLedger(blobs).balances()).spent == dict.fromkeys(windows(), 70)
    assert await blobs.names(UNSEALED) == []
    assert (await verify(blobs)).fault == ""


async def test_usage_that_is_told_twice_counts_once(blobs: Blobs) -> None:
    journal, call = Journal(blobs), outbound(1)
    await journal.append(call)
    await journal.append(settled(call, 70))
    await seal(blobs)
    await journal.append(settled(call, 70))
    assert (await UsageLedger(blobs).balances()).spent == dict.fromkeys(windows(), 70)
    await seal(blobs)
    assert (await UsageLedger(blobs).balances()).spent == dict.fromkeys(windows(), 70)
    assert [row.cost_microusd for row in await UsageLedger(blobs).totals("ten_a", *EVER)] == [0, 70]
    assert (await verify(blobs)).fault == ""


async def test_usage_goes_to_the_windows_of_its_reservation_even_after_midnight(blobs: Blobs) -> None:
    journal, before = Journal(blobs), NOON.replace(hour=23, minute=59) - timedelta(days=1)
    call = outbound(1, at=before)
    await journal.append(call)
    await seal(blobs)
    await journal.append(settled(call, 70, at=NOON, windows=windows()))
    await seal(blobs)
    assert (await UsageLedger(blobs).balances()).spent == dict.fromkeys(windows(day=before.date().isoformat()), 70)


async def test_an_outbound_record_that_a_list_did_not_show_yet_is_met_by_its_usage(blobs: Blobs) -> None:
    """The list was made before the outbound record came; its usage record, in a blob of an earlier name, was seen."""
    call, watched, first = outbound(1), Watched(blobs), [True]
    usage = f"{UNSEALED}20200101T000000.000000Z-a-1"
    await blobs.write(usage, join_lines([encode(settled(call, 70))]))

    async def write_outbound(name: str) -> None:
        if name == usage and first.pop():
            await blobs.write(f"{UNSEALED}20200102T000000.000000Z-b-1", join_lines([encode(call)]))

    watched.before["read"] = write_outbound
    made = await seal(watched)
    assert made is not None and not made.balance.open and not made.balance.early
    assert made.balance.budgets().spent == dict.fromkeys(windows(), 70)


async def test_an_outbound_record_whose_write_seemed_to_fail_and_came_late_is_not_open_for_ever(blobs: Blobs) -> None:
    """Its call was given up meanwhile, at no cost, and that was sealed first."""
    journal, call = Journal(blobs), outbound(1)
    await journal.append(settled(call, 0, lines=()))
    await seal(blobs)
    await journal.append(call)
    assert (await UsageLedger(blobs).balances()).open == ()
    made = await seal(blobs)
    assert made is not None and made.balance.open == () and made.balance.early == ()


async def test_a_record_of_a_later_revision_is_sealed_word_for_word(blobs: Blobs) -> None:
    line = b'{"type":"of-later","tenant_id":"ten_a","at":"2026-03-01T10:00:00Z","new":1}'
    await blobs.write(f"{UNSEALED}20260301T100000.000000Z-a-1", join_lines([line, b"torn {"]))
    made = await seal(blobs)
    assert made is not None
    assert {await blobs.read(blob.name) for blob in made.blobs} == {line + b"\n", b"torn {\n"}
    assert [blob.name.split("/")[1] for blob in made.blobs] == ["platform", "ten_a"]
    assert (await verify(blobs)).fault == ""


async def test_the_newest_seal_is_found_without_the_blob_that_tells_where(blobs: Blobs) -> None:
    journal = Journal(blobs)
    for number in range(3):
        await journal.append(free(number))
        await seal(blobs)
    for hint in (b"1", b"99", b"?", None):
        await blobs.write("book/head", hint) if hint else await blobs.erase("book/head")
        newest = await SealChain(blobs).newest()
        assert newest is not None and newest.seal.number == 3


@pytest.mark.parametrize("verb", ["names", "read"])
async def test_the_book_reads_the_same_while_it_is_sealed(blobs: Blobs, verb: str) -> None:
    """What a sealing takes away between a reader's steps is found all the same, and what came after it too."""
    journal, call = Journal(blobs), outbound(1)
    await journal.append(call)
    await journal.append(settled(call, 70))
    slow, gates = Watched(blobs), [Gate(UNSEALED), Gate(UNSEALED)]
    tasks: list[asyncio.Task[Any]] = []
    for gate, ask in zip(gates, (UsageLedger(slow).balances(), UsageLedger(slow).usage("ten_a", *EVER)), strict=True):
        slow.before[verb] = gate
        tasks.append(asyncio.create_task(ask))
        await gate.reached.wait()
    await journal.append(free(2))
    await seal(blobs)
    await journal.append(free(3))
    slow.before.clear()
    for gate in gates:
        gate.opened.set()
    balances, usage = await asyncio.gather(*tasks)
    assert balances.spent == dict.fromkeys(windows(), 70)
    assert sorted(one.usage_id for one in usage) == ["op_1", "stage_2", "stage_3"]


_SEALER = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
from shared.blobs.folder import FolderBlobs
from shared.usage.journal import Journal
from shared.usage.sealing import seal
from tests.shared.usage.samples import free, outbound, settled

class Slow(FolderBlobs):
    async def create(self, name, data):
        await asyncio.sleep(0.003)
        return await super().create(name, data)

async def main(blobs, who, noon):
    journal = Journal(blobs)
    async def work():
        for number in range(40):
            call = outbound(f"{who}_{number}", at=noon)
            await journal.append(call)
            await journal.append(settled(call, 10))
    print("ready", flush=True)
    sys.stdin.readline()
    task, made = asyncio.create_task(work()), 0
    while not task.done():
        made += await seal(blobs) is not None
    await task
    print(made)

asyncio.run(main(Slow(Path(sys.argv[1])), sys.argv[2], datetime.fromisoformat(sys.argv[3])))
"""


async def test_two_processes_that_write_and_seal_make_one_chain_of_all_records(tmp_path: Path) -> None:
    place, noon, pipe = str(tmp_path / "blobs"), NOON.isoformat(), asyncio.subprocess.PIPE
    sealers: list[Any] = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _SEALER, place, who, noon, stdin=pipe, stdout=pipe)
        for who in ("a", "b")
    ]
    for sealer in sealers:  # opening a folder tidies it: both are open before either writes
        assert await sealer.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(sealer.communicate(b"go\n") for sealer in sealers))
    made = [int(out) for out, _ in outputs]
    blobs = FolderBlobs(Path(place))
    await seal(blobs)
    assert all(made)
    assert (await UsageLedger(blobs).balances()).spent == dict.fromkeys(windows(), 800)
    assert len(await record_ids(blobs)) == 160
    verdict = await verify(blobs)
    assert verdict.fault == "" and verdict.records == 160 and verdict.seals >= sum(made)
