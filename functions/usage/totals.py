"""Sums up the tenant's usage and its cost by day, key, document or unit."""

import asyncio
from collections import defaultdict
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from shared.proxy.budget.budget import Budget
from shared.types.money import usd
from shared.types.period import Period, span
from shared.types.principal import Principal
from shared.usage.day_digest import DailyTotal
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import Unit, in_units

GroupBy = Literal["day", "key", "document", "unit"]


class GetUsage(Period, frozen=True, kw_only=True):
    group_by: GroupBy = "day"


class UsageItem(Struct, frozen=True, kw_only=True):
    """One of `day`, `key_id`, `document_id`, or, by unit, none of them. The id is null for usage without a key or
    document."""

    day: str | UnsetType = UNSET
    key_id: str | UnsetType | None = UNSET
    document_id: str | UnsetType | None = UNSET
    unit: Unit
    quantity: int | float
    cost_usd: float


class UsageTotals(Struct, frozen=True):
    items: list[UsageItem]
    total_usd: float


async def handle(
    request: GetUsage, ledger: UsageLedger, budget: Budget, journal: Journal, principal: Principal
) -> UsageTotals:
    since, until = span(request)
    await flush_outbox(budget.outbox, journal)
    rows = await ledger.totals(principal.tenant_id, since, until, by_document=request.group_by == "document")
    items = await asyncio.to_thread(_items, rows, request.group_by)
    return UsageTotals(items, usd(sum(row.cost_microusd for row in rows)))


def _items(rows: list[DailyTotal], group_by: GroupBy) -> list[UsageItem]:
    sums: dict[tuple[str, Unit], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        quantity, cost = sums[_group(row, group_by), row.unit]
        sums[_group(row, group_by), row.unit] = (quantity + row.quantity, cost + row.cost_microusd)
    name = {"key": "key_id", "document": "document_id"}.get(group_by, group_by)
    return [
        UsageItem(
            **({} if group_by == "unit" else {name: group or None}),  # type: ignore[arg-type]  # a day is never empty
            unit=unit,
            quantity=in_units(unit, quantity),
            cost_usd=usd(cost),
        )
        for (group, unit), (quantity, cost) in sorted(sums.items())
    ]


def _group(row: DailyTotal, group_by: GroupBy) -> str:
    return {"day": row.day, "key": row.key_id, "document": row.document_id, "unit": ""}[group_by]
