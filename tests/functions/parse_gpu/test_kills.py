"""What is killed in the middle of a slice costs that slice and nothing else."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from shared.parsing.document import Slice
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.pool.queue import SliceQueue
from tests.functions.parse_gpu.pooled import FakeReader, Pooled
from tests.functions.parse_gpu.test_pool import events_of
from tests.shared.parsing import drawn

LEASE_S = 2.0


def reading(process: subprocess.Popen[str]) -> int:
    """The next slice that the process begins."""
    assert process.stdout
    line = process.stdout.readline()
    assert line, "it ended"
    return int(line)


async def lease_ends(pooled: Pooled) -> float:
    """When the one claim that is held runs out, in milliseconds."""
    (_, score) = await pooled.redis.call("ZRANGE", "pool:leases", 0, -1, "WITHSCORES")
    return float(score)


@pytest.mark.parametrize("hangs_at", [1, 41])
async def test_a_killed_pool_loses_the_slice_it_was_at(
    pooled: Pooled, blobs_place: tuple[str, str], redis_url: str, tmp_path: Path, hangs_at: int
) -> None:
    record = await pooled.queue_up(60)
    arguments = [redis_url, *blobs_place, str(tmp_path / "data"), str(LEASE_S), str(hangs_at)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.functions.parse_gpu.dying", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        started = [await asyncio.to_thread(reading, process)]
        while started[-1] != hangs_at:
            started.append(await asyncio.to_thread(reading, process))
        held_until = await lease_ends(pooled)
        while await lease_ends(pooled) <= held_until:  # while it lives, its slice is its own
            assert process.poll() is None
            await asyncio.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    reader = FakeReader()
    await pooled.read_by(reader)
    assert Counter(started + reader.asked) == {1: 1, 21: 1, 41: 1} | {hangs_at: 2}
    assert (await pooled.read(record)).pages == 60
    ended = await pooled.run("parse_gpu", pooled.stored(record))
    assert ended.reply and set(await events_of(pooled, "chunk")) == {ended.reply.event_id}
    await pooled.bus.publish(ended.reply, "parse_gpu")
    await pooled.run_dry()
    assert await pooled.status(record.document_id) == "ready"


async def test_a_pool_that_dies_before_it_says_the_end_leaves_that_to_the_next(
    pooled: Pooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await pooled.queue_up(30)
    queue = SliceQueue(pooled.redis, lease_s=0.2)
    reader = FakeReader()
    published = asyncio.Event()

    async def never(*_: object) -> bool:
        published.set()
        return await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr("shared.runtime.pool.stage.PooledStage.conclude", never)
        pool = pooled.pool(reader, queue=queue)
        pool.start()
        await asyncio.wait_for(published.wait(), 60)
        patched.setattr("shared.pool.queue.SliceQueue.retry_later", never)  # a killed process gives nothing back
        for task in [*pool._loops, *pool._running.values()]:
            task.cancel()
    await pooled.read_by(reader)
    assert reader.asked == [1, 21] and (await pooled.read(record)).pages == 30


class Killing(ParserPool):
    """Kills its worker in the middle of a slice, once."""

    def __init__(self) -> None:
        super().__init__(ParsingLimits(), workers=1)
        self.killed = 0
        self.asked: list[int] = []

    async def parse_slice(
        self, media_type: str, content: bytes, first: int, spent: float = 0.0, last: int | None = None
    ) -> Slice:
        self.asked.append(first)
        asking = asyncio.create_task(super().parse_slice(media_type, content, first, spent, last))
        if first == 21 and not self.killed:
            while not self._busy:
                assert not asking.done()
                await asyncio.sleep(0)
            (worker,) = self._busy
            self.killed = worker.pid
            os.kill(worker.pid, signal.SIGKILL)
        return await asking


async def test_a_killed_worker_costs_its_slice_a_second_try(pooled: Pooled) -> None:
    record = await pooled.store_pages(drawn.pdf(*(drawn.text_page(number) for number in range(1, 46))))
    await pooled.step("parse_gpu")
    parsers = Killing()
    try:
        await pooled.read_by(parsers)
    finally:
        await parsers.close()
    assert parsers.killed and parsers.asked == [1, 21, 41]
    assert (await pooled.read(record)).pages == 45
    await pooled.run_dry()
    assert await pooled.status(record.document_id) == "ready"
