"""Whether a child process still works, so that one that is frozen is told from one on a busy machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from shared.types.tasks import cancel_all

_SAMPLED_S = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")
_AT_REST = frozenset("STt")


def activity(pid: int) -> tuple[str, int]:
    """The process's state and the processor time that it has used, in ticks; ("", 0) where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0
    return fields[0], int(fields[11]) + int(fields[12])


def is_frozen(before: tuple[str, int], after: tuple[str, int]) -> bool:
    """Whether the process neither ran nor waited for the processor or a disk, at both times."""
    return before[0] in _AT_REST and after[0] in _AT_REST and before[1] == after[1]


@asynccontextmanager
async def processor_time(pid: int) -> AsyncIterator[Callable[[], float]]:
    """Gives the seconds of processor time that a process has used within the body. Of a process that has ended they
    are those of at most `_SAMPLED_S` before its end, and 0 where the system does not say."""
    before = latest = activity(pid)[1]

    async def sample() -> None:
        nonlocal latest
        while True:
            await asyncio.sleep(_SAMPLED_S)
            latest = max(latest, activity(pid)[1])

    sampling = asyncio.create_task(sample(), name="processor time")
    try:
        yield lambda: (max(latest, activity(pid)[1]) - before) / _TICKS
    finally:
        await cancel_all([sampling])
