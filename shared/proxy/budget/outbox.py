"""Usage that was settled in Redis and is not in the usage ledger yet."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from shared.proxy.budget.operations import BudgetOperation, settled_at_once, unspent, windows_of
from shared.redis.client import RedisClient, pairs
from shared.types.payer import Payer
from shared.usage.records import UsageRecord

_KEY = "budget:outbox"
_RELEASED = "released "
_WORK = "work "
_Row = tuple[str, str, str, str, str]


class RedisOutbox:
    """Settled usage in Redis. It belongs to no generation: its records stay valid when the budget is seeded again."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def waiting(self, limit: int | None = None) -> list[UsageRecord]:
        """Returns waiting records, at most about `limit`; all without a limit."""
        found: dict[str, str] = {}
        cursor = "0"
        while limit is None or len(found) < limit:
            cursor, flat = await self._redis.call("HSCAN", _KEY, cursor, "COUNT", 200)
            found |= pairs(flat)
            if cursor == "0":
                break
        return [_usage(operation_id, text) for operation_id, text in found.items()]

    async def booked(self, operation_ids: Sequence[str]) -> None:
        """Removes records that are in the ledger. Idempotent."""
        if operation_ids:
            await self._redis.call("HDEL", _KEY, *operation_ids)


def operation_from(operation_id: str, row: Sequence[str]) -> BudgetOperation:
    """Decodes an operation from a script's words: amount, end of the lease, windows, payer, model."""
    amount, until, windows, payer, model = row
    return BudgetOperation(
        operation_id,
        msgspec.json.decode(payer, type=Payer),
        windows_of(windows),
        int(amount),
        datetime.fromtimestamp(int(until) / 1000, UTC),
        model,
    )


def _usage(operation_id: str, text: str) -> UsageRecord:
    if text.startswith(_RELEASED):
        row = msgspec.json.decode(text.removeprefix(_RELEASED), type=_Row)
        operation = operation_from(operation_id, row)
        return unspent(operation, operation.until)
    if text.startswith(_WORK):
        windows, usage = msgspec.json.decode(text.removeprefix(_WORK), type=tuple[str, str])
        return settled_at_once(msgspec.json.decode(usage, type=UsageRecord), windows_of(windows))
    return msgspec.json.decode(text, type=UsageRecord)
