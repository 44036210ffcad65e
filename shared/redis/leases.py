"""Named leases in Redis: one holder at a time, and each ends without its holder."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from shared.redis.client import RedisClient, Script
from shared.types.errors import StoreUnavailable

LEASE_S = 20
_LEASE_MS = LEASE_S * 1000

# Keys expire by the wall clock of the server: where it was set back, a lease would last that much longer. None lasts
# longer than its seconds from now on; a holder that is alive renews it in time.
_BOUND = """
local function bound(key, milliseconds)
  if redis.call('PTTL', key) > tonumber(milliseconds) then redis.call('PEXPIRE', key, milliseconds) end
end
"""
_HOLD = Script(
    _BOUND
    + """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
bound(KEYS[1], ARGV[3])
return 0
"""
)
_IS_HELD = Script(
    _BOUND
    + """
bound(KEYS[1], ARGV[1])
return redis.call('EXISTS', KEYS[1])
"""
)
_RENEW = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")


class Leases:
    """Named leases that renew themselves while they are held."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    @asynccontextmanager
    async def hold(self, name: str, seconds: float = LEASE_S) -> AsyncIterator[bool]:
        """Yields True where the lease was taken, False where another holds it."""
        token, key = secrets.token_hex(8), _key(name)
        milliseconds = round(seconds * 1000)
        if not await self._redis.run(_HOLD, [key], [token, milliseconds, max(milliseconds, _LEASE_MS)]):
            yield False
            return
        renew = partial(self._redis.run, _RENEW, [key], [token, milliseconds])
        renewal = asyncio.create_task(renew_repeatedly(seconds, renew))
        try:
            yield True
        finally:
            renewal.cancel()
            with contextlib.suppress(StoreUnavailable):  # it expires by itself
                await self._redis.run(_RELEASE, [key], [token])

    @asynccontextmanager
    async def wait(self, name: str, timeout_s: float = 10) -> AsyncIterator[None]:
        """Takes the lease as soon as it is free. Raises `StoreUnavailable` after `timeout_s`."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            async with self.hold(name) as ours:
                if ours:
                    yield
                    return
            if asyncio.get_running_loop().time() > deadline:
                raise StoreUnavailable("counters", f"{name} is held by another for too long")
            await asyncio.sleep(0.02)

    async def is_held(self, name: str) -> bool:
        """For leases of up to `LEASE_S`."""
        return bool(await self._redis.run(_IS_HELD, [_key(name)], [_LEASE_MS]))

    async def void_all(self) -> None:
        """Ends every lease: for the owner of an embedded server at its start, when no holder can be alive."""
        held = [key async for key in self._redis.scan(_key("*"))]
        if held:
            await self._redis.call("DEL", *held)


async def renew_repeatedly(seconds: float, renew: Callable[[], Awaitable[Any]]) -> None:
    """Renews a lease of so many seconds until it is cancelled; while Redis is away it tries again before the end."""
    while True:
        await asyncio.sleep(seconds / 3)
        with contextlib.suppress(StoreUnavailable):
            await renew()


def _key(name: str) -> str:
    return f"lease:{name}"


def document_lease(tenant_id: str, document_id: str) -> str:
    """Returns the lease's name for changes of a document's record."""
    return f"document:{tenant_id}:{document_id}"


def stage_lease(tenant_id: str, document_id: str, generation: int, stage: str) -> str:
    return f"{tenant_id}:{document_id}:{generation}:{stage}"
