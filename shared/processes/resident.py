"""Bounds the resident memory of a child process whose address space cannot be bounded."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from shared.types.tasks import cancel_all

_SAMPLED_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Returns 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


@asynccontextmanager
async def resident_bound(pid: int, most: int | None) -> AsyncIterator[Callable[[], bool]]:
    """Kills the process within the body once it has more than `most` bytes resident, and gives whether it was; without
    a bound where that is None."""
    exceeded = False

    async def watch(most: int) -> None:
        nonlocal exceeded
        while resident_bytes(pid) <= most:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(_SAMPLED_S)
        exceeded = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    watching = [] if most is None else [asyncio.create_task(watch(most), name="resident memory")]
    try:
        yield lambda: exceeded
    finally:
        await cancel_all(watching)
