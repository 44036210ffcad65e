"""Work of the processor: who waits for whom, and that a process ends in time whatever runs."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from shared.processes.cpu_threads import run_long, run_short, stop_if_left
from shared.processes.turns import MOST_WAITING, TenantTurns
from shared.types.errors import RateLimited


async def test_a_tenants_calls_run_one_by_one_and_delay_no_other_tenant() -> None:
    turns, order = TenantTurns(), list[str]()

    async def call(tenant: str, name: str) -> None:
        async with turns.turn(tenant):
            order.append(f"{name} begins")
            await asyncio.sleep(0.05)
            order.append(f"{name} ends")

    await asyncio.gather(call("ten_a", "first"), call("ten_a", "second"), call("ten_b", "other"))
    assert order.index("first ends") < order.index("second begins")
    assert order.index("other begins") < order.index("first ends")


async def test_more_waiting_calls_than_are_allowed_are_refused_and_the_place_is_free_again() -> None:
    turns, end = TenantTurns(), asyncio.Event()

    async def call() -> None:
        async with turns.turn("ten_a"):
            await end.wait()

    running = [asyncio.create_task(call()) for _ in range(MOST_WAITING + 1)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await call()
    running.pop().cancel()
    end.set()
    await asyncio.gather(*running)
    await call()


async def test_long_work_holds_up_neither_short_work_nor_files() -> None:
    end = threading.Event()
    long = [asyncio.create_task(run_long("ten_a", end.wait, 120)) for _ in range(50)]
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        assert await run_short(lambda: 1) == 1
        assert await asyncio.to_thread(lambda: 2) == 2
        assert await run_long("ten_b", lambda: 3) == 3, "another tenant's long work has a thread"
        long[0].cancel()
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):  # the thread of a caller that has left is not free yet
            await asyncio.wait_for(run_long("ten_a", lambda: 4), 0.05)
    end.set()
    await asyncio.gather(*long, return_exceptions=True)


async def test_long_work_stops_at_its_next_step_when_its_caller_is_cancelled() -> None:
    started, ended = threading.Event(), threading.Event()

    def steps() -> None:
        try:
            while True:
                started.set()
                stop_if_left()
        finally:
            ended.set()

    call = asyncio.create_task(run_long("ten_a", steps))
    await asyncio.to_thread(started.wait, 60)
    call.cancel()
    assert await asyncio.to_thread(ended.wait, 60)


def test_a_process_that_was_asked_to_stop_ends_in_time_whatever_runs() -> None:
    program = (
        "import asyncio, time\n"
        "from shared.processes.cpu_threads import run_long\n"
        "from shared.processes.ending import exit_within\n"
        "async def main():\n"
        "    work = asyncio.create_task(run_long('ten_a', time.sleep, 120))\n"
        "    await asyncio.sleep(0.1)\n"
        "    exit_within(0.5)\n"
        "asyncio.run(main())\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0
    assert "work in progress" in done.stderr
    assert time.monotonic() - started < 60
