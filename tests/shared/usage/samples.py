"""Records and stores for the tests of the usage ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.blobs.port import Blobs
from shared.usage.records import BudgetWindow, OutboundRecord, UsageLine, UsageRecord

NOON = (datetime.now(UTC) - timedelta(hours=12, minutes=10)).replace(hour=12, minute=0, second=0, microsecond=0)
"""The last one that is over by ten minutes."""
TODAY = NOON.date().isoformat()
MONTH = TODAY[:7]


def windows(tenant_id: str = "ten_a", day: str = TODAY) -> tuple[BudgetWindow, ...]:
    return (
        BudgetWindow("tenant", tenant_id, "day", day),
        BudgetWindow("tenant", tenant_id, "month", day[:7]),
        BudgetWindow("platform", "", "day", day),
    )


def outbound(
    number: int, *, tenant_id: str = "ten_a", at: datetime = NOON, reserved: int = 500, **more: Any
) -> OutboundRecord:
    fields: dict[str, Any] = {
        "operation_id": f"op_{number}",
        "tenant_id": tenant_id,
        "key_id": "key_a",
        "request_id": f"req_{number}",
        "at": at,
        "lease_until": at + timedelta(minutes=3),
        "model": "gpt-oss:120b",
        "classification": "internal",
        "reserved_microusd": reserved,
        "windows": windows(tenant_id, at.date().isoformat()),
        "prompt_hash": "0" * 64,
    }
    return OutboundRecord(**{**fields, **more})


def settled(call: OutboundRecord, cost: int, **more: Any) -> UsageRecord:
    fields: dict[str, Any] = {
        "usage_id": call.operation_id,
        "tenant_id": call.tenant_id,
        "key_id": call.key_id,
        "request_id": call.request_id,
        "at": call.at + timedelta(seconds=2),
        "lines": (UsageLine("input_token", 100, 0), UsageLine("output_token", 20, cost)),
        "windows": call.windows,
        "location": "cloud",
    }
    return UsageRecord(**{**fields, **more})


def free(number: int, *, tenant_id: str = "ten_a", at: datetime = NOON, **more: Any) -> UsageRecord:
    fields: dict[str, Any] = {"lines": (UsageLine("page_parsed", 3),), "document_id": f"doc_{number}"}
    return UsageRecord(usage_id=f"stage_{number}", tenant_id=tenant_id, at=at, **{**fields, **more})


class Watched:
    """Blobs, with something that happens before a call of them goes through; `calls` tells what went through."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.calls: list[tuple[str, str]] = []
        self.before: dict[str, Callable[[str], Awaitable[None]]] = {}

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._blobs, verb)

        async def watched(name: str = "", *arguments: Any) -> Any:
            if happens := self.before.get(verb):
                await happens(name)
            answer = await (call(name, *arguments) if name else call())
            self.calls.append((verb, name))
            return answer

        return watched

    def written(self, prefix: str = "") -> list[str]:
        return [name for verb, name in self.calls if verb in ("write", "create") and name.startswith(prefix)]


class Gate:
    """Holds whoever comes for a name with the prefix, until it is opened."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, name: str) -> None:
        if not name.startswith(self._prefix):
            return
        self.reached.set()
        await self.opened.wait()
