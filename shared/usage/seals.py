"""The chain of seals: each names what it covers by hash, and the seal before it by the hash of its bytes."""

from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.usage.balance import Balance

SEALS = "book/seals/"
_HEAD = "book/head"


class SealedBlob(Struct, frozen=True):
    """A tenant's records of one day, JSON lines; `sha256` of its bytes in hex."""

    name: str
    sha256: str
    records: int


class Seal(Struct, frozen=True, kw_only=True):
    """`number` counts from 1; `previous` is the sha256 of the seal before, empty in the first. `consumed` are the
    journal's blobs whose records stand in `blobs` now."""

    number: int
    previous: str
    at: datetime
    consumed: tuple[str, ...]
    blobs: tuple[SealedBlob, ...]
    balance: Balance


class Link(Struct, frozen=True):
    """A seal as it stands in the chain."""

    seal: Seal
    sha256: str


def seal_name(number: int) -> str:
    return f"{SEALS}{number:010d}"


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


class Chain:
    """The seals of an installation."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def newest(self) -> Link | None:
        """`book/head` tells where to begin to look; it may be behind, or gone."""
        hint = await self._hint()
        link = await self.link(hint) if hint else None
        if link is None:
            names = await self._blobs.names(SEALS)
            link = await self.link(number_of(names[-1])) if names else None
        while link and (following := await self.link(link.seal.number + 1)):
            link = following
        return link

    async def link(self, number: int) -> Link | None:
        """Raises `msgspec.MsgspecError` for one that cannot be read."""
        try:
            data = await self._blobs.read(seal_name(number))
        except BlobMissing:
            return None
        return Link(msgspec.json.decode(data, type=Seal), digest(data))

    async def add(self, seal: Seal) -> bool:
        """False where another made the seal of this number."""
        if not await self._blobs.create(seal_name(seal.number), msgspec.json.encode(seal)):
            return False
        await self._blobs.write(_HEAD, str(seal.number).encode())
        return True

    async def _hint(self) -> int:
        try:
            text = await self._blobs.read(_HEAD)
        except BlobMissing:
            return 0
        return int(text) if text.isdigit() else 0


def number_of(name: str) -> int:
    """Of a seal, or of the seal that a sealed blob belongs to; 0 for a name that is neither's."""
    number = name.rpartition("/")[2].partition("-")[0]
    return int(number) if number.isdecimal() else 0
