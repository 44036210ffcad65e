"""Meters work that no language model does: pages, embedded tokens, seconds, stored bytes.

Work without a price is recorded in the journal alone. Work with a price is charged to the budget first, and refused
where a cap has no room for it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from shared.types.clock import now
from shared.types.payer import Payer
from shared.usage.journal import Journal
from shared.usage.records import PER_UNIT, QuestionOutcome, Unit, UsageLine, UsageRecord

METERED: tuple[Unit, ...] = ("page_parsed", "gpu_second", "embedded_1k_tokens", "gib_day", "function_second")


class Prices(Protocol):
    def of(self, unit: Unit) -> int:
        """Micro-dollars of one unit."""
        ...


class MeteredWork(Struct, frozen=True, kw_only=True):
    """The work of one stage. `key` names the result, `continuation` the delivery where it took several; `at` is when
    it ended, `entities` how many it found, where it looked for them."""

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
    entities: int | None = None

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
            entities=self.entities,
        )


class ChargedWork(Struct, frozen=True):
    """The record with the windows that it was charged in, and the smallest of what is left in the payer's scopes
    (micro-dollars; None: no limit). `was_charged` says that it had been charged before."""

    usage: UsageRecord
    remaining_microusd: int | None
    was_charged: bool


class WorkBudget(Protocol):
    """What the meter needs of the budget."""

    async def record_cost(self, usage: UsageRecord, payer: Payer, *, must_fit: bool = True) -> ChargedWork: ...

    async def booked(self, usage_id: str) -> None: ...

    async def remaining(self, payer: Payer) -> int | None: ...


class QuestionMeter:
    """The embedding of one question: charged when it is made, recorded when it is known what became of it."""

    def __init__(self, usage: UsageRecord, record: Callable[[UsageRecord], Awaitable[None]]) -> None:
        self._usage = usage
        self._record = record

    async def record(
        self,
        reason: str,
        passages: Iterable[tuple[str, float]],
        paths: Iterable[tuple[str, tuple[str, ...]]] = (),
        *,
        is_extractive: bool = False,
        outcome: QuestionOutcome | None = None,
    ) -> None:
        """With the passages that were found, their scores and the entities on the graph's paths to them; `outcome`
        where an answer was asked for. Calls of language models have records of their own; an extractive answer has only
        this one. Durable when it returns, where it costs money."""
        found = tuple((passage_id, round(score * 1_000_000)) for passage_id, score in passages)
        usage = replace(self._usage, reason=reason, passages=found, paths=tuple(paths), question=outcome)
        await self._record(replace(usage, location="extractive", model="extractive") if is_extractive else usage)


class Meter:
    """Records metered work; work that is recorded twice counts once. What costs money raises `BudgetExceeded` where a
    cap has no room for it, and `StoreUnavailable` while the budget cannot be asked; what is free asks nobody."""

    def __init__(self, journal: Journal, prices: Prices, budget: Callable[[], WorkBudget]) -> None:
        self._journal = journal
        self._prices = prices
        self._budget = budget

    @property
    def is_free(self) -> bool:
        """Whether nothing that is metered here has a price."""
        return not any(map(self._prices.of, METERED))

    def cost(self, done: Mapping[Unit, int]) -> int:
        """In micro-dollars."""
        return sum(line.cost_microusd for line in priced(done, self._prices))

    async def remaining(self, payer: Payer) -> int | None:
        """The smallest of what is left (micro-dollars) in the payer's scopes; None where none has a cap."""
        return await self._budget().remaining(payer)

    async def record(self, work: MeteredWork, *, must_fit: bool = True) -> None:
        """Durable when it returns. Raises `StoreUnavailable`, `DiskFull`, and `BudgetExceeded`, unless it is charged
        whether it fits or not."""
        await self._record(work.usage(self._prices), must_fit=must_fit)

    async def question(
        self, payer: Payer, tokens: int, on_remaining: Callable[[int | None], None] = lambda remaining: None
    ) -> QuestionMeter:
        """Charges a question that was embedded."""
        usage = UsageRecord(
            usage_id=f"question-{payer.request_id}",
            tenant_id=payer.tenant_id,
            key_id=payer.key_id,
            request_id=payer.request_id,
            label=payer.label,
            function=payer.function,
            at=now(),
            lines=priced({"embedded_1k_tokens": tokens}, self._prices),
        )
        if not usage.cost_microusd:
            return QuestionMeter(usage, self._append_soon)
        charged = await self._budget().record_cost(usage, payer)
        on_remaining(charged.remaining_microusd)
        return QuestionMeter(charged.usage, self._book)

    async def record_storage(self, tenant_id: str, at: datetime, size: int) -> None:
        """Records the bytes of originals that a tenant stored on one day. They are charged on the day after, whether
        they fit or not: they are stored."""
        usage = UsageRecord(
            usage_id=f"storage-{tenant_id}-{at.date().isoformat()}",
            tenant_id=tenant_id,
            at=at,
            lines=priced({"gib_day": size}, self._prices),
            function="sweep",
        )
        await self._record(usage, must_fit=False)

    async def _record(self, usage: UsageRecord, *, must_fit: bool) -> None:
        if not usage.cost_microusd:
            await self._journal.append(usage)
            return
        charged = await self._budget().record_cost(usage, _payer(usage), must_fit=must_fit)
        if not charged.was_charged:  # else it is in the ledger, or in the outbox on its way there
            await self._book(charged.usage)

    async def _book(self, usage: UsageRecord) -> None:
        await self._journal.append(usage)
        await self._budget().booked(usage.usage_id)

    async def _append_soon(self, usage: UsageRecord) -> None:
        self._journal.append_soon(usage)


def _payer(usage: UsageRecord) -> Payer:
    return Payer(
        tenant_id=usage.tenant_id,
        key_id=usage.key_id,
        request_id=usage.request_id,
        function=usage.function,
        document_id=usage.document_id,
    )


def priced(done: Mapping[Unit, int], prices: Prices) -> tuple[UsageLine, ...]:
    """Quantities with their costs, each rounded up to whole micro-dollars."""
    return tuple(
        UsageLine(unit, quantity, -(-quantity * prices.of(unit) // PER_UNIT.get(unit, 1)))
        for unit, quantity in done.items()
        if quantity
    )
