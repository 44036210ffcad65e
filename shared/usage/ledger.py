"""Reads the usage ledger: sealed records and those that no seal covers yet, each once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from shared.blobs.port import Blobs
from shared.types.clock import now
from shared.types.paging import PageRequest, microseconds, read_cursor, write_cursor
from shared.usage.activity import DayActivity, decode_activity, sum_activity
from shared.usage.balance import BudgetBalances
from shared.usage.codec import decode_records
from shared.usage.concurrency import map_concurrently
from shared.usage.day_digest import DailyTotal, DigestKeys, decode_totals, sum_usage
from shared.usage.digests import Digests
from shared.usage.paths import PLATFORM, day_folder, day_of, ledger_folder
from shared.usage.records import (
    ActionRecord,
    AlertRecord,
    FeedbackRecord,
    OutboundRecord,
    Record,
    UsageRecord,
    record_id,
    unique,
)
from shared.usage.seal_chain import Seal, SealChain
from shared.usage.sealing import seal_due
from shared.usage.snapshot import LedgerDay, SnapshotReader
from shared.usage.unsealed import current_balance
from shared.usage.verification import Verification, verify

RecordFilter = Callable[[Record], bool]
RecordPosition = tuple[int, str]
"""The place of a record in a list: microseconds of its time, and its id."""
Kinds = tuple[type[Record], ...]
ALL_KINDS: Kinds = (UsageRecord, OutboundRecord, AlertRecord, ActionRecord, FeedbackRecord)
_READ_BLOBS = 64
_READ_NEWEST = 8


class _Source(Struct, frozen=True):
    """A sealed blob and the time of its newest record, in microseconds."""

    day: LedgerDay
    number: int
    newest: int


class UsageLedger:
    """The reading side: records are written by a `Journal`. All methods raise `StoreUnavailable`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._chain = SealChain(blobs)
        self._digests = Digests(blobs)
        self._snapshots = SnapshotReader(blobs, self._digests)

    async def balances(self) -> BudgetBalances:
        """The balances of all budgets as of now."""
        return (await current_balance(self._blobs, self._chain)).budgets()

    async def seal_due(self) -> Seal | None:
        """Seals what the journals wrote, at most once a minute, and keeps the digests of the days near it; None where
        nothing was sealed."""
        made = await seal_due(self._blobs)
        await self._digests.update_due()
        return made

    async def update_digests(self) -> None:
        """Brings the digests of all days up to date."""
        await self._digests.update()

    async def rebuild_digests(self) -> None:
        """Compares every digest with the chain of seals and adds what it lacks."""
        await self._digests.reset()
        await self._digests.update()

    async def verify(self) -> Verification:
        """Reads the whole ledger and checks whether anything was changed since it was sealed."""
        return await verify(self._blobs)

    async def head(self) -> tuple[int, str]:
        """Number and hash of the newest seal; 0 and `""` where there is none."""
        newest = await self._chain.newest()
        return (newest.seal.number, newest.sha256) if newest else (0, "")

    async def newest(
        self,
        tenant_ids: Sequence[str],
        limit: int,
        after: RecordPosition | None = None,
        matches: RecordFilter = lambda _: True,
        since: datetime | None = None,
        request_id: str | None = None,
        kinds: Kinds = ALL_KINDS,
    ) -> list[Record]:
        """Up to `limit` records of the tenants, newest first, that come after the position `after`; days before
        `since` are not read, nor other kinds, nor, with a request's id or label, records of other requests."""
        last_day = day_of(datetime.fromtimestamp(after[0] / 1_000_000, UTC)) if after else "9999-12-31"
        snapshot = await self._snapshots.read(tenant_ids, day_of(since) if since else "", last_day)

        def select(records: list[Record]) -> list[Record]:
            return [
                one
                for one in records
                if isinstance(one, kinds) and matches(one) and (after is None or _position(one) < after)
            ]

        found: list[Record] = []
        for day in sorted({*snapshot.fresh, *(one.day for one in snapshot.days)}, reverse=True):
            candidates = select(snapshot.fresh.get(day, []))
            sources = await self._sources([one for one in snapshot.days if one.day == day], request_id, kinds)
            found += await self._newest_of_day(candidates, sources, limit - len(found), after, select)
            if len(found) >= limit:
                break
        return found

    async def find(self, tenant_id: str, usage_id: str, request_id: str, since: datetime) -> UsageRecord | None:
        """The usage record of this id since then; its request's id, where it is known, saves reading all records."""

        def matches(record: Record) -> bool:
            return isinstance(record, UsageRecord) and record.usage_id == usage_id

        found = await self.newest([tenant_id], 1, None, matches, since, request_id or None, (UsageRecord,))
        return next((one for one in found if isinstance(one, UsageRecord)), None)

    async def page(
        self,
        tenant_ids: Sequence[str],
        request: PageRequest,
        matches: RecordFilter,
        since: datetime,
        request_id: str | None = None,
        kinds: Kinds = ALL_KINDS,
    ) -> tuple[list[Record], str | None]:
        """The requested page of the matching records, newest first, and the cursor of the next one."""
        after = read_cursor(request.cursor) if request.cursor else None
        found = await self.newest(tenant_ids, request.limit + 1, after, matches, since, request_id, kinds)
        page = found[: request.limit]
        return page, write_cursor(*_position(page[-1])) if len(found) > len(page) else None

    async def stream(self, tenant_id: str, since: datetime, until: datetime) -> AsyncIterator[list[Record]]:
        """A tenant's records from `since` on, before `until`, in parts and day by day, never all in memory."""
        snapshot = await self._snapshots.read([tenant_id], day_of(since), day_of(until - _MOMENT))
        by_day = {one.day: one for one in snapshot.days}
        for day in sorted({*snapshot.fresh, *by_day}):
            if day in by_day:
                async for part in self._stream_day(by_day[day], since, until):
                    yield part
            yield [one for one in snapshot.fresh.get(day, []) if since <= one.at < until]

    async def records(self, tenant_id: str, since: datetime, until: datetime) -> list[Record]:
        """A tenant's records from `since` on, before `until`, in the order of time."""
        parts = [part async for part in self.stream(tenant_id, since, until)]
        return sorted((one for part in parts for one in part), key=_position)

    async def usage(self, tenant_id: str, since: datetime, until: datetime) -> list[UsageRecord]:
        """The usage records of a period, in the order of time."""
        return [one for one in await self.records(tenant_id, since, until) if isinstance(one, UsageRecord)]

    async def cost_by_key(self, tenant_id: str) -> dict[str, int]:
        """The total cost of each key's calls, in micro-dollars."""
        today = day_of(now())
        first_day = min([*await self._blobs.folders(ledger_folder(tenant_id)), today])
        costs: dict[str, int] = {}
        for row in await self.totals(tenant_id, _start_of(first_day), _start_of(today) + timedelta(days=1)):
            costs[row.key_id] = costs.get(row.key_id, 0) + row.cost_microusd
        return costs

    async def totals(
        self, tenant_id: str, since: datetime, until: datetime, *, by_document: bool = False
    ) -> list[DailyTotal]:
        """The usage of a period in sums by day, unit and key, or document; several rows where it was read in parts.

        Days that lie completely in the period come from their digests.
        """
        rows: list[DailyTotal] = []
        async for part in self._parts(tenant_id, since, until):
            if isinstance(part, LedgerDay):
                rows += await self._documents(part) if by_document else part.head.totals
            else:
                rows += sum_usage((one for one in part if isinstance(one, UsageRecord)), by_document=by_document)
        return rows

    async def activity(self, tenant_id: str, since: datetime, until: datetime) -> list[DayActivity]:
        """What was asked, found and rated in a period, by day; several of one day where it was read in parts.

        Days that lie completely in the period come from their digests.
        """
        digested: list[LedgerDay] = []
        found: list[DayActivity] = []
        async for part in self._parts(tenant_id, since, until):
            if isinstance(part, LedgerDay):
                digested.append(part)
            else:
                found += sum_activity(part)
        stored = await map_concurrently(lambda day: self._digests.activity(day.stored, day.head), digested)
        return await asyncio.to_thread(lambda: [*found, *(day for one in stored for day in decode_activity(one))])

    async def _parts(self, tenant_id: str, since: datetime, until: datetime) -> AsyncIterator[LedgerDay | list[Record]]:
        """The days that lie completely in the period and have a digest, and the records of the others."""
        first, last = microseconds(since), microseconds(until)
        snapshot = await self._snapshots.read([tenant_id], day_of(since), day_of(until - _MOMENT))
        for day in snapshot.days:
            if all(first <= oldest and newest < last for oldest, newest in day.head.spans()):
                yield day
                continue
            async for records in self._stream_day(day, since, until):
                yield records
        for fresh in snapshot.fresh.values():
            yield [one for one in fresh if since <= one.at < until]

    async def _stream_day(self, day: LedgerDay, since: datetime, until: datetime) -> AsyncIterator[list[Record]]:
        """What a day's digest covers of the period, in parts."""
        first, last = microseconds(since), microseconds(until)
        spans = enumerate(day.head.spans())
        numbers = [number for number, (oldest, newest) in spans if newest >= first and oldest < last]
        for start in range(0, len(numbers), _READ_BLOBS):
            records = await self._read(day, numbers[start : start + _READ_BLOBS])
            yield [one for one in records if since <= one.at < until]

    async def tenants(self) -> list[str]:
        """All tenants that may have records, and `PLATFORM`."""
        return sorted({*await self._blobs.folders("t/"), PLATFORM})

    async def _sources(self, days: list[LedgerDay], request_id: str | None, kinds: Kinds) -> list[_Source]:
        """The blobs of a day that may have records of the request, those with the newest records first."""
        found: list[_Source] = []
        for day in days:
            spans = day.head.spans()
            numbers = range(len(spans)) if request_id is None else await self._find(day, request_id)
            found += [_Source(day, number, spans[number][1]) for number in numbers if day.head.has_kind(number, kinds)]
        return sorted(found, key=lambda one: one.newest, reverse=True)

    async def _find(self, day: LedgerDay, request_id: str) -> set[int]:
        stored = await self._digests.part(day.stored, "keys")
        return await asyncio.to_thread(lambda: msgspec.msgpack.decode(stored, type=DigestKeys).find(request_id))

    async def _documents(self, day: LedgerDay) -> list[DailyTotal]:
        return await asyncio.to_thread(decode_totals, await self._digests.part(day.stored, "documents"))

    async def _newest_of_day(
        self,
        found: list[Record],
        sources: list[_Source],
        limit: int,
        after: RecordPosition | None,
        select: Callable[[list[Record]], list[Record]],
    ) -> list[Record]:
        """Reads blobs until no other one can hold a newer record than the last of the page."""
        found = sorted(found, key=_position, reverse=True)
        for start in range(0, len(sources), _READ_NEWEST):
            if len(found) >= limit and _position(found[limit - 1])[0] > sources[start].newest:
                break
            some = sources[start : start + _READ_NEWEST]
            read = await map_concurrently(lambda one: self._read(one.day, [one.number]), some)
            found += select([one for records in read for one in records])
            found.sort(key=_position, reverse=True)
        return found[:limit]

    async def _read(self, day: LedgerDay, numbers: Sequence[int]) -> list[Record]:
        """The records of some blobs of a day that count."""
        folder = day_folder(day.tenant_id, day.day)
        contents = await map_concurrently(self._blobs.read, [folder + day.head.blobs[one] for one in numbers])
        return await asyncio.to_thread(_decode, day, numbers, contents)


_MOMENT = timedelta(microseconds=1)


def _decode(day: LedgerDay, numbers: Sequence[int], contents: Sequence[bytes]) -> list[Record]:
    records: list[Record] = []
    for number, data in zip(numbers, contents, strict=True):
        dropped = day.head.dropped(number)
        records += [one for one in unique(decode_records(data)) if record_id(one) not in dropped]
    return records


def _position(record: Record) -> RecordPosition:
    return microseconds(record.at), record_id(record)


def _start_of(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
