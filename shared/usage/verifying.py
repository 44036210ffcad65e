"""Verification: the whole chain is walked, every blob hashed, every sum made again."""

from hashlib import sha256

import msgspec
from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.usage.balance import Balance, carried
from shared.usage.lines import known, split
from shared.usage.places import folder
from shared.usage.seals import SEALS, Chain, Link, SealedBlob, digest, number_of, seal_name
from shared.usage.together import together


class Verdict(Struct, frozen=True, kw_only=True):
    """`fault` names the first link that does not hold and says why; empty where all hold. `head` is the hash of the
    newest seal: who keeps number and head elsewhere can tell later that no end was cut off."""

    seals: int
    blobs: int
    records: int
    head: str
    fault: str = ""


class _Broken(Exception):
    """A link does not hold."""


class _Walk:
    """What was found to hold so far."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._chain = Chain(blobs)
        self._head = ""
        self._balance = Balance()
        self._seals = 0
        self._records = 0
        self._lines: dict[str, set[bytes]] = {}

    async def verdict(self) -> Verdict:
        fault = ""
        try:
            await self._seals_in_order()
            await self._nothing_beside()
        except _Broken as broken:
            fault = str(broken)
        return Verdict(seals=self._seals, blobs=len(self._lines), records=self._records, head=self._head, fault=fault)

    async def _seals_in_order(self) -> None:
        for number, name in enumerate(await self._blobs.names(SEALS), 1):
            if name != seal_name(number):
                raise _Broken(f"{seal_name(number)} is missing")
            await self._hold(number)

    async def _hold(self, number: int) -> None:
        name = seal_name(number)
        try:
            link = await self._chain.link(number)
        except msgspec.MsgspecError as error:
            raise _Broken(f"{name} cannot be read: {error}") from None
        if link is None:
            raise _Broken(f"{name} is missing")
        if link.seal.number != number:
            raise _Broken(f"{name} says that it is number {link.seal.number}")
        if link.seal.previous != self._head:
            raise _Broken(f"{name} does not follow the seal before it: one of the two was changed")
        await self._sums(name, link)
        self._head, self._seals, self._balance = link.sha256, number, link.seal.balance

    async def _sums(self, name: str, link: Link) -> None:
        lines = [line for found in await together(self._hashed, link.seal.blobs) for line in found]
        records = [record for line in lines if (record := known(line)) is not None]
        self._records += len(lines)
        if carried(self._balance, records, link.seal.at) != link.seal.balance:
            raise _Broken(f"{name} has sums that its records do not give")

    async def _hashed(self, blob: SealedBlob) -> list[bytes]:
        try:
            data = await self._blobs.read(blob.name)
        except BlobMissing:
            raise _Broken(f"{blob.name} is missing") from None
        if digest(data) != blob.sha256:
            raise _Broken(f"{blob.name} was changed: its bytes have another hash than its seal says")
        lines = split(data)
        if len(lines) != blob.records:
            raise _Broken(f"{blob.name} has {len(lines)} records, its seal says {blob.records}")
        self._lines[blob.name] = {sha256(line).digest() for line in lines}
        return lines

    async def _nothing_beside(self) -> None:
        """What no seal covers may only be what a sealing that was cut off left, whose records are all covered."""
        covered = {line for lines in self._lines.values() for line in lines}
        newest = await self._chain.newest()
        later = range(self._seals + 1, (newest.seal.number if newest else self._seals) + 2)
        for tenant_id in await self._blobs.folders("t/"):
            for name in await self._blobs.names(folder(tenant_id)):
                if name in self._lines or number_of(name) in later:
                    continue
                lines = split(await self._blobs.read(name))
                if any(sha256(line).digest() not in covered for line in lines):
                    raise _Broken(f"{name} is covered by no seal")


async def verify(blobs: Blobs) -> Verdict:
    """Reads the whole book. Raises `StoreUnavailable`."""
    return await _Walk(blobs).verdict()
