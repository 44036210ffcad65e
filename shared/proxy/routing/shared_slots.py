"""The calls that an account may run at a time, counted over all processes of an installation."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from shared.redis.client import RedisClient, RedisWord, Script
from shared.redis.leases import renew_repeatedly
from shared.types.errors import StoreUnavailable
from shared.upstreams.port import UpstreamError

LEASE_S = 15.0
"""How long a slot of a process that died stays taken."""

_ABANDONED_S = 3.0
"""A call that has not asked for so long no longer waits."""
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.25

# Redis away: no call of the cloud, as its budget cannot be reserved either. Keys: the held slots by the end of their
# lease, the waiting calls in the order in which they came, the same by when they last asked.
_TAKE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- What lies further ahead than a lease, or when a call last asked, is from before the clock was set back.
for _, token in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now + ARGV[3], '+inf')) do
  redis.call('ZADD', KEYS[1], now + ARGV[3], token)
end
for _, token in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. now, '+inf')) do
  redis.call('ZREM', KEYS[2], token)
  redis.call('ZREM', KEYS[3], token)
end
for _, token in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[4])) do
  redis.call('ZREM', KEYS[2], token)
  redis.call('ZREM', KEYS[3], token)
end
redis.call('ZADD', KEYS[2], 'NX', time[1] * 1000000 + time[2], ARGV[1])
local free = ARGV[2] - redis.call('ZCARD', KEYS[1])
if redis.call('ZRANK', KEYS[2], ARGV[1]) >= free then
  redis.call('ZADD', KEYS[3], now, ARGV[1])
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
return 1
""")

# Redis away: the lease ends by itself.
_RENEW = Script("""
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], 'XX', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
""")


class SharedSlots:
    """Slots of one server in Redis. They go to the calls in the order in which they came, over all processes; a slot
    whose holder died comes free when its lease ends."""

    def __init__(self, redis: Callable[[], RedisClient], server: str, limit: int, *, lease_s: float = LEASE_S) -> None:
        self._redis = redis
        self._limit = limit
        self._lease_ms = round(lease_s * 1000)
        self._keys = [f"slots:{server}:{kind}" for kind in ("held", "waiting", "asked")]
        self._leaving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def hold(self, wait_s: float) -> AsyncIterator[None]:
        """Raises `UpstreamError` (`rate_limited`) when no slot came free in `wait_s`: nothing was sent. Raises
        `StoreUnavailable`."""
        token = secrets.token_hex(8)
        try:
            await self._take(token, wait_s)
            renew = partial(self._redis().run, _RENEW, self._keys[:1], [token, self._lease_ms])
            renewal = asyncio.create_task(renew_repeatedly(self._lease_ms / 1000, renew))
            try:
                yield
            finally:
                renewal.cancel()
        finally:
            leaving = asyncio.create_task(self._leave(token))  # the call's answer does not wait for it
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Waits until the slots are given back."""
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _take(self, token: str, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        until, pause_s = loop.time() + wait_s, _SHORTEST_PAUSE_S
        words: list[RedisWord] = [token, self._limit, self._lease_ms, round(_ABANDONED_S * 1000)]
        while not await self._redis().run(_TAKE, self._keys, words):
            if loop.time() + pause_s > until:
                detail = f"no slot came free in {wait_s:.1f} s"
                raise UpstreamError("rate_limited", detail, may_have_run=False, retry_after=1)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _leave(self, token: str) -> None:
        with contextlib.suppress(StoreUnavailable):  # the lease ends by itself
            await self._redis().batch([("ZREM", key, token) for key in self._keys])
