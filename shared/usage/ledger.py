"""Reads the usage ledger: sealed records and those that no seal covers yet, each once."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from shared.blobs.port import Blobs
from shared.types.clock import now
from shared.types.paging import PageRequest, microseconds, read_cursor, write_cursor
from shared.usage.balance import BudgetBalances
from shared.usage.concurrency import map_concurrently
from shared.usage.daily_totals import DailyTotal, DailyTotals, read_records, sum_usage
from shared.usage.paths import PLATFORM, day_folder, ledger_folder
from shared.usage.records import Record, UsageRecord, record_id, unique
from shared.usage.seal_chain import Seal, SealChain
from shared.usage.sealing import seal_due
from shared.usage.unsealed import current_balance, read_unsealed
from shared.usage.verification import Verification, verify

RecordFilter = Callable[[Record], bool]
RecordPosition = tuple[int, str]
"""The place of a record in a list: microseconds of its time, and its id."""


class UsageLedger:
    """The reading side: records are written by a `Journal`. All methods raise `StoreUnavailable`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._chain = SealChain(blobs)
        self._daily_totals = DailyTotals(blobs)

    async def balances(self) -> BudgetBalances:
        """The balances of all budgets as of now."""
        return (await current_balance(self._blobs, self._chain)).budgets()

    async def seal_due(self) -> Seal | None:
        """Seals what the journals wrote, at most once a minute; None where nothing was sealed."""
        return await seal_due(self._blobs)

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
    ) -> list[Record]:
        """Up to `limit` records of the tenants, newest first, that come after the position `after`; days before
        `since` are not read."""
        found: list[Record] = []
        first_day = _day_of(since) if since else ""
        async for records in self._days(tenant_ids, after, first_day):
            matching = [one for one in records if matches(one) and (after is None or _position(one) < after)]
            found += sorted(matching, key=_position, reverse=True)
            if len(found) >= limit:
                break
        return found[:limit]

    async def page(
        self, tenant_ids: Sequence[str], request: PageRequest, matches: RecordFilter, since: datetime
    ) -> tuple[list[Record], str | None]:
        """The requested page of the matching records, newest first, and the cursor of the next one."""
        after = read_cursor(request.cursor) if request.cursor else None
        found = await self.newest(tenant_ids, request.limit + 1, after, matches, since)
        page = found[: request.limit]
        return page, write_cursor(*_position(page[-1])) if len(found) > len(page) else None

    async def records(self, tenant_id: str, since: datetime, until: datetime) -> list[Record]:
        """A tenant's records from `since` on, before `until`, in the order of time."""
        unsealed = await self._unsealed([tenant_id])
        sealed = await map_concurrently(lambda day: self._sealed(tenant_id, day), _days_between(since, until))
        records = unique([*unsealed, *(one for day in sealed for one in day)])
        return sorted((one for one in records if since <= one.at < until), key=_position)

    async def usage(self, tenant_id: str, since: datetime, until: datetime) -> list[UsageRecord]:
        """The usage records of a period, in the order of time."""
        return [one for one in await self.records(tenant_id, since, until) if isinstance(one, UsageRecord)]

    async def cost_by_key(self, tenant_id: str) -> dict[str, int]:
        """The total cost of each key's calls, in micro-dollars."""
        today = _day_of(now())
        first_day = min([*await self._blobs.folders(ledger_folder(tenant_id)), today])
        costs: dict[str, int] = {}
        for row in await self.totals(tenant_id, _bounds(first_day)[0], _bounds(today)[1]):
            costs[row.key_id] = costs.get(row.key_id, 0) + row.cost_microusd
        return costs

    async def totals(self, tenant_id: str, since: datetime, until: datetime) -> list[DailyTotal]:
        """The usage of a period in sums by day, key, document and unit, several rows for a day whose usage was read in
        parts. Complete days without unsealed records come from their stored totals."""
        whole, parts = _whole_days(since, until)
        changed = {_day_of(one.at) for one in await self._unsealed([tenant_id])}
        stored = [day for day in whole if day not in changed]
        rows: list[DailyTotal] = []
        for found in await map_concurrently(lambda day: self._daily_totals.read(tenant_id, day), stored):
            rows += found
        for start, end in [*parts, *(_bounds(day) for day in whole if day in changed)]:
            rows += sum_usage(await self.usage(tenant_id, start, end))
        return rows

    async def tenants(self) -> list[str]:
        """All tenants that may have records, and `PLATFORM`."""
        return sorted({*await self._blobs.folders("t/"), PLATFORM})

    async def _days(
        self, tenant_ids: Sequence[str], after: RecordPosition | None, first_day: str
    ) -> AsyncIterator[list[Record]]:
        """The records of each day from `first_day` on, newest day first."""
        unsealed = await self._unsealed(tenant_ids)
        sealed = await map_concurrently(lambda tenant_id: self._blobs.folders(ledger_folder(tenant_id)), tenant_ids)
        days = {day for folders in sealed for day in folders} | {_day_of(one.at) for one in unsealed}
        last_day = _day_of(datetime.fromtimestamp(after[0] / 1_000_000, UTC)) if after else "9"
        for day in sorted((day for day in days if first_day <= day <= last_day), reverse=True):
            owners = [tenant_id for tenant_id, folders in zip(tenant_ids, sealed, strict=True) if day in folders]
            read = await map_concurrently(lambda owner: self._sealed(owner, day), owners)  # noqa: B023 - awaited here
            yield unique(
                [*(one for one in unsealed if _day_of(one.at) == day), *(one for found in read for one in found)]
            )

    async def _sealed(self, tenant_id: str, day: str) -> list[Record]:
        return await read_records(self._blobs, await self._blobs.names(day_folder(tenant_id, day)))

    async def _unsealed(self, tenant_ids: Sequence[str]) -> list[Record]:
        """Read before the sealed ones: what is sealed in between is then met twice, and not missed."""
        found = await read_unsealed(self._blobs, self._chain)
        return unique(record for record in found.records if (record.tenant_id or PLATFORM) in tenant_ids)


def _position(record: Record) -> RecordPosition:
    return microseconds(record.at), record_id(record)


def _day_of(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _bounds(day: str) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return start, start + timedelta(days=1)


def _days_between(since: datetime, until: datetime) -> list[str]:
    """Each UTC day that overlaps the period."""
    first, last = since.astimezone(UTC).date(), (until.astimezone(UTC) - timedelta(microseconds=1)).date()
    return [date.fromordinal(day).isoformat() for day in range(first.toordinal(), last.toordinal() + 1)]


def _whole_days(since: datetime, until: datetime) -> tuple[list[str], list[tuple[datetime, datetime]]]:
    """The days that lie completely in the period, and the parts of the others."""
    whole, parts = [], []
    for day in _days_between(since, until):
        start, end = _bounds(day)
        if since <= start and end <= until:
            whole.append(day)
        else:
            parts.append((max(since, start), min(until, end)))
    return whole, parts
