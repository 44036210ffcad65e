"""Keeps the digests of all days up to date with the chain of seals.

`book/indexed` is the number of the seal up to which every blob is in its day's digest. The sweep moves it on; a reader
that finds it far behind does so itself. Two at a time write the same: a digest's name says what it covers.
"""

import asyncio
import math
import time
from array import array
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.types.clock import now
from shared.usage.concurrency import map_concurrently
from shared.usage.day_digest import EMPTY, Digest, DigestBuilder, DigestHead, has_id, ids_of
from shared.usage.paths import day_folder, digest_path, digests_folder
from shared.usage.seal_chain import ChainedSeal, SealChain, SealedBlob, seal_number

_INDEXED = "book/indexed"
_DUE_SEALS = 10
_DUE_AFTER = timedelta(minutes=10)
_SWEEP_S = 10
_BATCH_SEALS = 500
_MOST_PENDING = 64
_READ_BLOBS = 128
_DUPLICATES_WITHIN = timedelta(days=62)
"""How far apart two records of one id may lie and be found to be the same."""
_CACHED_DAYS = 128
_PARTS = ("documents", "keys", "ids", "activity")


class StoredDay(Struct, frozen=True):
    """The newest digest of a day."""

    tenant_id: str
    day: str
    covered: int

    def path(self, part: str) -> str:
        return digest_path(self.tenant_id, self.day, self.covered, part)


