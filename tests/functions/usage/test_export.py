"""An export holds every line of usage once, and its sum is the bill to the last digit."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from functions.usage import export, totals
from functions.usage.rows import ExportFormat
from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget.budget import Budget
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.principal import Principal
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import UsageLine
from shared.usage.sealing import seal
from tests.shared.usage.samples import NOON, TODAY, free, outbound, settled

ADMIN = Principal("ten_a", "key_a", "admin")
PERIOD: dict[str, Any] = {"since": (NOON - timedelta(days=20)).date().isoformat(), "until": TODAY}
REQUIRED = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency",
    "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription",
    "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip


class Desk:
    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self.blobs = blobs
        self.ledger, self.journal, self.accounts = UsageLedger(blobs), Journal(blobs), Accounts(blobs, redis)
        self.budget = Budget(redis, blobs, self.accounts, self.ledger.balances)

    async def rows(self, kind: ExportFormat, **fields: Any) -> list[dict[str, str]]:
        request = export.ExportUsage(format=kind, **{**PERIOD, **fields})
        content = await export.handle(request, self.ledger, self.budget, self.journal, self.accounts, ADMIN)
        assert content.media_type == "text/csv; charset=utf-8" and not isinstance(content.body, bytes)
        data = b"".join([piece async for piece in content.body])
        return list(csv.DictReader(io.StringIO(data.decode(), newline="")))

    async def total(self) -> Decimal:
        request = totals.GetUsage(**PERIOD)
        return Decimal(str((await totals.handle(request, self.ledger, self.budget, self.journal, ADMIN)).total_usd))


@pytest.fixture
async def desk(blobs: Blobs, redis: RedisClient) -> Desk:
    """Digested, sealed and unsealed records, one that came twice, one of another tenant, one that lowers another."""
    desk = Desk(blobs, redis)
    await desk.accounts.keep_tenant(TenantRecord("ten_a", "The tenant", "enterprise", now()))
    for day in range(3):
        for number in range(5):
            call = outbound(day * 10 + number, at=NOON - timedelta(days=day))
            await desk.journal.append(call)
            await desk.journal.append(settled(call, 1_000_001 + number, label="-2+3", model="gpt-oss:120b"))
        await desk.journal.append(settled(outbound(1, at=NOON - timedelta(days=day)), 1_000_002))
        if day < 2:
            await seal(blobs)
        if day == 0:
            await desk.ledger.update_digests()
    await desk.journal.append(free(1, lines=(UsageLine("embedded_1k_tokens", 1_500, 7),)))
    await desk.journal.append(free(2, tenant_id="ten_b", lines=(UsageLine("page_parsed", 3, 9_000_000),)))
    lines = (UsageLine("output_token", 0, -5),)
    await desk.journal.append(settled(outbound(0), -5, usage_id="op_0-lowered-0", adjusts="op_0", lines=lines))
    return desk


@pytest.mark.parametrize(("kind", "column"), [("csv", "cost_usd"), ("focus", "BilledCost")])
async def test_the_sum_of_an_export_is_the_bill(desk: Desk, kind: ExportFormat, column: str) -> None:
    rows = await desk.rows(kind)
    assert sum((Decimal(row[column]) for row in rows), Decimal(0)) == await desk.total() > 15
    assert len({(row.get("usage_id") or row["x_UsageId"], row.get("unit") or row["SkuMeter"]) for row in rows}) == len(
        rows
    )


async def test_a_row_shows_the_line_and_its_record(desk: Desk) -> None:
    rows = {(row["usage_id"], row["unit"]): row for row in await desk.rows("csv")}
    row = rows["op_10", "output_token"]
    assert row["at"] == (NOON - timedelta(days=1) + timedelta(seconds=2)).isoformat().replace("+00:00", "Z")
    assert (row["quantity"], row["cost_usd"], row["model"], row["estimated"]) == (
        "20",
        "1.000001",
        "gpt-oss:120b",
        "false",
    )
    assert rows["stage_1", "embedded_1k_tokens"]["quantity"] == "1.5"
    assert rows["op_0-lowered-0", "output_token"]["cost_usd"] == "-0.000005"
    assert row["label"] == "'-2+3"  # no spreadsheet runs it


async def test_focus_has_the_columns_that_its_version_1_2_requires(desk: Desk) -> None:
    rows = await desk.rows("focus")
    assert set(rows[0]) >= REQUIRED
    assert all(name in REQUIRED or name[0].isupper() or name.startswith("x_") for name in rows[0])
    (adjusted,) = [row for row in rows if row["ChargeCategory"] == "Adjustment"]
    assert adjusted["x_Adjusts"] == "op_0" and adjusted["PricingUnit"] == ""
    for row in rows:
        assert row["BillingCurrency"] == "USD" and row["BillingAccountName"] == "The tenant"
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]


async def test_an_export_of_nothing_has_its_header(desk: Desk) -> None:
    assert await desk.rows("csv", since="2001-01-01", until="2001-01-31") == []
