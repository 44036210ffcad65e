"""Exports the tenant's usage as CSV, one row for each line of a usage record; the sum of the rows is the bill."""

import asyncio
from collections.abc import AsyncIterator

from functions.usage.rows import ExportFormat, encode_rows, header
from shared.access.accounts import Accounts
from shared.proxy.budget.budget import Budget
from shared.types.http import Content
from shared.types.period import Period, span
from shared.types.principal import Principal
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import Record, UsageRecord


class ExportUsage(Period, frozen=True, kw_only=True):
    """`csv` has our own names, `focus` the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification)."""

    format: ExportFormat = "csv"


async def handle(
    request: ExportUsage,
    ledger: UsageLedger,
    budget: Budget,
    journal: Journal,
    accounts: Accounts,
    principal: Principal,
) -> Content:
    since, until = span(request)
    await flush_outbox(budget.outbox, journal)
    tenant = await accounts.tenant(principal.tenant_id)
    parts = ledger.stream(principal.tenant_id, since, until)
    first: list[Record] = await anext(parts, [])  # before the status is sent: it shows a store that is away
    name = f"usage-{since.date()}-{until.date()}.{'csv' if request.format == 'csv' else 'focus.csv'}"
    body = _rows(request.format, tenant.name if tenant else "", first, parts)
    return Content(body, "text/csv; charset=utf-8", name)


async def _rows(
    kind: ExportFormat, tenant_name: str, first: list[Record], rest: AsyncIterator[list[Record]]
) -> AsyncIterator[bytes]:
    yield header(kind)
    part: list[Record] | None = first
    while part is not None:
        usage = [record for record in part if isinstance(record, UsageRecord)]
        if rows := await asyncio.to_thread(encode_rows, kind, tenant_name, usage):
            yield rows
        part = await anext(rest, None)
