"""Slots for work of the processor that tenants share."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from shared.types.errors import RateLimited

_RETRY_S = 10


class _Waiting(Struct, eq=False):
    tenant_id: str
    granted: asyncio.Future[None]


class FairSlots:
    """Up to `slots` pieces of work at a time, and one more for a tenant that has none at work, so that the long work of
    one tenant delays no other. A free slot goes to the tenant with the fewest at work, then to who came first."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._at_work: Counter[str] = Counter()
        self._waiting: list[_Waiting] = []

    @asynccontextmanager
    async def slot(self, tenant_id: str, longest_wait_s: float | None = None) -> AsyncIterator[None]:
        """Raises `RateLimited` where there is no slot within `longest_wait_s`."""
        await self.take(tenant_id, longest_wait_s)
        try:
            yield
        finally:
            self.release(tenant_id)

    async def take(self, tenant_id: str, longest_wait_s: float | None = None) -> None:
        """The same for work that outlives its caller: whoever has taken a slot calls `release`."""
        waiting = _Waiting(tenant_id, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._grant()
        try:
            await asyncio.wait([waiting.granted], timeout=longest_wait_s)
            if not waiting.granted.done():
                raise RateLimited("Other documents are being read. Try again later.", retry_after=_RETRY_S)
        except BaseException:
            if waiting.granted.done():
                self.release(tenant_id)
            else:
                self._waiting.remove(waiting)
            raise

    def release(self, tenant_id: str) -> None:
        self._at_work[tenant_id] -= 1
        self._at_work += Counter()  # drops tenants that have none at work
        self._grant()

    def _grant(self) -> None:
        while self._waiting:
            first = min(self._waiting, key=lambda one: self._at_work[one.tenant_id])
            most = self._slots if self._at_work[first.tenant_id] else self._slots + 1
            if self._at_work.total() >= most or self._at_work[first.tenant_id] >= self._slots:
                return
            self._waiting.remove(first)
            self._at_work[first.tenant_id] += 1
            first.granted.set_result(None)
