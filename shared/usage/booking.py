"""Brings usage that was settled in Redis into the book."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from shared.usage.journal import Journal
from shared.usage.records import UsageRecord

_AT_ONCE = 500


class UsageOutbox(Protocol):
    """Usage records that wait to be booked."""

    async def waiting(self, limit: int | None = None) -> list[UsageRecord]: ...

    async def booked(self, operation_ids: Sequence[str]) -> None:
        """They stand in the book; to say so twice does no harm."""
        ...


async def flush_outbox(outbox: UsageOutbox, journal: Journal) -> int:
    """How many were booked; what this process noted itself is durable as well when this returns. Two at a time, or one
    that is cut off, may book a record twice: it counts once."""
    booked = 0
    while found := await outbox.waiting(_AT_ONCE):
        await asyncio.gather(*(journal.append(usage) for usage in found))
        await outbox.booked([usage.usage_id for usage in found])
        booked += len(found)
    await journal.drain()
    return booked
