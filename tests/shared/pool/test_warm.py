"""Warm parsers are ready before the first document, and replaced before they grow old."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from shared.parsing.limits import ParsingLimits
from shared.parsing.process import ParserUnavailable, Worker
from shared.pool.gpu import GpuMemory, pairs
from shared.pool.warm import WarmParsers
from tests.shared.parsing import drawn

CONTENT = drawn.pdf(*(drawn.text_page(number) for number in range(1, 31)))


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Workers say that they are warm without loading anything; the list tells which did."""
    warmed: list[int] = []

    async def preload(worker: Worker, parser: str) -> str:
        warmed.append(worker.pid)
        return ""

    monkeypatch.setattr(Worker, "preload", preload)
    return warmed


@pytest.fixture
async def parsers(unloaded: list[int]) -> AsyncIterator[WarmParsers]:
    warm = WarmParsers(ParsingLimits(worker_pages=40), workers=2)
    await warm.warm()
    yield warm
    await warm.close()


async def read(parsers: WarmParsers, first: int = 1) -> int:
    return (await parsers.parse_slice("application/pdf", CONTENT, first)).until


async def settled(parsers: WarmParsers) -> None:
    async with asyncio.timeout(60):
        while parsers._warming:
            await asyncio.wait(parsers._warming)


async def test_a_parser_that_has_nothing_to_load_cannot_be_made_warm() -> None:
    worker = await Worker.start(ParsingLimits())
    with pytest.raises(ParserUnavailable):
        await worker.preload("light")
    await worker.end()


async def test_every_worker_is_warm_before_the_first_slice(parsers: WarmParsers, unloaded: list[int]) -> None:
    assert len(set(unloaded)) == parsers.alive == 2 and parsers.in_use == 0
    await asyncio.gather(read(parsers), read(parsers))
    assert len(unloaded) == 2, "no other was started"


async def test_a_worker_is_replaced_after_so_many_pages_by_one_that_is_warm(
    parsers: WarmParsers, unloaded: list[int]
) -> None:
    for _ in range(3):
        await read(parsers)
    await settled(parsers)
    assert parsers.recycled == {"pages": 1} and len(set(unloaded)) == 3 and parsers.alive == 2


async def test_a_worker_that_has_grown_is_replaced(unloaded: list[int]) -> None:
    warm = WarmParsers(ParsingLimits(growth_bytes=1), workers=1)
    await warm.warm()
    await read(warm)
    await settled(warm)
    assert warm.recycled == {"memory": 1} and warm.alive == 1
    await warm.close()


async def test_a_worker_is_replaced_when_the_card_is_full(unloaded: list[int]) -> None:
    card = GpuMemory()
    warm = WarmParsers(ParsingLimits(), workers=1, gpu=card)
    await warm.warm()
    await read(warm)
    assert warm.recycled == {}
    card.fullest = 0.95
    await read(warm)
    await settled(warm)
    assert warm.recycled == {"gpu_memory": 1}
    await warm.close()


async def test_a_cancelled_slice_ends_its_worker_and_another_is_warmed(parsers: WarmParsers) -> None:
    asked = asyncio.create_task(read(parsers))
    while not parsers._busy:
        assert not asked.done()
        await asyncio.sleep(0)
    (worker,) = parsers._busy
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not worker.is_alive()
    await settled(parsers)
    assert parsers.recycled == {"ended": 1} and parsers.alive == 2


async def test_a_worker_that_died_at_rest_is_not_asked(parsers: WarmParsers, unloaded: list[int]) -> None:
    for pid in unloaded:
        os.kill(pid, signal.SIGKILL)
    while parsers.alive:
        await asyncio.sleep(0.005)
    assert await read(parsers, 21) == 30


async def test_workers_that_cannot_be_made_warm_do_not_stop_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(worker: Worker, parser: str) -> None:
        raise ParserUnavailable("a library is missing")

    monkeypatch.setattr(Worker, "preload", fail)
    warm = WarmParsers(ParsingLimits(), workers=1)
    await warm.warm()
    assert warm.alive == 0 and await read(warm) == 20
    await warm.close()


def test_what_nvidia_smi_does_not_know_is_left_out() -> None:
    assert pairs("1021, 3100\n1022, [N/A]\n\n40960\n") == [(1021, 3100)]


def test_a_process_that_holds_too_much_of_the_card_is_short() -> None:
    card = GpuMemory(by_process={1021: 5 << 30, 1022: 1 << 20}, fullest=0.5)
    assert [card.is_short(pid) for pid in (1021, 1022, 1)] == [True, False, False]


async def test_nvidia_smi_is_asked_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    from pathlib import Path

    program = Path(str(tmp_path)) / "nvidia-smi"
    program.write_text("#!/bin/sh\ncase $1 in *gpu=*) echo '9000, 10000';; *) echo '77, 4000';; esac\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    card = GpuMemory()
    await card.read()
    assert (card.fullest, card.by_process) == (0.9, {77: 4000 << 20})
