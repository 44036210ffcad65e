"""Rows of an export: the line of a usage record in our own columns, or in those of FOCUS 1.2."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from shared.usage.records import UsageLine, UsageRecord, in_units

ExportFormat = Literal["csv", "focus"]
Column = Callable[[str, UsageRecord, UsageLine], object]
"""The value of a column: of the tenant's name, a record and one of its lines."""

_OWN: dict[str, Column] = {
    "usage_id": lambda name, record, line: record.usage_id,
    "at": lambda name, record, line: _time(record.at),
    "request_id": lambda name, record, line: record.request_id,
    "label": lambda name, record, line: record.label,
    "key_id": lambda name, record, line: record.key_id,
    "document_id": lambda name, record, line: record.document_id,
    "function": lambda name, record, line: record.function,
    "location": lambda name, record, line: record.location,
    "model": lambda name, record, line: record.model,
    "reason": lambda name, record, line: record.reason,
    "unit": lambda name, record, line: line.unit,
    "quantity": lambda name, record, line: _quantity(line),
    "cost_usd": lambda name, record, line: _cost(line),
    "estimated": lambda name, record, line: "true" if record.estimated else "false",
    "adjusts": lambda name, record, line: record.adjusts,
}
_FOCUS: dict[str, Column] = {
    "BilledCost": lambda name, record, line: _cost(line),
    "BillingAccountId": lambda name, record, line: record.tenant_id,
    "BillingAccountName": lambda name, record, line: name,
    "BillingAccountType": lambda name, record, line: "Tenant",
    "BillingCurrency": lambda name, record, line: "USD",
    "BillingPeriodEnd": lambda name, record, line: _time((_month(record.at) + timedelta(days=32)).replace(day=1)),
    "BillingPeriodStart": lambda name, record, line: _time(_month(record.at)),
    "ChargeCategory": lambda name, record, line: "Adjustment" if record.adjusts else "Usage",
    "ChargeClass": lambda name, record, line: None,
    "ChargeDescription": lambda name, record, line: " ".join(
        one for one in (line.unit, record.model, record.function) if one
    ),
    "ChargeFrequency": lambda name, record, line: "Usage-Based",
    "ChargePeriodEnd": lambda name, record, line: _time(_second(record.at) + timedelta(seconds=1)),
    "ChargePeriodStart": lambda name, record, line: _time(_second(record.at)),
    "ConsumedQuantity": lambda name, record, line: None if record.adjusts else _quantity(line),
    "ConsumedUnit": lambda name, record, line: None if record.adjusts else line.unit,
    "ContractedCost": lambda name, record, line: _cost(line),
    "EffectiveCost": lambda name, record, line: _cost(line),
    "InvoiceIssuerName": lambda name, record, line: "AegisRAG",
    "ListCost": lambda name, record, line: _cost(line),
    "PricingQuantity": lambda name, record, line: None if record.adjusts else _quantity(line),
    "PricingUnit": lambda name, record, line: None if record.adjusts else line.unit,
    "ProviderName": lambda name, record, line: "AegisRAG",
    "PublisherName": lambda name, record, line: "AegisRAG",
    "ResourceId": lambda name, record, line: record.document_id,
    "ResourceType": lambda name, record, line: "Document" if record.document_id else None,
    "ServiceCategory": lambda name, record, line: "AI and Machine Learning",
    "ServiceName": lambda name, record, line: "AegisRAG",
    "ServiceSubcategory": lambda name, record, line: (
        "Generative AI" if record.model else "Other (AI and Machine Learning)"
    ),
    "SkuId": lambda name, record, line: f"{record.model}/{line.unit}" if record.model else line.unit,
    "SkuMeter": lambda name, record, line: line.unit,
    "SubAccountId": lambda name, record, line: record.key_id,
    "SubAccountType": lambda name, record, line: "API key" if record.key_id else None,
    "Tags": lambda name, record, line: json.dumps({"function": record.function, "label": record.label}),
    "x_Adjusts": lambda name, record, line: record.adjusts,
    "x_Estimated": lambda name, record, line: "true" if record.estimated else "false",
    "x_Location": lambda name, record, line: record.location,
    "x_RequestId": lambda name, record, line: record.request_id,
    "x_UsageId": lambda name, record, line: record.usage_id,
}
COLUMNS: dict[ExportFormat, dict[str, Column]] = {"csv": _OWN, "focus": _FOCUS}


def header(kind: ExportFormat) -> bytes:
    return _encode([list(COLUMNS[kind])])


def encode_rows(kind: ExportFormat, tenant_name: str, usage: Iterable[UsageRecord]) -> bytes:
    columns = COLUMNS[kind].values()
    return _encode([column(tenant_name, one, line) for column in columns] for one in usage for line in one.lines)


def _encode(rows: Iterable[list[object]] | list[list[str]]) -> bytes:
    """RFC 4180. A text that a spreadsheet would run as a formula is led by an apostrophe."""
    text = io.StringIO()
    csv.writer(text).writerows([_safe(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _cost(line: UsageLine) -> Decimal:
    return Decimal(line.cost_microusd).scaleb(-6).quantize(Decimal("0.000001"))


def _quantity(line: UsageLine) -> str:
    return format(Decimal(str(in_units(line.unit, line.quantity))), "f")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _month(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
