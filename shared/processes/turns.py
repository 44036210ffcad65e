"""Turns of tenants at work of the processor: one call at a time for each, so that many of one delay no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct, field

from shared.types.errors import RateLimited

MOST_WAITING = 8


class _Turn(Struct, eq=False):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    callers: int = 0


class TenantTurns:
    """The turns of one kind of work in this process."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def turn(self, tenant_id: str) -> AsyncIterator[None]:
        """Waits until the tenant's calls before it are done. Raises `RateLimited` where `MOST_WAITING` wait already."""
        turn = self._turns.setdefault(tenant_id, _Turn())
        if turn.callers > MOST_WAITING:
            raise RateLimited(f"{MOST_WAITING} such calls of your tenant are waiting. Try again later.", retry_after=5)
        turn.callers += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.callers -= 1
            if not turn.callers:
                self._turns.pop(tenant_id, None)
