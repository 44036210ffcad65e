"""Watches the keys of open streams: one question to Redis every two seconds for all streams of the process."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from shared.access.accounts import Accounts
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.types.principal import Principal

LOOK_S = 2.0


class Revocations:
    """The open streams of a process, each with the caller that opened it."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._open: dict[asyncio.Future[None], Principal] = {}
        self._watch: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, principal: Principal) -> Iterator["asyncio.Future[None]"]:
        """Gives a future that is done once the caller's key was revoked or has expired, or its tenant is suspended."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open[ended] = principal
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look_repeatedly(), name="revocations")
        try:
            yield ended
        finally:
            del self._open[ended]

    async def _look_repeatedly(self) -> None:
        while self._open:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(StoreUnavailable):  # streams go on; the next look is soon
                await self._look()

    async def _look(self) -> None:
        revoked = await self._accounts.revoked(list({_watched(principal) for principal in self._open.values()}))
        suspended = await self._accounts.suspended({one.tenant_id for one in self._open.values() if one.tenant_id})
        for ended, principal in self._open.items():
            expired = principal.expires_at is not None and principal.expires_at <= now()
            is_ended = expired or _watched(principal) in revoked or principal.tenant_id in suspended
            if is_ended and not ended.done():
                ended.set_result(None)


def _watched(principal: Principal) -> str:
    return principal.session_id or principal.key_id
