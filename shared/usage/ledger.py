"""The book: sealed records and those that no seal covers yet, each read once."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from shared.blobs.port import BlobMissing, Blobs
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.types.paging import microseconds
from shared.usage.digests import DigestRow, Digests, rows_of
from shared.usage.lines import records_of
from shared.usage.places import PLATFORM, day_folder, folder
from shared.usage.records import Record, UsageRecord, record_id
from shared.usage.sealing import seal_due
from shared.usage.seals import Chain, Seal
from shared.usage.standing import Standing
from shared.usage.together import together
from shared.usage.unsealed import Unsealed, balance_now, unsealed
from shared.usage.verifying import Verdict, verify

_TRIES = 20
Wanted = Callable[[Record], bool]
RecordPlace = tuple[int, str]
"""A record's place in a list: microseconds of its time, and its id."""


class UsageLedger:
    """What is written comes through a journal. Raises `StoreUnavailable`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._chain = Chain(blobs)
        self._digests = Digests(blobs)

    async def standing(self) -> Standing:
        """What stands in the book of every budget, as of now."""
        return (await balance_now(self._blobs, self._chain)).standing()

    async def seal_due(self) -> Seal | None:
        """Seals what the journals wrote, at most once a minute; None where nothing was sealed."""
        return await seal_due(self._blobs)

    async def verify(self) -> Verdict:
        """Reads all of it, and says whether anything was changed since it was sealed."""
        return await verify(self._blobs)

    async def head(self) -> tuple[int, str]:
        """Number and hash of the newest seal; 0 and nothing where there is none."""
        newest = await self._chain.newest()
        return (newest.seal.number, newest.sha256) if newest else (0, "")

    async def newest(
        self,
        tenant_ids: Sequence[str],
        limit: int,
        after: RecordPlace | None = None,
        wanted: Wanted = lambda _: True,
        since: datetime | None = None,
    ) -> list[Record]:
        """Up to `limit` records of the tenants, newest first, from below the place `after` on; days before `since`
        are not looked at."""
        found: list[Record] = []
        first = since.astimezone(UTC).date().isoformat() if since else ""
        async for records in self._days(tenant_ids, after, first):
            fitting = [one for one in records if wanted(one) and (after is None or place(one) < after)]
            found += sorted(fitting, key=place, reverse=True)
            if len(found) >= limit:
                break
        return found[:limit]

    async def records(self, tenant_id: str, since: datetime, until: datetime) -> list[Record]:
        """A tenant's records from `since` on, before `until`, in the order of time."""
        fresh = await self._unsealed()
        days = _days_between(since, until)
        sealed = await together(lambda day: self._sealed(tenant_id, day), days)
        records = _once([*_of(fresh, tenant_id), *(one for day in sealed for one in day)])
        return sorted((one for one in records if since <= one.at < until), key=place)

    async def usage(self, tenant_id: str, since: datetime, until: datetime) -> list[UsageRecord]:
        """The usage records among them."""
        return [one for one in await self.records(tenant_id, since, until) if isinstance(one, UsageRecord)]

    async def costs_of_keys(self, tenant_id: str) -> dict[str, int]:
        """What each key's calls cost in all, in micro-dollars."""
        days = await self._blobs.folders(folder(tenant_id))
        today = now().astimezone(UTC).date().isoformat()
        costs: dict[str, int] = {}
        for row in await self.rows(tenant_id, _bounds(min([*days, today]))[0], _bounds(today)[1]):
            costs[row.key_id] = costs.get(row.key_id, 0) + row.cost_microusd
        return costs

    async def rows(self, tenant_id: str, since: datetime, until: datetime) -> list[DigestRow]:
        """The same, summed by day, key, document and unit. Days that are over come from their digests."""
        whole, parts = _whole_days(since, until)
        fresh = _once(_of(await self._unsealed(), tenant_id))
        touched = {_day(one) for one in fresh}
        rows: list[DigestRow] = []
        digested = [day for day in whole if day not in touched]
        for found in await together(lambda day: self._digests.rows(tenant_id, day), digested):
            rows += found
        for start, end in [*parts, *(_bounds(day) for day in whole if day in touched)]:
            rows += rows_of(await self.usage(tenant_id, start, end))
        return rows

    async def tenants(self) -> list[str]:
        """Whoever may have a part of the book, the platform among them."""
        return sorted({*await self._blobs.folders("t/"), PLATFORM})

    async def _days(
        self, tenant_ids: Sequence[str], after: RecordPlace | None, first: str
    ) -> AsyncIterator[list[Record]]:
        """The records of each day from the `first` on, newest day first."""
        fresh = await self._unsealed()
        loose = _once([one for tenant_id in tenant_ids for one in _of(fresh, tenant_id)])
        sealed = await together(lambda tenant_id: self._blobs.folders(folder(tenant_id)), tenant_ids)
        days = {day for listed in sealed for day in listed} | {_day(one) for one in loose}
        last = datetime.fromtimestamp(after[0] / 1_000_000, UTC).date().isoformat() if after else "9"
        for day in sorted((day for day in days if first <= day <= last), reverse=True):
            having = [tenant_id for tenant_id, listed in zip(tenant_ids, sealed, strict=True) if day in listed]
            read = await together(lambda tenant_id: self._sealed(tenant_id, day), having)  # noqa: B023 - awaited here
            yield _once([*(one for one in loose if _day(one) == day), *(one for found in read for one in found)])

    async def _sealed(self, tenant_id: str, day: str) -> list[Record]:
        names = await self._blobs.names(day_folder(tenant_id, day))
        return [record for data in await together(self._read, names) for record in records_of(data)]

    async def _read(self, name: str) -> bytes:
        """A stray may go while it is looked at; its records stand elsewhere."""
        try:
            return await self._blobs.read(name)
        except BlobMissing:
            return b""

    async def _unsealed(self) -> Unsealed:
        """Read before the sealed ones: what is sealed in between is then met twice, and not missed."""
        for _ in range(_TRIES):
            if found := await unsealed(self._blobs, self._chain):
                return found
        raise StoreUnavailable("blobs", "the book is sealed faster than it can be read")


def place(record: Record) -> RecordPlace:
    return microseconds(record.at), record_id(record)


def _of(found: Unsealed, tenant_id: str) -> list[Record]:
    return [record for record in found.records if (record.tenant_id or PLATFORM) == tenant_id]


def _once(records: Iterable[Record]) -> list[Record]:
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record_id(record), record)
    return list(first.values())


def _day(record: Record) -> str:
    return record.at.astimezone(UTC).date().isoformat()


def _bounds(day: str) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return start, start + timedelta(days=1)


def _days_between(since: datetime, until: datetime) -> list[str]:
    """Each UTC day of which the period has a part."""
    first, last = since.astimezone(UTC).date(), (until.astimezone(UTC) - timedelta(microseconds=1)).date()
    return [date.fromordinal(day).isoformat() for day in range(first.toordinal(), last.toordinal() + 1)]


def _whole_days(since: datetime, until: datetime) -> tuple[list[str], list[tuple[datetime, datetime]]]:
    """The days that lie in the period from their beginning to their end, and the parts of others."""
    whole, parts = [], []
    for day in _days_between(since, until):
        start, end = _bounds(day)
        if since <= start and end <= until:
            whole.append(day)
        else:
            parts.append((max(since, start), min(until, end)))
    return whole, parts
