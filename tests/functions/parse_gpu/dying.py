"""A process of its own that reads slices: `URL WORLD PLACE DATA LEASE_S HANGS_AT`. It prints each slice that it begins
(the page it begins at) and never ends the one that begins at `HANGS_AT`."""

import asyncio
import sys
from pathlib import Path

import msgspec

from shared.parsing.document import Slice
from shared.pool.queue import SliceQueue
from shared.redis.connection import over_url
from tests.functions.parse_gpu.pooled import FakeReader, Pooled, pooled_table
from tests.stores import BLOBS


class Telling(FakeReader):
    async def parse_slice(
        self, media_type: str, content: bytes, first: int, spent: float = 0.0, last: int | None = None
    ) -> Slice:
        print(first, flush=True)
        return await super().parse_slice(media_type, content, first, spent, last)


async def main(url: str, backend: str, place: str, data: str, lease_s: str, hangs_at: str) -> None:
    redis, reader = over_url(url, answer_s=5), over_url(url, answer_s=5)
    pooled = Pooled(BLOBS[backend](place), redis, reader, Path(data), pooled_table())
    pooled.services.settings = msgspec.structs.replace(pooled.services.settings, pool_workers=1)
    telling = Telling()
    telling.happens[int(hangs_at)] = asyncio.Event().wait  # type: ignore[assignment]
    pooled.pool(telling, queue=SliceQueue(redis, float(lease_s))).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
