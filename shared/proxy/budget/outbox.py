"""Usage that was settled in Redis and does not stand in the book yet."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from shared.book.records import Usage
from shared.counters.port import Counters, pairs
from shared.proxy.budget.operations import Operation, unspent, windows_of
from shared.proxy.task import Payer
from shared.types.clock import now

_KEY = "budget:outbox"
_RELEASED = "released "
_Row = tuple[str, str, str, str, str]


class Outbox:
    """It belongs to no generation: what is in it has happened, whatever Redis has forgotten since."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def waiting(self, limit: int | None = None) -> list[Usage]:
        """At most about so many; all without a limit."""
        found: dict[str, str] = {}
        cursor = "0"
        while limit is None or len(found) < limit:
            cursor, flat = await self._counters.call("HSCAN", _KEY, cursor, "COUNT", 200)
            found |= pairs(flat)
            if cursor == "0":
                break
        return [_usage(operation_id, text) for operation_id, text in found.items()]

    async def booked(self, operation_ids: Sequence[str]) -> None:
        """They stand in the book; to say so twice does no harm."""
        if operation_ids:
            await self._counters.call("HDEL", _KEY, *operation_ids)


def operation_from(operation_id: str, row: Sequence[str]) -> Operation:
    """From the words that scripts tell of it: amount, end of the lease, windows, payer, model."""
    amount, until, windows, payer, model = row
    return Operation(
        operation_id,
        msgspec.json.decode(payer, type=Payer),
        windows_of(windows),
        int(amount),
        datetime.fromtimestamp(int(until) / 1000, UTC),
        model,
    )


def _usage(operation_id: str, text: str) -> Usage:
    if text.startswith(_RELEASED):
        row = msgspec.json.decode(text.removeprefix(_RELEASED), type=_Row)
        return unspent(operation_from(operation_id, row), now())
    return msgspec.json.decode(text, type=Usage)