class Digests:
    """Reads and writes the digests. Raises `StoreUnavailable`, `DiskFull`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._chain = SealChain(blobs)
        self._ids: OrderedDict[str, array[int]] = OrderedDict()

    async def update_due(self) -> None:
        """Brings the digests up to date, where ten seals or ten minutes are not in them."""
        newest, indexed = await self._chain.newest(), await self._indexed()
        number = newest.seal.number if newest else 0
        if number == indexed:
            return
        first = await self._chain.read(indexed + 1)
        is_late = first is None or now() - first.seal.at >= _DUE_AFTER
        if number - indexed >= _DUE_SEALS or is_late:
            await self.update(_SWEEP_S)

    async def update(self, within_s: float = math.inf) -> None:
        """Brings the digests up to date with the newest seal, as far as it gets within this time."""
        started = time.monotonic()
        newest = await self._chain.newest()
        number, indexed = newest.seal.number if newest else 0, await self._indexed()
        while indexed < number and time.monotonic() - started < within_s:
            last = min(indexed + _BATCH_SEALS, number)
            days: dict[tuple[str, str], list[str]] = defaultdict(list)
            for blob in await self._sealed(indexed + 1, last):
                days[_owner_and_day(blob.name)].append(blob.name.rpartition("/")[2])
            for (tenant_id, day), names in sorted(days.items()):
                await self.add(tenant_id, day, names)
            indexed = last
            await self._blobs.write(_INDEXED, str(indexed).encode())

    async def reset(self) -> None:
        """Has every day looked at again by the next update."""
        await self._blobs.erase(_INDEXED)

    async def pending(self) -> dict[tuple[str, str], list[str]]:
        """The names of sealed blobs that may be in no digest, by tenant and day."""
        newest, indexed = await self._chain.newest(), await self._indexed()
        number = newest.seal.number if newest else 0
        if number - indexed > _MOST_PENDING:
            await self.update()
            return await self.pending()
        days: dict[tuple[str, str], list[str]] = defaultdict(list)
        for blob in await self._sealed(indexed + 1, number):
            days[_owner_and_day(blob.name)].append(blob.name.rpartition("/")[2])
        return days

    async def days(self, tenant_id: str) -> dict[str, StoredDay]:
        """The newest digest of each day that has one."""
        found: dict[str, StoredDay] = {}
        for name in await self._blobs.names(digests_folder(tenant_id)):
            day, _, rest = name.rpartition("/")[2].partition(".")
            covered, _, part = rest.partition(".")
            if part == "head" and covered.isdecimal():
                found[day] = StoredDay(tenant_id, day, int(covered))  # in order: the last one covers the most
        return found

    async def head(self, day: StoredDay) -> DigestHead:
        """Raises `BlobMissing` where a newer digest took its place."""
        return msgspec.msgpack.decode(await self._blobs.read(day.path("head")), type=DigestHead)

    async def part(self, day: StoredDay, part: str) -> bytes:
        """Raises `BlobMissing` where a newer digest took its place."""
        return await self._blobs.read(day.path(part))

    async def activity(self, day: StoredDay, head: DigestHead) -> bytes:
        """Empty in a digest of an earlier revision. Raises `BlobMissing` where a newer digest took its place."""
        return await self.part(day, "activity") if head.has_activity else b""

    async def lookup(self, stored: Iterable[StoredDay], near: str, except_day: str = "") -> Callable[[int], bool]:
        """Whether a day within two months of `near` has a record of this id."""
        lookback = [
            one
            for one in stored
            if one.day != except_day
            and abs(date.fromisoformat(one.day) - date.fromisoformat(near)) <= _DUPLICATES_WITHIN
        ]
        days = await map_concurrently(self._known_ids, lookback)
        return lambda identity: any(has_id(ids, identity) for ids in days)

    async def add(self, tenant_id: str, day: str, names: Sequence[str]) -> None:
        """Adds blobs to a day's digest."""
        stored = await self.days(tenant_id)
        head, parts = EMPTY, [b""] * len(_PARTS)
        if day in stored:
            head = await self.head(stored[day])
            parts = [await self.part(stored[day], part) for part in _PARTS[:-1]]
            parts.append(await self.activity(stored[day], head))
        builder = await asyncio.to_thread(DigestBuilder, day, head, *parts)
        fresh = [name for name in names if not builder.covers(name)]
        if not fresh:
            return
        is_known = await self.lookup(stored.values(), day, day)
        folder = day_folder(tenant_id, day)
        for start in range(0, len(fresh), _READ_BLOBS):
            some = fresh[start : start + _READ_BLOBS]
            contents = await map_concurrently(self._blobs.read, [folder + name for name in some])
            await asyncio.to_thread(_add, builder, some, contents, is_known)
        await self._write(StoredDay(tenant_id, day, builder.covered), await asyncio.to_thread(builder.build))

    async def mend(self, tenant_id: str, day: str) -> None:
        """Makes the digest of a day that lost it."""
        indexed = await self._indexed()
        names = await self._blobs.names(day_folder(tenant_id, day))
        await self.add(tenant_id, day, [one.rpartition("/")[2] for one in names if seal_number(one) <= indexed])

    async def _write(self, day: StoredDay, digest: Digest) -> None:
        """The head last: a reader finds all that it names. What covers less is erased."""
        for part in (*_PARTS, "head"):
            await self._blobs.write(day.path(part), getattr(digest, part))
        for name in await self._blobs.names(digests_folder(day.tenant_id)):
            stem, _, rest = name.rpartition("/")[2].partition(".")
            covered = rest.partition(".")[0]
            if stem == day.day and (not covered.isdecimal() or int(covered) < day.covered):
                await self._blobs.erase(name)

    async def _known_ids(self, day: StoredDay) -> "array[int]":
        name = day.path("ids")
        if name in self._ids:
            self._ids.move_to_end(name)
            return self._ids[name]
        try:
            found = ids_of(await self._blobs.read(name))
        except BlobMissing:  # a newer digest took its place
            newer = (await self.days(day.tenant_id)).get(day.day)
            return await self._known_ids(newer) if newer and newer != day else ids_of(b"")
        self._ids[name] = found
        while len(self._ids) > _CACHED_DAYS:
            self._ids.popitem(last=False)
        return found

    async def _sealed(self, first: int, last: int) -> list[SealedBlob]:
        seals = await map_concurrently(self._chain.read, list(range(first, last + 1)))
        return [blob for found in seals if isinstance(found, ChainedSeal) for blob in found.seal.blobs]

    async def _indexed(self) -> int:
        try:
            stored = await self._blobs.read(_INDEXED)
        except BlobMissing:
            return 0
        return int(stored) if stored.isdigit() else 0


def _add(
    builder: DigestBuilder, names: Sequence[str], contents: Sequence[bytes], is_known: Callable[[int], bool]
) -> None:
    for name, data in zip(names, contents, strict=True):
        builder.add(name, data, is_known)


def _owner_and_day(blob: str) -> tuple[str, str]:
    """Of `t/{tenant}/book/{day}/{name}`."""
    _, tenant_id, _, day, _ = blob.split("/")
    return tenant_id, day
