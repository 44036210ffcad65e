"""Fills an emptied, restarted or replaced Redis from the usage ledger, before anything is admitted.

A seeding draws a token before it reads the ledger, and counts only while Redis still holds that token: had Redis been
emptied meanwhile, calls may have been admitted that the ledger did not contain yet, and the seeding starts again. It
writes a new generation, which nobody reads until the last step names it.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared.proxy.budget.asking import ask
from shared.proxy.budget.operations import operation_of, text_of
from shared.proxy.budget.outbox import RedisOutbox
from shared.proxy.budget.scripts import BEGIN_SEEDING, END_SEEDING, FILL
from shared.proxy.budget.switches import ModelOff, ModelSwitches
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.types.errors import StoreUnavailable
from shared.usage.balance import BudgetBalances
from shared.usage.records import BudgetWindow, UsageRecord

_AT_ONCE = 500
_ATTEMPTS = 5

ReadBalances = Callable[[], Awaitable[BudgetBalances]]


class Seeding:
    def __init__(
        self, redis: RedisClient, outbox: RedisOutbox, switches: ModelSwitches, balances: ReadBalances
    ) -> None:
        self._redis = redis
        self._outbox = outbox
        self._switches = switches
        self._balances = balances

    async def run(self) -> None:
        """Returns when the budget is warm, whichever process made it so. Raises `StoreUnavailable`."""
        for _ in range(_ATTEMPTS):
            async with Leases(self._redis).wait("budget:seeding"):
                token = await ask(self._redis, BEGIN_SEEDING, [secrets.token_hex(8)])
                if not token or await self._fill(token):
                    return
        raise StoreUnavailable("counters", "Redis is emptied again and again")

    async def _fill(self, token: str) -> bool:
        outbox = await self._outbox.waiting()  # before the ledger: a record that moves meanwhile is in both
        balances = settled(await self._balances(), outbox)
        for rows in _parts(balances, await self._switches.models()):
            if not await ask(self._redis, FILL, [token, msgspec.json.encode(rows).decode()]):
                return False
        return bool(await ask(self._redis, END_SEEDING, [token]))


def settled(balances: BudgetBalances, outbox: Iterable[UsageRecord]) -> BudgetBalances:
    """Returns the balances, after writing the outbox to the usage ledger."""
    usages = {usage.usage_id: usage for usage in outbox}
    spent = dict(balances.spent)
    for call in balances.open:
        for window in call.windows if call.operation_id in usages else ():
            spent[window] = spent.get(window, 0) + usages[call.operation_id].cost_microusd
    for usage in usages.values():
        for window in usage.windows if usage.settled_at_once and usage.usage_id not in balances.work else ():
            spent[window] = spent.get(window, 0) + usage.cost_microusd
    still_open = tuple(call for call in balances.open if call.operation_id not in usages)
    return BudgetBalances(spent, still_open, balances.alerted, balances.work)


def _parts(balances: BudgetBalances, off: Sequence[ModelOff]) -> Iterator[Mapping[str, Any]]:
    alerted: dict[BudgetWindow, list[int]] = {}
    for window, percent in balances.alerted:
        alerted.setdefault(window, []).append(percent)
    known = sorted({*balances.spent, *alerted})
    windows = [(text_of(window), balances.spent.get(window, 0), alerted.get(window, [])) for window in known]
    operations = [_row(call_row) for call_row in map(operation_of, balances.open)]
    for start in range(0, max(len(windows), len(operations), 1), _AT_ONCE):
        yield {
            "windows": windows[start : start + _AT_ONCE],
            "operations": operations[start : start + _AT_ONCE],
            "off": [(record.model, record.operation_id) for record in off] if start == 0 else [],
        }


def _row(operation: Any) -> tuple[str, ...]:
    return (
        operation.operation_id,
        str(operation.reserved_microusd),
        str(round(operation.until.timestamp() * 1000)),
        " ".join(map(text_of, operation.windows)),
        msgspec.json.encode(operation.payer).decode(),
        operation.model,
    )
