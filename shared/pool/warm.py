"""Parser processes that are warm before the first document: models are loaded, and a worker that is due for
replacement is replaced in advance."""

import asyncio
from collections import Counter

from shared.formats.table import PAGED
from shared.parsing.engine import BUILTIN, PdfEngine
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.parsing.process import Worker
from shared.pool.gpu import GpuMemory
from shared.telemetry.logs import log

_ABOUT = {"function": "parse_gpu"}


class WarmParsers(ParserPool):
    """Processes for documents with pages. A worker that ends is counted by its reason: `pages` it has read, `memory`
    it has grown by, `gpu_memory` that is used up, `ended` for one that died or was cancelled."""

    def __init__(
        self, limits: ParsingLimits, workers: int, gpu: GpuMemory | None = None, engine: PdfEngine = BUILTIN
    ) -> None:
        super().__init__(limits, workers, engine)
        self.size = workers
        self.recycled: Counter[str] = Counter()
        self._gpu = gpu
        self._warming: set[asyncio.Task[None]] = set()
        self._devices = ""

    @property
    def in_use(self) -> int:
        return sum(worker.is_alive() for worker in self._busy)

    @property
    def alive(self) -> int:
        return self.in_use + sum(worker.is_alive() for worker in self._idle.get(PAGED, []))

    async def warm(self) -> None:
        """Returns when every worker is ready or has failed to start; such a worker is started with its first slice."""
        missing = self.size - self.alive - len(self._warming)
        for _ in range(missing):
            self._replace()
        if self._warming:
            await asyncio.wait(self._warming)

    async def close(self) -> None:
        for task in self._warming:
            task.cancel()
        await super().close()
        if self._warming:
            await asyncio.wait(self._warming)

    async def _worker(self, parser: str) -> Worker:
        while self._warming and not any(worker.is_alive() for worker in self._idle.get(parser, [])):
            await asyncio.wait(self._warming, return_when=asyncio.FIRST_COMPLETED)
        return await super()._worker(parser)

    def _why_else(self, worker: Worker) -> str:
        return "gpu_memory" if self._gpu and self._gpu.is_short(worker.pid) else ""

    def _retired(self, parser: str, reason: str) -> None:
        if not self._closed:
            self.recycled[reason] += 1
            self._replace()

    def _replace(self) -> None:
        task = asyncio.create_task(self._warm_one(), name="warming a parser")
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)

    async def _warm_one(self) -> None:
        try:
            worker = await self._started(PAGED)
        except Exception:  # noqa: BLE001 - the next slice tries again and reports the error
            log().exception("a warm parser does not start", extra=_ABOUT)
            return
        ready = False
        try:
            self._log_devices(await worker.preload(PAGED))
            ready = not self._closed
        except Exception:  # noqa: BLE001 - the same
            log().exception("a parser cannot be made warm", extra=_ABOUT)
        finally:
            if ready:
                self._idle.setdefault(PAGED, []).append(worker)
            else:
                await worker.end()

    def _log_devices(self, devices: str) -> None:
        """Logs where the models compute, when that changes: a card that cannot be used is not passed over silently."""
        if devices == self._devices:
            return
        self._devices = devices
        is_lost = self._engine.device == "cuda" and "cuda" not in devices.lower()
        write = log().warning if is_lost else log().info
        write(f"warm parsers: {devices}{', though there is a graphics card' if is_lost else ''}", extra=_ABOUT)
