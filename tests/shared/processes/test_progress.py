"""How much of the processor a child has used is known after its end, too."""

import asyncio
import sys
import time

import pytest

from shared.processes import progress
from shared.processes.progress import processor_time

_WORK = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ntime.sleep(60)"


async def test_a_child_is_charged_what_it_computed_and_not_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SAMPLED_S", 0.05)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", _WORK, stdout=asyncio.subprocess.PIPE)
    assert child.stdout
    started = time.monotonic()
    async with processor_time(child.pid) as used:
        await child.stdout.readline()
        await asyncio.sleep(0.5)  # waits, and is not charged for it
        child.kill()
        await child.wait()
        assert 0.2 < used() < time.monotonic() - started - 0.4
