"""The list of all stored keys: it says without a look-up which keys do not exist."""

import asyncio
import time

from shared.blobs.port import Blobs
from shared.records import names

LISTED_S = 30.0
"""How long a list is used. However many unknown keys come, the store is asked once in this time."""
_COMPARED = 16
"""Hexadecimal digits of a hash that are held in memory."""


class StoredKeys:
    """What one process knows of the stored keys."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._hashes: set[int] = set()
        self._listed_until = 0.0
        self._lock = asyncio.Lock()

    async def may_have(self, hashed: str) -> bool:
        """False for a key that does not exist; a new one of another process is listed within `LISTED_S`. Raises
        `StoreUnavailable`."""
        if time.monotonic() >= self._listed_until:
            async with self._lock:
                await self._list()
        return _compared(hashed) in self._hashes

    def add(self, hashed: str) -> None:
        self._hashes.add(_compared(hashed))

    async def _list(self) -> None:
        started = time.monotonic()
        if started < self._listed_until:  # another call has waited for the lock, too
            return
        prefix = names.key_by_hash("")
        found = {_compared(name.removeprefix(prefix)) for name in await self._blobs.names(prefix)}
        self._hashes = found
        self._listed_until = started + LISTED_S


def _compared(hashed: str) -> int:
    return int(hashed[:_COMPARED], 16)
