"""Meters work that no language model does: pages, embedded tokens, seconds, stored bytes.

Such usage is billed, but charged to no window of a budget: budgets limit what leaves for the cloud.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from shared.types.clock import now
from shared.types.payer import Payer
from shared.usage.journal import Journal
from shared.usage.records import PER_UNIT, Unit, UsageLine, UsageRecord

METERED: tuple[Unit, ...] = ("page_parsed", "gpu_second", "embedded_1k_tokens", "gib_day", "function_second")


class Prices(Protocol):
    def of(self, unit: Unit) -> int:
        """Micro-dollars of one unit."""
        ...


class MeteredWork(Struct, frozen=True, kw_only=True):
    """The work of one stage. `key` names the result, `continuation` the delivery where it took several; `at` is when
    it ended."""

    tenant_id: str
    document_id: str
    generation: int
    function: str
    key: str
    at: datetime
    done: Mapping[Unit, int]
    continuation: int = 0
    key_id: str = ""
    request_id: str = ""

    def usage(self, prices: Prices) -> UsageRecord:
        return UsageRecord(
            usage_id=f"stage-{self.function}-{self.document_id}-{self.generation}-{self.key}-{self.continuation}",
            tenant_id=self.tenant_id,
            at=self.at,
            lines=priced(self.done, prices),
            key_id=self.key_id,
            request_id=self.request_id,
            document_id=self.document_id,
            function=self.function,
        )


class Meter:
    """Records metered work in the journal; work that is recorded twice counts once."""

    def __init__(self, journal: Journal, prices: Prices) -> None:
        self._journal = journal
        self._prices = prices

    @property
    def is_free(self) -> bool:
        """Whether nothing that is metered here has a price."""
        return not any(map(self._prices.of, METERED))

    def cost(self, done: Mapping[Unit, int]) -> int:
        """In micro-dollars."""
        return sum(line.cost_microusd for line in priced(done, self._prices))

    async def record(self, work: MeteredWork) -> None:
        """Durable when it returns. Raises `StoreUnavailable`, `DiskFull`."""
        await self._journal.append(work.usage(self._prices))

    def record_question(
        self,
        payer: Payer,
        tokens: int,
        reason: str,
        passages: Iterable[tuple[str, float]],
        *,
        is_extractive: bool = False,
    ) -> None:
        """Records a question that was embedded and the passages found for it, with scores, without waiting until it is
        durable. Calls of language models have records of their own; an extractive answer has only this one."""
        usage = UsageRecord(
            usage_id=f"question-{payer.request_id}",
            tenant_id=payer.tenant_id,
            key_id=payer.key_id,
            request_id=payer.request_id,
            label=payer.label,
            function=payer.function,
            at=now(),
            lines=priced({"embedded_1k_tokens": tokens}, self._prices),
            location="extractive" if is_extractive else None,
            model="extractive" if is_extractive else "",
            reason=reason,
            passages=tuple((passage_id, round(score * 1_000_000)) for passage_id, score in passages),
        )
        self._journal.append_soon(usage)

    async def record_storage(self, tenant_id: str, at: datetime, size: int) -> None:
        """Records the bytes of originals that a tenant stored on one day."""
        await self._journal.append(
            UsageRecord(
                usage_id=f"storage-{tenant_id}-{at.date().isoformat()}",
                tenant_id=tenant_id,
                at=at,
                lines=priced({"gib_day": size}, self._prices),
                function="sweep",
            )
        )


def priced(done: Mapping[Unit, int], prices: Prices) -> tuple[UsageLine, ...]:
    """Quantities with their costs, each rounded up to whole micro-dollars."""
    return tuple(
        UsageLine(unit, quantity, -(-quantity * prices.of(unit) // PER_UNIT.get(unit, 1)))
        for unit, quantity in done.items()
        if quantity
    )
