"""Removes erased text from the files of stores that only mark it as erased."""

import asyncio
import secrets

from msgspec import Struct

from shared.graph.port import GraphIndex
from shared.redis.client import RedisClient, Script
from shared.redis.marks import is_marked
from shared.vectors.port import VectorIndex

_DUE, _PAUSE = "compaction:due", "compaction:pause"
_PAUSE_S = 1800
"""Between two compactions: with their own time, text is gone within the hour."""

_DONE = Script("""
redis.call('SET', KEYS[2], '1', 'EX', ARGV[2])
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")


async def request_compaction(redis: RedisClient) -> None:
    """Called after an erasure; the sweep compacts. Raises `StoreUnavailable`."""
    await redis.call("SET", _DUE, secrets.token_hex(8))


class Compaction(Struct, frozen=True):
    redis: RedisClient
    vectors: VectorIndex
    graph: GraphIndex

    async def run(self) -> None:
        """Begins what is due, or finds that it is done; what was erased meanwhile is for the next one. Raises
        `StoreUnavailable`."""
        token = await self.redis.call("GET", _DUE)
        if not token or await is_marked(self.redis, _PAUSE, _PAUSE_S):
            return
        are_done = await asyncio.gather(self.vectors.compact(token), self.graph.compact(token))
        if all(are_done):
            await self.redis.run(_DONE, [_DUE, _PAUSE], [token, _PAUSE_S])
            await self._rewrite_log()

    async def _rewrite_log(self) -> None:
        """The append-only file of the server, where it has one, holds each command until it is rewritten."""
        if "aof_enabled:1" in await self.redis.call("INFO", "persistence"):
            await self.redis.call("BGREWRITEAOF")
