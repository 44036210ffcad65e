"""The pipeline with the suite's own `parse_gpu` in it, and a reader of slices that does as a test tells it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from shared.blobs.port import Blobs
from shared.parsing.document import Block, ParsedDocument, Slice
from shared.parsing.limits import SLICE_PAGES
from shared.pool.pool import Pool
from shared.pool.port import SliceReader
from shared.pool.queue import SliceQueue
from shared.records.structs import DocumentRecord
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.runtime.pool.stage import PooledStage
from shared.table.table import Table, load
from tests.pipeline.suite import SECRETS, TENANT, Suite, table
from tests.pipeline.workshop import WORKSHOP

Happening = Callable[[], Awaitable[None]]


class FakeReader:
    """Reads documents that say how many pages they have. `happens` is done before a slice that begins at its page."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.happens: dict[int, Happening] = {}
        self.most = SLICE_PAGES
        self.at_once = 0
        self.most_at_once = 0

    async def parse_slice(
        self, media_type: str, content: bytes, first: int, spent: float = 0.0, last: int | None = None
    ) -> Slice:
        self.asked.append(first)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if first in self.happens:
                await self.happens[first]()
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        pages = int(content.split()[0])
        until = min(first + self.most - 1, last or pages, pages)
        blocks = tuple(Block("paragraph", f"Text of page {page}.", page=page) for page in range(first, until + 1))
        return Slice(blocks, until, pages)


class Pooled(Suite):
    """A suite with a warm pool. Pools run only where a test starts one."""

    async def store_pages(self, content: bytes, tenant_id: str = TENANT) -> DocumentRecord:
        """A document with pages, taken in and sent on its way to the pool."""
        record = await self.store(
            content, tenant_id, filename="a.pdf", media_type="application/pdf", parser="paged", route="gpu"
        )
        await self.bus.publish(self.stored(record, tenant_id), "upload")
        return record

    async def queue_up(self, pages: int, more: str = "") -> DocumentRecord:
        """A document of so many pages that stands in the pool's queue."""
        record = await self.store_pages(f"{pages} pages {more}".encode())
        assert await self.step("parse_gpu")
        return record

    def pool(self, reader: SliceReader, workers: int = 1, queue: SliceQueue | None = None) -> Pool:
        stage = PooledStage(self.table.function("parse_gpu"), self.services, SECRETS)
        return Pool(queue or self.services.slice_queue, reader, stage, workers, pause=lambda attempts: 0)

    async def read_by(self, reader: SliceReader, workers: int = 1) -> None:
        """Runs a pool until it has nothing left."""
        pool = self.pool(reader, workers)
        pool.start()
        try:
            async with asyncio.timeout(60):
                while not await self.is_idle():
                    await asyncio.sleep(0.01)
        finally:
            await pool.stop()

    async def is_idle(self) -> bool:
        return not [key async for key in self.redis.scan("pool:job:*")]

    async def read(self, record: DocumentRecord) -> ParsedDocument:
        stage = await self.stage(record, "parse_gpu")
        assert stage and stage.event
        return msgspec.json.decode(await self.records.read(stage.event["data"]["parsed"]), type=ParsedDocument)


def pooled_table() -> Table:
    """The test's stages with the suite's own `parse_gpu` before them, which speaks as `parse` does."""
    rows = {function.name: function for function in table().functions}
    upload, parse = rows.pop("upload"), rows.pop("parse")
    return Table((upload, parse, load().function("parse_gpu"), *rows.values()))


@pytest.fixture
async def pooled(blobs: Blobs, redis: RedisClient, redis_url: str, tmp_path: Path) -> AsyncIterator[Pooled]:
    reader = over_url(redis_url, answer_s=5)
    opened = Pooled(blobs, redis, reader, tmp_path / "data", pooled_table())
    opened.services.settings = msgspec.structs.replace(opened.services.settings, pool_workers=1)
    await opened.open()
    yield opened
    WORKSHOP.clear()
    if "vectors" in vars(opened.services):
        await opened.services.vectors.close()
    if "parsers" in vars(opened.services):
        await opened.services.parser_pool.close()
    await reader.close()
