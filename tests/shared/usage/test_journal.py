"""What the journal has acknowledged is durable, and many who write at the same time share one blob."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.types.errors import DiskFull, StoreUnavailable
from shared.usage import journal as module
from shared.usage.codec import decode_records
from shared.usage.journal import UNSEALED, Journal
from shared.usage.records import Record, record_id
from tests.shared.usage.samples import Gate, Watched, free, outbound


async def stands(blobs: Blobs) -> list[Record]:
    return [record for name in await blobs.names(UNSEALED) for record in decode_records(await blobs.read(name))]


async def test_a_record_is_durable_when_append_returns(blobs: Blobs) -> None:
    record = outbound(1)
    await Journal(blobs).append(record)
    assert await stands(blobs) == [record]


async def test_records_that_come_while_a_blob_is_written_share_the_next_one(blobs: Blobs) -> None:
    watched, gate = Watched(blobs), Gate()
    watched.before["write"] = gate
    journal = Journal(watched)
    callers = [asyncio.create_task(journal.append(free(number))) for number in range(200)]
    await gate.reached.wait()
    gate.opened.set()
    await asyncio.gather(*callers)
    assert len(watched.written()) <= 2
    assert {record_id(one) for one in await stands(blobs)} == {f"usage-stage_{number}" for number in range(200)}


async def test_none_is_acknowledged_before_its_own_blob_is_written(blobs: Blobs) -> None:
    watched, gate = Watched(blobs), Gate()
    journal = Journal(watched)
    await journal.append(free(0))
    watched.before["write"] = gate
    waiting = asyncio.create_task(journal.append(free(1)))
    await gate.reached.wait()
    late = asyncio.create_task(journal.append(free(2)))
    await asyncio.sleep(0)
    assert not waiting.done() and not late.done()
    assert len(await stands(blobs)) == 1
    gate.opened.set()
    await asyncio.gather(waiting, late)
    assert len(await stands(blobs)) == 3


@pytest.mark.parametrize("error", [StoreUnavailable("blobs", "away"), DiskFull("full")])
async def test_every_waiter_hears_that_it_was_not_written(blobs: Blobs, error: Exception) -> None:
    watched = Watched(blobs)

    async def fail(_: str) -> None:
        raise error

    watched.before["write"] = fail
    journal = Journal(watched)
    on_remaining = await asyncio.gather(*(journal.append(free(number)) for number in range(5)), return_exceptions=True)
    assert on_remaining == [error] * 5
    watched.before.clear()
    await journal.append(free(9))
    assert [record_id(one) for one in await stands(blobs)] == ["usage-stage_9"]


async def test_one_who_gives_up_waiting_takes_nobody_elses_record_along(blobs: Blobs) -> None:
    watched, gate = Watched(blobs), Gate()
    watched.before["write"] = gate
    journal = Journal(watched)
    first = asyncio.create_task(journal.append(free(1)))
    await gate.reached.wait()
    second, third = (asyncio.create_task(journal.append(free(number))) for number in (2, 3))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    gate.opened.set()
    await third
    assert len(await stands(blobs)) == 3


async def test_a_blob_does_not_grow_without_end(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BATCH_RECORDS", 10)
    watched = Watched(blobs)
    journal = Journal(watched)
    await asyncio.gather(*(journal.append(free(number)) for number in range(95)))
    assert len(watched.written()) == 10
    assert len(await stands(blobs)) == 95


async def test_free_work_is_written_soon_without_anybody_waiting(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_DELAY_S", 0.01)
    journal = Journal(blobs)
    journal.append_soon(free(1))
    assert await stands(blobs) == []
    async with asyncio.timeout(60):
        while not await stands(blobs):
            await asyncio.sleep(0.005)


async def test_closing_writes_what_nobody_waited_for(blobs: Blobs) -> None:
    journal = Journal(blobs)
    journal.append_soon(free(1))
    journal.append_soon(free(2))
    await journal.close()
    assert len(await stands(blobs)) == 2
    with pytest.raises(StoreUnavailable):
        await journal.append(free(3))


async def test_free_work_outlasts_a_store_that_was_away(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_DELAY_S", 0.01)
    watched, tried = Watched(blobs), asyncio.Event()

    async def fail(_: str) -> None:
        tried.set()
        raise StoreUnavailable("blobs", "away")

    watched.before["write"] = fail
    journal = Journal(watched)
    journal.append_soon(free(1))
    await tried.wait()
    watched.before.clear()
    await journal.append(free(2))
    await journal.close()
    assert len(await stands(blobs)) == 2


_WRITER = """
import asyncio, sys
from pathlib import Path
from shared.blobs.folder import FolderBlobs
from shared.usage.journal import Journal
from tests.shared.usage.samples import free

async def main():
    journal = Journal(FolderBlobs(Path(sys.argv[1])))
    async def one(number):
        await journal.append(free(number))
        print(number, flush=True)
    for first in range(0, 100000, 20):
        await asyncio.gather(*(one(number) for number in range(first, first + 20)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_before_a_kill_stands_in_the_book(tmp_path: Path) -> None:
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, str(tmp_path / "blobs"), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    acknowledged = [int(await writer.stdout.readline()) for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in (await writer.stdout.read()).split(b"\n")[:-1] if line]
    await writer.wait()
    found = {record_id(one) for one in await stands(FolderBlobs(tmp_path / "blobs"))}
    assert {f"usage-stage_{number}" for number in acknowledged} <= found
