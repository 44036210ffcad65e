"""What the budget's tests share: a budget whose clock can be put forward, and those who pay."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget.allowances import DefaultCap, DefaultCaps
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.mending import Counted, counts
from shared.proxy.budget.operations import Reserved, Settled
from shared.proxy.budget.seeding import ReadBalances
from shared.redis.client import RedisClient
from shared.types.payer import Payer
from shared.usage.balance import BudgetBalances
from shared.usage.records import BudgetWindow, OutboundRecord, UsageLine, UsageRecord

NOON = 12 * 3600
DAY = 86400
LEASE_S = 3
DAILY, MONTHLY = 1500, 2200
"""Of the many callers."""
TIERS = {"free": DefaultCap(0, 0), "pro": DefaultCap(month=20_000), "enterprise": DefaultCap()}


class LaterBudget(Budget):
    """Its clock can be put forward."""

    ahead_s = 0

    def _ahead_s(self) -> int:
        return self.ahead_s


class RecordedUsage:
    """A usage ledger in memory: outbound records, usage, alerts that were sent."""

    def __init__(self) -> None:
        self.outbound: dict[str, OutboundRecord] = {}
        self.usage: dict[str, UsageRecord] = {}
        self.alerted: set[tuple[BudgetWindow, int]] = set()
        self.reads = 0

    async def balances(self) -> BudgetBalances:
        self.reads += 1
        spent: dict[BudgetWindow, int] = {}
        for operation_id, call in self.outbound.items():
            if operation_id in self.usage:
                for window in call.windows:
                    spent[window] = spent.get(window, 0) + self.usage[operation_id].cost_microusd
        still_open = tuple(call for call in self.outbound.values() if call.operation_id not in self.usage)
        return BudgetBalances(spent, still_open, frozenset(self.alerted))


class BudgetEnvironment:
    """One process' budget over the stores of a test."""

    def __init__(
        self,
        blobs: Blobs,
        redis: RedisClient,
        platform: DefaultCap | None = None,
        balances: ReadBalances | None = None,
    ) -> None:
        self.redis = redis
        self.blobs = blobs
        self.recorded = RecordedUsage()
        self.accounts = Accounts(blobs, redis)
        allowances = DefaultCaps(platform or DefaultCap(1000, 10_000), TIERS)  # type: ignore[arg-type]
        self.budget = LaterBudget(redis, blobs, self.accounts, balances or self.recorded.balances, allowances)

    async def noon(self) -> None:
        """Puts the clock to the next noon, far from any change of the day."""
        now = int((await self.redis.call("TIME"))[0])
        self.budget.ahead_s = (NOON - now) % DAY

    async def payer(self, tier: str = "pro", **about: object) -> Payer:
        tenant = await self.accounts.create_tenant("a tenant", tier)  # type: ignore[arg-type]
        return Payer(tenant.tenant_id, **{"key_id": f"key_{tenant.tenant_id[4:]}", **about})  # type: ignore[arg-type]

    async def now(self) -> datetime:
        seconds, micros = map(int, await self.redis.call("TIME"))
        return datetime.fromtimestamp(seconds + self.budget.ahead_s, UTC) + timedelta(microseconds=micros)

    async def leave(self, operation_id: str, amount: int, payer: Payer, lease_s: float = 60, model: str = "") -> bool:
        """Reserves, writes down and confirms; whether the call may leave."""
        held = await self.budget.reserve(operation_id, amount, payer, lease_s, model)
        if not isinstance(held, Reserved):
            return False
        self.recorded.outbound[operation_id] = outbound(operation_id, amount, payer, held, await self.now(), lease_s)
        return await self.budget.confirm(operation_id)

    async def settle(self, operation_id: str, cost: int) -> Settled:
        return await self.budget.settle(usage(operation_id, cost))

    async def spend(self, operation_id: str, amount: int, payer: Payer) -> None:
        assert await self.leave(operation_id, amount, payer)
        assert (await self.settle(operation_id, amount)).booked

    async def book_outbox(self) -> None:
        waiting = await self.budget.outbox.waiting()
        self.recorded.usage |= {one.usage_id: one for one in waiting}
        await self.budget.outbox.booked([one.usage_id for one in waiting])

    async def counted(self) -> Mapping[BudgetWindow, Counted]:
        """What Redis counts, in windows that count anything."""
        found = await counts(self.redis)
        return {window: counted for window, counted in found.windows.items() if counted != Counted(0, 0)}


def outbound(
    operation_id: str, amount: int, payer: Payer, held: Reserved, at: datetime, lease_s: float
) -> OutboundRecord:
    return OutboundRecord(
        operation_id=operation_id,
        tenant_id=payer.tenant_id,
        key_id=payer.key_id,
        request_id=payer.request_id,
        at=at,
        lease_until=at + timedelta(seconds=lease_s),
        model="gpt-oss:20b",
        classification="internal",
        reserved_microusd=amount,
        windows=held.windows,
        prompt_hash="0" * 64,
    )


AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def usage(operation_id: str, cost: int, tenant_id: str = "ten_a", held: Reserved | None = None) -> UsageRecord:
    lines = (UsageLine("output_token", 10, cost),)
    windows = held.windows if held else ()
    return UsageRecord(usage_id=operation_id, tenant_id=tenant_id, at=AT, lines=lines, windows=windows)


def fleet_allowance() -> DefaultCap:
    """What the many callers together may spend: less than they ask for."""
    return DefaultCap(DAILY, MONTHLY)
