"""Runs the warm pool of a process and its gauges."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from events.envelope import Secrets
from shared.pool import gpu
from shared.pool.pool import Pool
from shared.pool.warm import WarmParsers
from shared.runtime.pool.stage import PooledStage
from shared.runtime.wiring.services import Services
from shared.telemetry import metrics
from shared.types.errors import StoreUnavailable

NAME = "parse_gpu"
_GAUGES_S = 5.0
_GRACE_S = 5.0
"""How long a running slice may still take at the end; an interrupted one is read again by the next pool."""


@asynccontextmanager
async def pool_running(services: Services, secrets: Secrets) -> AsyncIterator[asyncio.Task[None]]:
    """Runs a pool for as long as the context lasts; the task that it yields ends when the workers are warm. Only then
    are slices claimed."""
    settings = services.settings
    most = gpu.MAX_DOCLING_BYTES if settings.pdf_engine.is_docling else gpu.MAX_WORKER_BYTES
    memory = gpu.GpuMemory(most_bytes=most) if settings.pdf_engine.device == "cuda" else None
    parsers = WarmParsers(settings.parsing, settings.pool_workers, memory, settings.pdf_engine)
    stage = PooledStage(services.table.function(NAME), services, secrets)
    pool = Pool(services.slice_queue, parsers, stage, parsers.size)

    async def start() -> None:
        await parsers.warm()
        metrics.show_pool(NAME, parsers.in_use, parsers.alive, parsers.recycled)
        pool.start()

    warming = asyncio.create_task(start(), name="pool start")
    watching = asyncio.create_task(_refresh_gauges(services, parsers, memory), name="pool gauges")
    try:
        yield warming
    finally:
        for task in (warming, watching):
            task.cancel()
        await asyncio.wait([warming, watching])
        await pool.stop(_GRACE_S)
        await parsers.close()


async def _refresh_gauges(services: Services, parsers: WarmParsers, memory: gpu.GpuMemory | None) -> None:
    while True:
        metrics.show_pool(NAME, parsers.in_use, parsers.alive, parsers.recycled)
        with contextlib.suppress(StoreUnavailable):
            await services.slice_queue.mark_pool_alive()
            depth = await services.slice_queue.depth()
            metrics.show_slices(depth.slices, depth.pages, depth.oldest_wait_s)
        if memory:
            with contextlib.suppress(OSError):
                await memory.read()
        await asyncio.sleep(_GAUGES_S)
