"""The chain of seals: each names the blobs that it covers by hash, and the seal before it by the hash of its bytes."""

import hashlib
from datetime import datetime

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
    journal's blobs whose records are in `blobs` now."""

    number: int
    previous: str
    at: datetime
    consumed: tuple[str, ...]
    blobs: tuple[SealedBlob, ...]
    balance: Balance


class ChainedSeal(Struct, frozen=True):
    """A stored seal with the hash of its bytes."""

    seal: Seal
    sha256: str


def seal_path(number: int) -> str:
    return f"{SEALS}{number:010d}"


def seal_number(name: str) -> int:
    """The number in the name of a seal or of a sealed blob; 0 for any other name."""
    number = name.rpartition("/")[2].partition("-")[0]
    return int(number) if number.isdecimal() else 0


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class SealChain:
    """The seals of an installation."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def newest(self) -> ChainedSeal | None:
        """The newest seal. `book/head` is a hint where to begin: it may be behind, or missing."""
        try:
            hint = await self._blobs.read(_HEAD)
        except BlobMissing:
            hint = b""
        found = await self.read(int(hint)) if hint.isdigit() else None
        if found is None:
            names = await self._blobs.names(SEALS)
            found = await self.read(seal_number(names[-1])) if names else None
        while found and (following := await self.read(found.seal.number + 1)):
            found = following
        return found

    async def read(self, number: int) -> ChainedSeal | None:
        """Raises `msgspec.MsgspecError` for a seal that cannot be decoded."""
        try:
            data = await self._blobs.read(seal_path(number))
        except BlobMissing:
            return None
        return ChainedSeal(msgspec.json.decode(data, type=Seal), sha256_hex(data))

    async def add(self, seal: Seal) -> bool:
        """Returns False where another process made the seal of this number."""
        if not await self._blobs.create(seal_path(seal.number), msgspec.json.encode(seal)):
            return False
        await self._blobs.write(_HEAD, str(seal.number).encode())
        return True
