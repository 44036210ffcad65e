"""A tenant's usage of a day in sums, kept beside the book so that a month need not be read record by record.

A digest can be made again from the book at any time; it counts only while it covers exactly the blobs of its day.
"""

from collections.abc import Iterable
from datetime import UTC

import msgspec
from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.usage.lines import records_of
from shared.usage.places import day_folder, digest_blob
from shared.usage.records import Record, Unit, UsageRecord, record_id
from shared.usage.seals import digest
from shared.usage.together import together


class DigestRow(Struct, frozen=True):
    """`quantity` as in a record's line: see `PER_UNIT`."""

    day: str
    key_id: str
    document_id: str
    unit: Unit
    quantity: int
    cost_microusd: int


class _Digest(Struct, frozen=True):
    """`covers` is the hash of the names of the day's blobs, which hold their content's hash."""

    covers: str
    rows: list[DigestRow]


class Digests:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def rows(self, tenant_id: str, day: str) -> list[DigestRow]:
        """Of the sealed records of a day."""
        names = await self._blobs.names(day_folder(tenant_id, day))
        if not names:
            return []
        covers = digest("\n".join(names).encode())
        kept = await self._kept(tenant_id, day)
        if kept is None or kept.covers != covers:
            kept = _Digest(covers, rows_of(await self._usage(names)))
            await self._blobs.write(digest_blob(tenant_id, day), msgspec.json.encode(kept))
        return kept.rows

    async def _kept(self, tenant_id: str, day: str) -> _Digest | None:
        try:
            return msgspec.json.decode(await self._blobs.read(digest_blob(tenant_id, day)), type=_Digest)
        except (BlobMissing, msgspec.MsgspecError):
            return None

    async def _usage(self, names: list[str]) -> list[UsageRecord]:
        first: dict[str, Record] = {}
        for data in await together(self._read, names):
            for record in records_of(data):
                first.setdefault(record_id(record), record)
        return [record for record in first.values() if isinstance(record, UsageRecord)]

    async def _read(self, name: str) -> bytes:
        try:
            return await self._blobs.read(name)
        except BlobMissing:  # a stray that was just erased
            return b""


def rows_of(usage: Iterable[UsageRecord]) -> list[DigestRow]:
    sums: dict[tuple[str, str, str, Unit], tuple[int, int]] = {}
    for record in usage:
        day = record.at.astimezone(UTC).date().isoformat()
        for line in record.lines:
            about = (day, record.key_id, record.document_id, line.unit)
            quantity, cost = sums.get(about, (0, 0))
            sums[about] = (quantity + line.quantity, cost + line.cost_microusd)
    return [DigestRow(*about, *total) for about, total in sorted(sums.items())]
