"""Moves usage that was settled in Redis into the ledger."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from shared.usage.journal import Journal
from shared.usage.records import UsageRecord

_BATCH_RECORDS = 500


class UsageOutbox(Protocol):
    """Usage records that wait to be booked."""

    async def waiting(self, limit: int | None = None) -> list[UsageRecord]: ...

    async def booked(self, operation_ids: Sequence[str]) -> None:
        """Removes records that are in the ledger. Idempotent."""
        ...


async def flush_outbox(outbox: UsageOutbox, journal: Journal) -> int:
    """Books what waits and returns how many records that were; what this process appended before is durable as well.

    Two flushes at a time, or one that is cut off, may book a record twice: it counts once.
    """
    count = 0
    while found := await outbox.waiting(_BATCH_RECORDS):
        await asyncio.gather(*(journal.append(usage) for usage in found))
        await outbox.booked([usage.usage_id for usage in found])
        count += len(found)
    await journal.drain()
    return count
