"""The audit tells what left for the cloud: a tenant its own, an operator everything, nobody a text."""

from datetime import timedelta
from typing import Any

import pytest

from functions.audit import list as listing
from functions.audit import report
from shared.blobs.port import Blobs
from shared.types.principal import Principal
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import AlertRecord
from shared.usage.sealing import seal
from tests.shared.usage.samples import NOON, TODAY, free, outbound, settled, windows

ADMIN = Principal("ten_a", "key_a", "admin")
OPERATOR = Principal("", "key_o", "operator")


@pytest.fixture
async def ledger(blobs: Blobs) -> UsageLedger:
    """Two calls of one tenant, one of which is still open, one of another, and an alert of the platform."""
    journal = Journal(blobs)
    calls = [
        outbound(1, classification="public", label="the client's"),
        outbound(2, at=NOON - timedelta(days=1), model="gpt-oss:20b"),
        outbound(3, tenant_id="ten_b"),
    ]
    for call in calls:
        await journal.append(call)
    await journal.append(settled(calls[0], 300, estimated=True))
    await journal.append(settled(calls[2], 100))
    await seal(blobs)
    await journal.append(free(1))
    await journal.append(
        AlertRecord(window=windows()[2], threshold_pct=80, at=NOON, spent_microusd=4_000_000, cap_microusd=5_000_000)
    )
    return UsageLedger(blobs)


async def listed(ledger: UsageLedger, principal: Principal, **fields: Any) -> list[str]:
    found = await listing.handle(listing.ListAudit(**fields), ledger, principal)
    return [getattr(item, "operation_id", f"{getattr(item, 'threshold_pct', '')} %") for item in found.items]


async def test_an_admin_sees_what_left_of_its_tenant_newest_first(ledger: UsageLedger) -> None:
    assert await listed(ledger, ADMIN) == ["op_1", "op_2"]


async def test_an_operator_sees_all_and_the_platforms_alerts(ledger: UsageLedger) -> None:
    assert set(await listed(ledger, OPERATOR)) == {"op_1", "op_2", "op_3", "80 %"}
    assert await listed(ledger, OPERATOR, kind="threshold") == ["80 %"]
    assert set(await listed(ledger, OPERATOR, kind="outbound")) == {"op_1", "op_2", "op_3"}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"classification": "public"}, ["op_1"]),
        ({"kind": "outbound"}, ["op_1", "op_2"]),
        ({"kind": "threshold"}, []),
        ({"classification": "confidential"}, []),
        ({"request_id": "req_2"}, ["op_2"]),
        ({"request_id": "the client's"}, ["op_1"]),
        ({"since": TODAY}, ["op_1"]),
    ],
)
async def test_it_can_be_narrowed(ledger: UsageLedger, fields: dict[str, Any], found: list[str]) -> None:
    assert await listed(ledger, ADMIN, **fields) == found


async def test_pages_join_without_a_gap(ledger: UsageLedger) -> None:
    first = await listing.handle(listing.ListAudit(limit=3), ledger, OPERATOR)
    second = await listing.handle(listing.ListAudit(limit=3, cursor=first.next_cursor), ledger, OPERATOR)
    assert (len(first.items), len(second.items), second.next_cursor) == (3, 1, None)


async def test_the_report_counts_calls_by_class_model_and_tenant(ledger: UsageLedger) -> None:
    since = (NOON - timedelta(days=2)).date().isoformat()
    found = await report.handle(report.GetReport(since=since), ledger, OPERATOR)
    assert found.calls == report.AuditedCalls(
        3,
        {"public": 1, "internal": 2, "confidential": 0},
        {"gpt-oss:120b": 2, "gpt-oss:20b": 1},
        {"ten_a": 2, "ten_b": 1},
    )
    assert (found.settled, found.estimated, found.open, found.thresholds_reached) == (2, 1, 1, 1)
    assert (found.reserved_usd, found.settled_usd) == (0.0015, 0.0004)
    assert (found.chain.seals, len(found.chain.head)) == (1, 64)


async def test_the_report_of_an_admin_is_of_its_tenant_alone(ledger: UsageLedger) -> None:
    found = await report.handle(report.GetReport(since=TODAY), ledger, ADMIN)
    assert found.calls.by_tenant == {"ten_a": 1}
    assert found.thresholds_reached == 0
