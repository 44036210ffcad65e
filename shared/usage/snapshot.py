"""What the ledger holds of some tenants at one moment: digested days, and the records that no digest covers yet."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.types.errors import StoreUnavailable
from shared.usage.codec import decode_records
from shared.usage.concurrency import map_concurrently
from shared.usage.day_digest import DigestHead, hash_of
from shared.usage.digests import Digests, StoredDay
from shared.usage.paths import PLATFORM, day_folder, day_of, ledger_folder
from shared.usage.records import Record, record_id, unique
from shared.usage.seal_chain import SealChain
from shared.usage.unsealed import read_unsealed

_ATTEMPTS = 5


class LedgerDay(Struct, frozen=True):
    """A tenant's day and its digest. Records that are not in it are among the fresh ones."""

    tenant_id: str
    day: str
    stored: StoredDay
    head: DigestHead


class LedgerSnapshot(Struct, frozen=True):
    """`fresh` are the records that are in no digest, each once, by their own day, in the order of sealing."""

    days: list[LedgerDay]
    fresh: dict[str, list[Record]]


class SnapshotReader:
    """Raises `StoreUnavailable`."""

    def __init__(self, blobs: Blobs, digests: Digests) -> None:
        self._blobs = blobs
        self._digests = digests

    async def read(self, tenant_ids: Sequence[str], first_day: str, last_day: str) -> LedgerSnapshot:
        """The days from `first_day` to `last_day`. A digest that was replaced meanwhile is read again."""
        for _ in range(_ATTEMPTS):
            try:
                return await self._read(tenant_ids, first_day, last_day)
            except BlobMissing:
                continue
        raise StoreUnavailable("blobs", "the digests of the usage ledger change faster than they can be read")

    async def _read(self, tenant_ids: Sequence[str], first_day: str, last_day: str) -> LedgerSnapshot:
        """What is not sealed is read first, then what is in no digest, then the digests: what moves on in between is
        met twice, and not missed."""
        unsealed = (await read_unsealed(self._blobs, SealChain(self._blobs))).records
        pending = await self._digests.pending()
        days: list[LedgerDay] = []
        fresh: dict[str, list[Record]] = defaultdict(list)
        for tenant_id in tenant_ids:
            stored = await self._stored(tenant_id, first_day, last_day, pending)
            days += await map_concurrently(
                self._day, [one for one in stored.values() if first_day <= one.day <= last_day]
            )
            own = [one for one in unsealed if (one.tenant_id or PLATFORM) == tenant_id]
            tails = {day: names for (owner, day), names in pending.items() if owner == tenant_id}
            for record in await self._fresh(tenant_id, stored, tails, own):
                if first_day <= day_of(record.at) <= last_day:
                    fresh[day_of(record.at)].append(record)
        return LedgerSnapshot(days, dict(fresh))

    async def _stored(
        self, tenant_id: str, first_day: str, last_day: str, pending: dict[tuple[str, str], list[str]]
    ) -> dict[str, StoredDay]:
        """The tenant's digests; a day that lost its own, or never had one, gets it."""
        stored = await self._digests.days(tenant_id)
        for day in await self._blobs.folders(ledger_folder(tenant_id)):
            if day in stored or not first_day <= day <= last_day:
                continue
            names = await self._blobs.names(day_folder(tenant_id, day))
            if {one.rpartition("/")[2] for one in names} - set(pending.get((tenant_id, day), ())):
                await self._digests.mend(tenant_id, day)
                stored = await self._digests.days(tenant_id)
        return stored

    async def _day(self, stored: StoredDay) -> LedgerDay:
        return LedgerDay(stored.tenant_id, stored.day, stored, await self._digests.head(stored))

    async def _fresh(
        self, tenant_id: str, stored: dict[str, StoredDay], tails: dict[str, list[str]], unsealed: list[Record]
    ) -> list[Record]:
        """Of a record that is in a digest, or came before, nothing counts again, whatever its day."""
        names = [day_folder(tenant_id, day) + name for day, names in sorted(tails.items()) for name in names]
        contents = await map_concurrently(self._blobs.read, names)
        decoded = await asyncio.to_thread(lambda: [one for data in contents for one in decode_records(data)])
        records = unique([*decoded, *unsealed])
        lookups = {day: await self._digests.lookup(stored.values(), day) for day in {day_of(one.at) for one in records}}
        return [one for one in records if not lookups[day_of(one.at)](hash_of(record_id(one)))]
