"""A process that takes more memory than it may is ended, whatever library it is in."""

import asyncio
import signal
import sys

from shared.processes.resident import resident_bound, resident_bytes

MIB = 1024 * 1024
GROWS = f"import time; held = bytes(range(256)) * {64 * MIB // 256}; time.sleep(600)"


async def test_a_process_above_its_bound_is_ended_and_one_without_a_bound_lives() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", GROWS)
    try:
        async with asyncio.timeout(120):
            while resident_bytes(process.pid) < 64 * MIB:
                await asyncio.sleep(0.05)
            async with resident_bound(process.pid, None) as is_exceeded:
                assert not is_exceeded() and process.returncode is None
            async with resident_bound(process.pid, 4096 * MIB) as is_exceeded:
                await asyncio.sleep(0)
                assert not is_exceeded() and process.returncode is None
            async with resident_bound(process.pid, 32 * MIB) as is_exceeded:
                assert await process.wait() == -signal.SIGKILL and is_exceeded()
    finally:
        if process.returncode is None:
            process.kill()
    assert resident_bytes(process.pid) == 0
