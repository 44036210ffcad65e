"""A process of many callers that spend: `URL BLOBS TENANT KEY SEED CALLERS`.

It starts at a line on its stdin, which says how far its clock is put forward, and prints each call that left: its id,
what it really cost, and the day of its reservation. Some callers die in the middle, some are cancelled, as callers are.
"""

import asyncio
import contextlib
import random
import sys
from pathlib import Path

from shared.blobs.folder import FolderBlobs
from shared.proxy.budget.operations import Reserved
from shared.redis.connection import over_url
from shared.types.errors import StoreUnavailable
from shared.types.payer import Payer
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from tests.shared.proxy.budget.environment import LEASE_S, BudgetEnvironment, fleet_allowance, outbound, usage


class Caller:
    def __init__(self, env: BudgetEnvironment, journal: Journal, payer: Payer, dice: random.Random) -> None:
        self._env = env
        self._journal = journal
        self._payer = payer
        self._dice = dice

    async def call(self, operation_id: str) -> None:
        """One cloud call from its reservation to its settlement."""
        amount, budget = self._dice.randint(1, 100), self._env.budget
        await asyncio.sleep(self._dice.uniform(0, 2))
        held = await budget.reserve(operation_id, amount, self._payer, LEASE_S)
        if not isinstance(held, Reserved):
            return
        left = False
        try:
            at = await self._env.now()
            await self._journal.append(outbound(operation_id, amount, self._payer, held, at, LEASE_S))
            if not await budget.confirm(operation_id):
                await self._journal.append(usage(operation_id, 0, self._payer.tenant_id, held))
                return
            left = True
            cost = self._dice.randint(0, amount)
            print(operation_id, cost, held.windows[0].start, flush=True)
            await asyncio.sleep(self._dice.uniform(0, 0.2))
            if self._dice.random() < 0.1:
                return  # it died: its lease settles it
            record = usage(operation_id, cost, self._payer.tenant_id, held)
            await budget.settle(record)
            self._journal.append_soon(record)  # for a Redis that forgets before its outbox is booked
        finally:
            if not left:
                await budget.release(operation_id)


async def main(url: str, blobs: str, tenant: str, key: str, seed: str, callers: str) -> None:
    folder = FolderBlobs(Path(blobs))
    ledger, journal = UsageLedger(folder), Journal(folder)
    env = BudgetEnvironment(folder, over_url(url, connections=100, answer_s=20), fleet_allowance(), ledger.balances)
    dice = random.Random(seed)
    caller = Caller(env, journal, Payer(tenant, key), dice)
    await env.redis.ping()
    print("ready", flush=True)
    env.budget.ahead_s = int(sys.stdin.readline())
    calls = [asyncio.create_task(caller.call(f"opr_{seed}_{number}")) for number in range(int(callers))]
    for call in dice.sample(calls, len(calls) // 10):
        asyncio.get_running_loop().call_later(dice.uniform(0, 2), call.cancel)
    for call in calls:
        with contextlib.suppress(asyncio.CancelledError, StoreUnavailable):
            await call
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
