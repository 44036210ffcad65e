"""The secrets that sign access tokens: the newest signs, the ones before verify until their tokens have ended."""

import asyncio
import secrets
import time
from datetime import timedelta
from itertools import pairwise

import msgspec

from shared.access.apikeys import new_id
from shared.blobs.port import Blobs
from shared.records import names
from shared.records.records import read_record
from shared.records.structs import SigningKey
from shared.types.clock import now

TOKEN_LIFETIME = timedelta(minutes=15)
_LISTED_S = 60.0
"""How long a process uses what it read; a token of a newer key is looked up before."""
_LOOK_S = 2.0
"""Unknown keys are looked up at most this often: anyone can make a token that names one."""
_ADOPTED = timedelta(seconds=2 * _LOOK_S)
"""How old a key is before it signs: by then every process that meets its tokens looks it up."""
_SECRET_BYTES = 32


class SigningKeys:
    """What one process knows of the signing keys."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._keys: dict[str, SigningKey] = {}
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def newest(self) -> SigningKey:
        """The key that signs now; the first is made here. Raises `StoreUnavailable`."""
        await self._read(_LISTED_S)
        if not self._keys:
            await self.rotate()
        ordered = sorted(self._keys.values(), key=lambda key: (key.created_at, key.kid))
        adopted = [key for key in ordered if key.created_at + _ADOPTED <= now()]
        return adopted[-1] if adopted else ordered[0]

    async def find(self, kid: str) -> SigningKey | None:
        """None for a key that is not ours, or has ended. Raises `StoreUnavailable`."""
        await self._read(_LISTED_S)
        if kid not in self._keys:
            await self._read(_LOOK_S)
        return self._keys.get(kid)

    async def rotate(self) -> SigningKey:
        """Makes a new key, and erases those whose tokens have ended. Raises `StoreUnavailable`."""
        made = SigningKey(new_id("sig_"), secrets.token_hex(_SECRET_BYTES), now())
        await self._blobs.write(names.signing_key(made.kid), msgspec.json.encode(made))
        await self._read(0)
        ordered = sorted(self._keys.values(), key=lambda key: (key.created_at, key.kid))
        for key, follower in pairwise(ordered):
            if follower.created_at + timedelta(seconds=_LISTED_S) + _ADOPTED + TOKEN_LIFETIME < now():
                await self._blobs.erase(names.signing_key(key.kid))
                del self._keys[key.kid]
        return made

    async def _read(self, oldest_s: float) -> None:
        """Reads the keys, unless they were read less than `oldest_s` ago."""
        async with self._lock:
            if time.monotonic() - self._read_at < oldest_s:
                return
            found = [
                await read_record(self._blobs, name, SigningKey)
                for name in await self._blobs.names(names.signing_key(""))
            ]
            self._keys = {key.kid: key for key in found if key}
            self._read_at = time.monotonic()
