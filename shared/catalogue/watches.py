"""The open watches of a process: bounded, with one question to Redis every fifth of a second for all of them."""

import asyncio
from weakref import WeakSet

from msgspec import Struct

from shared.catalogue.catalogue import entry_key
from shared.redis.client import RedisClient
from shared.types.errors import RateLimited, StoreUnavailable

LOOK_S = 0.2
PER_TENANT = 50
PER_PROCESS = 500
_RETRY_S = 10


class Watch(Struct, eq=False, weakref=True):
    """A watch of one document. `seen` is when its entry was last changed, `changed` is set while it is waited for."""

    tenant_id: str
    document_id: str
    seen: str | None = ""
    changed: asyncio.Future[None] | None = None


class Watches:
    """A watch counts until it is closed, or dropped by a client that left before its answer began."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._open: WeakSet[Watch] = WeakSet()
        self._look: asyncio.Task[None] | None = None

    def open(self, tenant_id: str, document_id: str) -> Watch:
        """Raises `RateLimited` where the tenant, or the process, has as many as it may."""
        of_tenant = sum(watch.tenant_id == tenant_id for watch in self._open)
        if of_tenant >= PER_TENANT:
            raise RateLimited(f"Your tenant watches {PER_TENANT} documents already.", retry_after=_RETRY_S)
        if len(self._open) >= PER_PROCESS:
            raise RateLimited("Too many documents are watched already.", retry_after=_RETRY_S)
        watch = Watch(tenant_id, document_id)
        self._open.add(watch)
        return watch

    def close(self, watch: Watch) -> None:
        self._open.discard(watch)

    async def wait(self, watch: Watch, longest_s: float) -> bool:
        """Waits until the document's entry has changed since the last call; False after `longest_s`. The first call
        returns at once. Raises `StoreUnavailable`."""
        watch.changed = asyncio.get_running_loop().create_future()
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_repeatedly(), name="watches")
        try:
            await asyncio.wait([watch.changed], timeout=longest_s)
            if not watch.changed.done():
                return False
            watch.changed.result()
            return True
        finally:
            watch.changed = None

    async def _look_repeatedly(self) -> None:
        while any(watch.changed for watch in self._open):
            await asyncio.sleep(LOOK_S)
            waiting = [watch for watch in self._open if watch.changed and not watch.changed.done()]
            await self._look_at(waiting)

    async def _look_at(self, waiting: list[Watch]) -> None:
        keys = list({entry_key(watch.tenant_id, watch.document_id) for watch in waiting})
        try:
            found = await self._redis.batch([("HGET", key, "touched") for key in keys]) if keys else []
        except StoreUnavailable as error:
            for watch in waiting:
                _end(watch, error)
            return
        touched = dict(zip(keys, found, strict=True))
        for watch in waiting:
            at = touched[entry_key(watch.tenant_id, watch.document_id)]
            if at is None or at != watch.seen:
                watch.seen = at
                _end(watch)


def _end(watch: Watch, error: StoreUnavailable | None = None) -> None:
    if watch.changed and not watch.changed.done():
        if error:
            watch.changed.set_exception(error)
        else:
            watch.changed.set_result(None)
