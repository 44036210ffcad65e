"""The budget: what may still be spent, stored in Redis and exact across all processes.

A cloud call goes `reserve` → outbound record in the usage ledger → `confirm` → the call → `settle`, or `release` where
it never left. While Redis is away every method raises `StoreUnavailable`, and no cloud call is made.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget import scripts
from shared.proxy.budget.allowances import DefaultCap, DefaultCaps
from shared.proxy.budget.asking import ask
from shared.proxy.budget.caps import Caps, CapsRecord, CapsStore, Setter
from shared.proxy.budget.lua import REMAINING
from shared.proxy.budget.operations import (
    BudgetOperation,
    CloudForbidden,
    CloudNotAllowed,
    Over,
    Reserved,
    ScopeOf,
    Settled,
    SwitchedOff,
    WindowState,
    Withdrawal,
    no_room,
    resets_at,
    settled_at_once,
    text_of,
    window_of,
)
from shared.proxy.budget.outbox import RedisOutbox, operation_from
from shared.proxy.budget.seeding import ReadBalances, Seeding
from shared.proxy.budget.switches import ModelSwitches
from shared.redis.client import RedisClient, RedisWord, Script, pairs
from shared.types.charges import add_cost
from shared.types.deadlines import answered_within
from shared.types.errors import AegisError, BudgetExceeded, NotFound, StoreUnavailable
from shared.types.payer import Payer
from shared.types.tasks import retrieve_failure
from shared.usage.metering import ChargedWork
from shared.usage.records import AlertRecord, UsageRecord

SEEDING_S = 5.0
"""How long a call waits for a seeding, which goes on when it leaves."""

_AT_ONCE = 200
_ROUNDS = 8
"""Of loading what Redis does not hold, before Redis counts as unable to store it."""


class OperationEnded(AegisError):
    """The operation was settled or released before: its id cannot be used again."""


class Budget:
    remaining_lua = REMAINING

    def __init__(
        self,
        redis: RedisClient,
        blobs: Blobs,
        accounts: Accounts,
        balances: ReadBalances,
        allowances: DefaultCaps | None = None,
    ) -> None:
        """`balances` reads the usage ledger; it is called only while the budget is cold."""
        self._redis = redis
        self._accounts = accounts
        self._allowances = allowances or DefaultCaps()
        self._terms = self._allowances.terms()
        self._caps = CapsStore(blobs, redis)
        self.outbox = RedisOutbox(redis)
        self.switches = ModelSwitches(blobs, redis)
        self._seeder = Seeding(redis, self.outbox, self.switches, balances)
        self._seeding: asyncio.Task[None] | None = None

    async def reserve(
        self, operation_id: str, amount: int, payer: Payer, lease_s: float, model: str = ""
    ) -> Reserved | Over | SwitchedOff | CloudNotAllowed:
        """Reserves micro-dollars in every scope of the payer or in none, until they are settled or released, or
        its lease ends before it is confirmed. Repeated under the same id it reserves nothing more. Raises
        `OperationEnded`."""
        if amount < 0 or not payer.tenant_id:
            raise ValueError("a reservation takes an amount of at least 0 and a tenant")
        about = msgspec.json.encode(payer).decode()
        answer = await self._ask(scripts.RESERVE, operation_id, amount, round(lease_s * 1000), about, model)
        if answer[0] == "reserved":
            return Reserved(tuple(map(window_of, answer[2:])), _microusd(answer[1]))
        if answer[0] == "over":
            return Over(window_of(answer[1]), *map(int, answer[2:]))
        if answer[0] == "off":
            return SwitchedOff(model)
        if answer[0] == "forbidden":
            return CloudNotAllowed()
        raise OperationEnded(f"the operation {operation_id} has ended; take a new id")

    async def confirm(self, operation_id: str) -> bool:
        """Whether the call may be sent: its reservation exists and now counts until it is settled. Raises
        `CloudForbidden` where the tenant lets nothing leave any more."""
        answer = await self._ask(scripts.CONFIRM, operation_id)
        if answer[0] == "forbidden":
            raise CloudForbidden("The tenant's settings keep its content from the cloud.")
        return answer[0] == "yes"

    async def settle(self, usage: UsageRecord) -> Settled:
        """Books what the operation `usage.usage_id` cost, in the windows of its reservation, and puts the record into
        the outbox of the usage ledger. Idempotent."""
        add_cost(usage.cost_microusd, estimated=usage.estimated)
        text = msgspec.json.encode(usage).decode()
        answer = await self._ask(scripts.SETTLE, usage.usage_id, usage.cost_microusd, text)
        if answer[0] == "ended":
            return Settled(False)
        excess, left, cost, model = int(answer[1]), answer[2], int(answer[3]), answer[4]
        if excess and model:
            with contextlib.suppress(StoreUnavailable):  # Redis knows it, and the sweep writes it down
                await self.switches.switch_off(model, usage.usage_id)
        return Settled(True, excess, None if left == "unknown" else _microusd(left), left != "unknown", cost)

    async def record_cost(self, usage: UsageRecord, payer: Payer, *, must_fit: bool = True) -> ChargedWork:
        """Charges finished work whose cost is known, in every scope of the payer or in none. Idempotent by
        `usage.usage_id`. The record waits in the outbox until it is `booked`. Raises `BudgetExceeded`, unless it is
        charged whether it fits or not."""
        text, about = msgspec.json.encode(usage).decode(), msgspec.json.encode(payer).decode()
        force = "" if must_fit else "whatever"
        answer = await self._ask(scripts.RECORD_COST, usage.usage_id, usage.cost_microusd, about, text, force)
        if answer[0] == "over":
            raise BudgetExceeded(no_room(Over(window_of(answer[1]), *map(int, answer[2:])), usage.cost_microusd))
        if answer[0] == "charged":
            add_cost(usage.cost_microusd)
        charged = settled_at_once(usage, tuple(map(window_of, answer[2:])))
        return ChargedWork(charged, _microusd(answer[1]), answer[0] == "before")

    async def booked(self, usage_id: str) -> None:
        """The record of charged work is in the usage ledger."""
        await self.outbox.booked([usage_id])

    async def release(self, operation_id: str) -> None:
        """Releases the reservation of a call that was not sent and never will be."""
        await self._ask(scripts.RELEASE, operation_id)

    async def lapsed(self, limit: int = _AT_ONCE) -> list[BudgetOperation]:
        """Returns the calls that were sent and not settled within their lease. They count until they are settled."""
        answer = await self._ask(scripts.LAPSED, limit)
        return [operation_from(row[0], row[1:]) for row in answer[1:]]

    async def stopped(self, operation_ids: Iterable[str]) -> dict[str, Withdrawal]:
        """Those of the running operations that must end now, and why: `budget` where a cap was lowered below what runs
        or nothing counts them any more, `privacy` where their tenant lets nothing leave any more."""
        asked = list(operation_ids)
        rows = (await self._ask(scripts.STOPPED, *asked))[1:] if asked else []
        words = [row.split(" ") for row in rows]
        return {operation_id: "privacy" if why == "privacy" else "budget" for operation_id, why in words}

    async def remaining(self, payer: Payer) -> int | None:
        """Returns the smallest remaining amount (micro-dollars) of the payer's scopes; None where none has a cap."""
        about = msgspec.json.encode(payer).decode()
        return _microusd((await self._ask(scripts.REMAINING, about))[1])

    async def windows(self, scopes: Sequence[ScopeOf]) -> list[WindowState]:
        """Returns the day and the month of each scope."""
        words = [word for scope in scopes for word in (scope.scope, scope.id, scope.owner)]
        answer = await self._ask(scripts.WINDOWS, *words)
        return [_state(row) for row in answer[1:]]

    async def caps(self, scope: ScopeOf) -> CapsRecord:
        return await self._caps.read(scope)

    async def change_caps(self, scope: ScopeOf, setter: Setter, caps: Caps) -> CapsRecord:
        """Holds from the next call on, in every process. Raises `Forbidden` for an admin's cap above the operator's,
        `NotFound` for a tenant that is not there."""
        return await self._caps.change(scope, setter, caps, await self._default(scope))

    async def copy_caps(self, source: ScopeOf, target: ScopeOf) -> None:
        await self._caps.copy(source, target)

    async def alerts(self) -> list[AlertRecord]:
        """Returns the thresholds that were reached and whose event is not sent yet."""
        answer = await self._ask(scripts.ALERTS)
        return [_alert(place, details) for place, details in pairs(answer[1:])]

    async def alerted(self, alerts: Sequence[AlertRecord]) -> None:
        """Removes alerts whose events are sent. Idempotent."""
        places = [f"{text_of(alert.window)} {alert.threshold_pct}" for alert in alerts]
        if places:
            await self._ask(scripts.ALERTED, *places)

    async def sweep(self) -> int:
        """Releases the reservations of dead callers and returns how many these were."""
        released = 0
        while True:
            found = int((await self._ask(scripts.RELEASE_LAPSED, _AT_ONCE))[1])
            released += found
            if found < _AT_ONCE:
                break
        await self.switches.store()
        await self._erase_stale()
        return released

    async def seed(self) -> None:
        """Fills a cold budget from the usage ledger; one seeding at a time in a process."""
        if self._seeding is None or self._seeding.done():
            self._seeding = asyncio.create_task(self._seeder.run(), name="seeding of the budget")
            self._seeding.add_done_callback(retrieve_failure)
        async with answered_within(SEEDING_S, "counters", "the budget was not read from the usage ledger"):
            await asyncio.shield(self._seeding)

    def terms(self) -> str:
        """Returns the terms for other scripts that read the budget."""
        return self._allowances.terms(self._ahead_s()) if self._ahead_s() else self._terms

    def _ahead_s(self) -> int:
        """Seconds that the scripts add to Redis' clock: none."""
        return 0

    async def _ask(self, script: Script, *arguments: RedisWord) -> list[str]:
        """Runs a script, after loading what Redis lacks for it, and returns its words or list."""
        deleted: tuple[str, ...] = ()
        for _ in range(_ROUNDS):
            terms = self._allowances.terms(self._ahead_s(), deleted) if deleted else self.terms()
            words = await ask(self._redis, script, [terms, *arguments])
            answer: list[str] = words.split(" ") if isinstance(words, str) else words
            if answer[0] == "cold":
                await self.seed()
            elif answer[0] == "load":
                deleted += await self._load(answer[1], answer[2:])
            else:
                return answer
        raise StoreUnavailable("counters", "Redis does not keep what is loaded into it")

    async def _load(self, generation: str, missing: list[str]) -> tuple[str, ...]:
        """Loads tiers and caps that Redis lacks; returns the tenants that do not exist."""
        deleted = []
        for kind, *words in (one.split(":") for one in dict.fromkeys(missing)):
            if kind == "caps":
                await self._caps.load(generation, ScopeOf(*words))  # type: ignore[arg-type]
            elif not await self._accounts.load_tenant(words[0]):
                deleted.append(words[0])
        return tuple(deleted)

    async def _default(self, scope: ScopeOf) -> DefaultCap:
        if scope.scope == "platform":
            return self._allowances.platform
        if scope.scope != "tenant":
            return DefaultCap()
        tenant = await self._accounts.tenant(scope.id)
        if tenant is None:
            raise NotFound("There is no such tenant.")
        return self._allowances.of(tenant.tier)

    async def _erase_stale(self) -> None:
        """Erases the keys of former generations in a Redis that was restarted or replaced."""
        present = await self._redis.call("GET", "budget:generation")
        for generation in await self._redis.call("SMEMBERS", "budget:stale"):
            if generation != present:
                async for key in self._redis.scan(f"budget:{generation}:*"):
                    await self._redis.call("UNLINK", key)
            await self._redis.call("SREM", "budget:stale", generation)


def _microusd(word: str) -> int | None:
    return None if word == "unlimited" else int(word)


def _state(row: Sequence[str]) -> WindowState:
    window = window_of(row[0])
    cap = int(row[1]) if row[1] else None
    spent, reserved = int(row[2]), int(row[3])
    left = None if cap is None else max(0, cap - spent - reserved)
    return WindowState(window.scope, window.id, window.name, cap, spent, reserved, left, resets_at(window))


def _alert(place: str, details: str) -> AlertRecord:
    text, percent = place.split(" ")
    tenant_id, spent, cap, at, *more = msgspec.json.decode(details, type=list[str])
    return AlertRecord(
        window=window_of(text),
        threshold_pct=int(percent),
        at=datetime.fromtimestamp(int(at), UTC),
        spent_microusd=int(spent),
        cap_microusd=int(cap),
        tenant_id=tenant_id,
        reserved_microusd=int(more[0]) if more else 0,
    )
