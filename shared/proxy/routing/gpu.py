"""How busy this machine's GPU is, where that can be read."""

import asyncio
import contextlib
import shutil
import time

from shared.processes.environment import child_environment

_CACHED_S = 5.0
_ANSWER_S = 1.0
_QUERY = ("--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")


class Gpu:
    """The busiest one, by `nvidia-smi`; it says nothing of a local model that runs on another machine."""

    def __init__(self, program: str = "nvidia-smi") -> None:
        self._program = shutil.which(program)
        self._read_at = float("-inf")
        self._busy: float | None = None

    async def busy(self) -> float | None:
        """A share of 1; None where it is not known. Read at most every five seconds."""
        if self._program is None:
            return None
        if time.monotonic() - self._read_at > _CACHED_S:
            self._read_at = time.monotonic()
            self._busy = await self._read(self._program)
        return self._busy

    async def _read(self, program: str) -> float | None:
        try:
            asked = await asyncio.create_subprocess_exec(
                program,
                *_QUERY,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=child_environment(),
            )
        except OSError:
            return None
        try:
            async with asyncio.timeout(_ANSWER_S):
                output, _ = await asked.communicate()
            return max(int(line) for line in output.split()) / 100
        except (TimeoutError, ValueError):
            return None
        finally:
            if asked.returncode is None:
                asked.kill()
                with contextlib.suppress(TimeoutError):  # one that hangs in the driver cannot even be killed
                    await asyncio.wait_for(asked.wait(), _ANSWER_S)
