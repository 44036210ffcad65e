"""How full the GPU's memory is, asked of `nvidia-smi`, where there is one."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE

from msgspec import Struct

from shared.parsing.limits import GIB, MIB

FULL = 0.9
"""Share of a card's memory above which the next worker that ends a slice is replaced: what a library keeps goes with
its process."""

MOST_OF_A_WORKER = 4 * GIB
_ANSWER_S = 5.0


class GpuMemory(Struct):
    """The last reading: bytes by process, and the fullest card's share. Within a container `nvidia-smi` may know
    processes by other numbers; then the card's share alone decides."""

    by_process: dict[int, int] = {}
    fullest: float = 0.0
    most_bytes: int = MOST_OF_A_WORKER

    def is_short(self, pid: int) -> bool:
        return self.fullest > FULL or self.by_process.get(pid, 0) > self.most_bytes

    async def read(self) -> None:
        """Keeps the last reading where `nvidia-smi` does not answer."""
        cards = await _asked("--query-gpu=memory.used,memory.total")
        processes = await _asked("--query-compute-apps=pid,used_memory")
        if cards:
            self.fullest = max(used / total for used, total in cards if total)
            self.by_process = {pid: used * MIB for pid, used in processes}


def is_there() -> bool:
    return shutil.which("nvidia-smi") is not None


async def _asked(question: str) -> list[tuple[int, int]]:
    """Pairs of whole numbers, one a line; memory in MiB."""
    process = await asyncio.create_subprocess_exec(
        "nvidia-smi", question, "--format=csv,noheader,nounits", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
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
    """Lines that hold something else, as `[N/A]`, are left out."""
    words = [[word.strip() for word in line.split(",")] for line in text.splitlines()]
    return [(int(one[0]), int(one[1])) for one in words if len(one) == 2 and all(word.isdecimal() for word in one)]
