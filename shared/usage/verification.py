"""Verifies the ledger: follows the whole chain, hashes every blob and computes every balance again."""

from hashlib import sha256

import msgspec
from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.usage.balance import Balance, add_records
from shared.usage.codec import decode_known
from shared.usage.concurrency import map_concurrently
from shared.usage.paths import ledger_folder
from shared.usage.seal_chain import SEALS, ChainedSeal, SealChain, SealedBlob, seal_number, seal_path, sha256_hex


class Verification(Struct, frozen=True, kw_only=True):
    """The result. `fault` names the first thing that is wrong and says why; empty where all is right. `head` is the
    hash of the newest seal: whoever stores number and head elsewhere can tell later that no end was cut off."""

    seals: int
    blobs: int
    records: int
    head: str
    fault: str = ""


class _Invalid(Exception):
    """A seal or blob does not match the chain."""


class _Verifier:
    """The state of one verification: what was found valid so far."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._chain = SealChain(blobs)
        self._head = ""
        self._balance = Balance()
        self._seals = 0
        self._records = 0
        self._covered: set[str] = set()

    async def verify(self) -> Verification:
        fault = ""
        try:
            for number, name in enumerate(await self._blobs.names(SEALS), 1):
                if name != seal_path(number):
                    raise _Invalid(f"{seal_path(number)} is missing")
                await self._check_seal(number, name)
            await self._check_uncovered()
        except _Invalid as invalid:
            fault = str(invalid)
        return Verification(
            seals=self._seals, blobs=len(self._covered), records=self._records, head=self._head, fault=fault
        )

    async def _check_seal(self, number: int, name: str) -> None:
        try:
            found = await self._chain.read(number)
        except msgspec.MsgspecError as error:
            raise _Invalid(f"{name} cannot be read: {error}") from None
        if found is None:
            raise _Invalid(f"{name} is missing")
        if found.seal.number != number:
            raise _Invalid(f"{name} says that it is number {found.seal.number}")
        if found.seal.previous != self._head:
            raise _Invalid(f"{name} does not follow the seal before it: one of the two was changed")
        await self._check_balance(name, found)
        self._head, self._seals, self._balance = found.sha256, number, found.seal.balance

    async def _check_balance(self, name: str, found: ChainedSeal) -> None:
        contents = await map_concurrently(self._check_blob, found.seal.blobs)
        lines = [line for content in contents for line in content]
        records = [record for line in lines if (record := decode_known(line)) is not None]
        self._records += len(lines)
        if add_records(self._balance, records, found.seal.at) != found.seal.balance:
            raise _Invalid(f"{name} has sums that its records do not give")

    async def _check_blob(self, blob: SealedBlob) -> list[bytes]:
        try:
            data = await self._blobs.read(blob.name)
        except BlobMissing:
            raise _Invalid(f"{blob.name} is missing") from None
        if sha256_hex(data) != blob.sha256:
            raise _Invalid(f"{blob.name} was changed: its bytes have another hash than its seal says")
        lines = data.splitlines()
        if len(lines) != blob.records:
            raise _Invalid(f"{blob.name} has {len(lines)} records, its seal says {blob.records}")
        self._covered.add(blob.name)
        return lines

    async def _check_uncovered(self) -> None:
        """A blob that no seal covers may only come from an interrupted sealing, whose records are all covered."""
        newest = await self._chain.newest()
        later = range(self._seals + 1, (newest.seal.number if newest else self._seals) + 2)
        uncovered: dict[bytes, str] = {}
        for tenant_id in await self._blobs.folders("t/"):
            for name in await self._blobs.names(ledger_folder(tenant_id)):
                if name not in self._covered and seal_number(name) not in later:
                    uncovered |= {sha256(line).digest(): name for line in (await self._blobs.read(name)).splitlines()}
        for name in sorted(self._covered) if uncovered else ():
            for line in (await self._blobs.read(name)).splitlines():
                uncovered.pop(sha256(line).digest(), None)
        if uncovered:
            raise _Invalid(f"{min(uncovered.values())} is covered by no seal")


async def verify(blobs: Blobs) -> Verification:
    """Reads the whole ledger. Raises `StoreUnavailable`."""
    return await _Verifier(blobs).verify()
