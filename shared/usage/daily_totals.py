"""A tenant's usage of a day in sums, stored beside the ledger so that a month is not read record by record.

A day's totals can be made again from the ledger at any time; they count only while they cover exactly the blobs of
their day.
"""

from collections.abc import Iterable
from datetime import UTC

import msgspec
from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.usage.codec import decode_records
from shared.usage.concurrency import map_concurrently
from shared.usage.paths import daily_totals_blob, day_folder
from shared.usage.records import Record, Unit, UsageRecord, unique
from shared.usage.seal_chain import sha256_hex


class DailyTotal(Struct, frozen=True):
    """One sum of a day, by key, document and unit. `quantity` as in a record's line: see `PER_UNIT`."""

    day: str
    key_id: str
    document_id: str
    unit: Unit
    quantity: int
    cost_microusd: int


class _StoredTotals(Struct, frozen=True):
    """`covers` is the hash of the names of the day's blobs, which hold the hash of their content."""

    covers: str
    rows: list[DailyTotal]


class DailyTotals:
    """The totals of sealed days, computed when first asked for."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def read(self, tenant_id: str, day: str) -> list[DailyTotal]:
        """The totals of a day's sealed records."""
        names = await self._blobs.names(day_folder(tenant_id, day))
        if not names:
            return []
        covers = sha256_hex("\n".join(names).encode())
        stored = await self._stored(tenant_id, day)
        if stored is None or stored.covers != covers:
            records = unique(await read_records(self._blobs, names))
            stored = _StoredTotals(covers, sum_usage(one for one in records if isinstance(one, UsageRecord)))
            await self._blobs.write(daily_totals_blob(tenant_id, day), msgspec.json.encode(stored))
        return stored.rows

    async def _stored(self, tenant_id: str, day: str) -> _StoredTotals | None:
        try:
            return msgspec.json.decode(await self._blobs.read(daily_totals_blob(tenant_id, day)), type=_StoredTotals)
        except (BlobMissing, msgspec.MsgspecError):
            return None


async def read_records(blobs: Blobs, names: list[str]) -> list[Record]:
    """The records of sealed blobs. A blob that a sealing left and another erases meanwhile is passed over: its records
    are in the other's blobs."""

    async def read(name: str) -> bytes:
        try:
            return await blobs.read(name)
        except BlobMissing:
            return b""

    return [record for data in await map_concurrently(read, names) for record in decode_records(data)]


def sum_usage(usage: Iterable[UsageRecord]) -> list[DailyTotal]:
    sums: dict[tuple[str, str, str, Unit], tuple[int, int]] = {}
    for record in usage:
        day = record.at.astimezone(UTC).date().isoformat()
        for line in record.lines:
            group = (day, record.key_id, record.document_id, line.unit)
            quantity, cost = sums.get(group, (0, 0))
            sums[group] = (quantity + line.quantity, cost + line.cost_microusd)
    return [DailyTotal(*group, *total) for group, total in sorted(sums.items())]
