"""Reads the GPU's memory use from `nvidia-smi`, where it is installed."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE

from msgspec import Struct

from shared.parsing.limits import GIB, MIB
from shared.processes.environment import child_environment

FULL = 0.9
"""Share of a card's memory above which the next worker to end a slice is replaced: memory that a library holds is
released only with its process."""

MAX_WORKER_BYTES = 4 * GIB
MAX_DOCLING_BYTES = 6 * GIB
_ANSWER_S = 5.0


class GpuMemory(Struct):
    """The last reading: bytes per process, and the fullest card's share. In a container `nvidia-smi` may report other
    process ids; then the card's share alone decides."""

    by_process: dict[int, int] = {}
    fullest: float = 0.0
    most_bytes: int = MAX_WORKER_BYTES

    def is_short(self, pid: int) -> bool:
        return self.fullest > FULL or self.by_process.get(pid, 0) > self.most_bytes

    async def read(self) -> None:
        """Updates the reading; it stays as it is where `nvidia-smi` does not answer."""
        cards = await _query("--query-gpu=memory.used,memory.total")
        processes = await _query("--query-compute-apps=pid,used_memory")
        if cards:
            self.fullest = max(used / total for used, total in cards if total)
            self.by_process = {pid: used * MIB for pid, used in processes}


async def _query(option: str) -> list[tuple[int, int]]:
    """Pairs of integers, one per line; memory in MiB."""
    process = await asyncio.create_subprocess_exec(
        *("nvidia-smi", option, "--format=csv,noheader,nounits"),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        env=child_environment(),
    )
    try:
        async with asyncio.timeout(_ANSWER_S):
            answer, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return []
    return pairs(answer.decode(errors="replace")) if process.returncode == 0 else []


def pairs(text: str) -> list[tuple[int, int]]:
    """Skips lines with other values such as `[N/A]`."""
    words = [[word.strip() for word in line.split(",")] for line in text.splitlines()]
    return [(int(one[0]), int(one[1])) for one in words if len(one) == 2 and all(word.isdecimal() for word in one)]
