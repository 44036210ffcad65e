"""The money of one call of a cloud model: reserved, written down, confirmed, and settled whatever happens.

    reserve → outbound record, durable → confirm → the call → settle, or release where it never left

A call that may have run and gave no counts costs what was reserved for it, marked as estimated.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec

from shared.access.accounts import Accounts
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import CloudForbidden, CloudNotAllowed, Over, Reserved, SwitchedOff, dated, no_room
from shared.proxy.execution.counting import charged_counts
from shared.proxy.prices import PriceTable
from shared.proxy.routing.strategies import RoutingDecision
from shared.proxy.task import LLMTask
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import AegisError, StoreUnavailable, Unauthenticated
from shared.types.model import TokenCounts
from shared.types.payer import Payer
from shared.upstreams.permit import CloudPermit
from shared.upstreams.port import ModelCall, StreamEnd, TextDelta, UpstreamError
from shared.usage.journal import Journal
from shared.usage.records import BudgetWindow, OutboundRecord, UsageLine, UsageRecord

LEASE_MARGIN_S = 30.0
"""How much longer than its call a reservation lives."""

LOOK_S = 0.4
"""How often running calls ask whether their budget still stands."""

StreamEvent = TextDelta | StreamEnd


class OverBudget(AegisError):
    """No scope may be exceeded, and one would be."""

    def __init__(self, detail: str, window: BudgetWindow | None = None) -> None:
        super().__init__(detail)
        self.window = window


class BudgetWithdrawn(AegisError):
    """The budget of a running call was taken away."""


class RunningCall:
    """One call of a model and what it used; `counts` is set at the end of its answer. `permit` lets it leave for the
    cloud."""

    permit: CloudPermit | None = None

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self.counts: TokenCounts | None = None
        self.text_bytes = 0
        self.cost_microusd = 0
        self.estimated = False
        self._withdrawn: AegisError | None = None
        self._waiting: asyncio.Timeout | None = None

    def withdraw(self, why: AegisError) -> None:
        """Ends the call now: whoever waits for its next piece gets `why`."""
        self._withdrawn = why
        if self._waiting:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def next(self, events: AsyncIterator[StreamEvent]) -> StreamEvent:
        """The next event of the answer. Raises what the call was withdrawn for, as soon as it is."""
        try:
            async with asyncio.timeout(None) as self._waiting:
                if self._withdrawn:
                    raise self._withdrawn
                event = await anext(events)
        except TimeoutError:
            if not self._withdrawn:
                raise
            raise self._withdrawn from None
        finally:
            self._waiting = None
        if isinstance(event, StreamEnd):
            self.counts = event.counts
            text = "".join(one.name + one.arguments for one in event.tool_calls)
        else:
            text = event.text
        self.text_bytes += len(text.encode(errors="surrogatepass"))
        return event


class Reservation(RunningCall):
    """A paid call with the amount that is reserved for it. `is_gone`: Redis no longer holds the reservation."""

    def __init__(
        self, payer: Payer, operation_id: str, reserved_microusd: int, windows: tuple[BudgetWindow, ...]
    ) -> None:
        super().__init__(payer)
        self.operation_id = operation_id
        self.reserved_microusd = reserved_microusd
        self.windows = windows
        self.started_at = dated(now(), windows)
        self.is_gone = False
        self.has_impossible_counts = False


class CallAccounting:
    """Keeps the budgets of one process' cloud calls. Without Redis no such call is made. Running calls, local ones too,
    end when their key is revoked."""

    def __init__(
        self,
        budget: Callable[[], Budget],
        journal: Callable[[], Journal],
        prices: PriceTable,
        accounts: Callable[[], Accounts],
    ) -> None:
        self._accounts = accounts
        self._budget = budget
        self._journal = journal
        self._prices = prices
        self._running: set[RunningCall] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def worst_case(self, call: ModelCall) -> int | None:
        """In micro-dollars; None for a model, or a picture, that has no price."""
        lease = timedelta(seconds=call.timeout_s + LEASE_MARGIN_S)
        return self._prices.worst_case(
            call.model, call.messages, call.max_output_tokens, now(), lease, schema=call.schema, tools=call.tools
        )

    @asynccontextmanager
    async def paid_call(
        self, task: LLMTask, decision: RoutingDecision, record: dict[str, Any], call: ModelCall, amount: int
    ) -> AsyncIterator[Reservation]:
        """The call may be made inside; `record` is the decision as the usage ledger stores it. Raises `OverBudget`, and
        `StoreUnavailable` before anything left."""
        reservation = await self._reserve(task, call, amount)
        left = False
        try:
            await self._write_down(task, decision, call, reservation)
            left = True
            with self._watched(reservation):
                yield reservation
        except UpstreamError as error:
            reservation.counts = reservation.counts or error.counts
            left = error.may_have_run
            raise
        finally:
            close = self._settle if left else self._release
            await self._surely(close(task, decision, record, call, reservation))

    @asynccontextmanager
    async def free_call(
        self, task: LLMTask, decision: RoutingDecision, record: dict[str, Any], call: ModelCall
    ) -> AsyncIterator[RunningCall]:
        """A local call is made inside; its usage is recorded once the answer is whole."""
        running = RunningCall(task.payer)
        with self._watched(running):
            yield running
        counts = running.counts
        lines: tuple[UsageLine, ...] = ()
        running.estimated = counts is None
        if counts:
            lines = (
                UsageLine("input_token", counts.prompt - counts.cached),
                UsageLine("cached_input_token", counts.cached),
                UsageLine("output_token", counts.completion),
            )
        used = tuple(line for line in lines if line.quantity)
        self._journal().append_soon(usage_of(task, decision, record, call.model, used))

    async def close(self) -> None:
        """Waits for what is being settled."""
        if self._watch:
            self._watch.cancel()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _reserve(self, task: LLMTask, call: ModelCall, amount: int) -> Reservation:
        operation_id = "opr_" + secrets.token_hex(12)
        lease_s = call.timeout_s + LEASE_MARGIN_S
        match await self._budget().reserve(operation_id, amount, task.payer, lease_s, call.model):
            case Reserved(windows=windows):
                return Reservation(task.payer, operation_id, amount, windows)
            case Over() as over:
                if over.window.scope == "platform":
                    task.on_remaining(0)
                raise OverBudget(no_room(over, amount), over.window)
            case CloudNotAllowed():
                raise CloudForbidden("The tenant's settings keep its content from the cloud.")
            case SwitchedOff(model=model):
                raise OverBudget(f"{model} is switched off. An operator switches it on: PUT /budget/models/{model}.")

    async def _write_down(
        self, task: LLMTask, decision: RoutingDecision, call: ModelCall, reservation: Reservation
    ) -> None:
        """From here on the call counts, even if this process dies."""
        await self._journal().append(_outbound(task, decision.server, call, reservation))
        reservation.is_gone = not await self._budget().confirm(reservation.operation_id)
        if reservation.is_gone:
            raise StoreUnavailable("counters", "the reservation is gone")
        reservation.permit = CloudPermit(reservation.operation_id, call.model, cloud_allowed=True)

    async def _settle(
        self,
        task: LLMTask,
        decision: RoutingDecision,
        record: dict[str, Any],
        call: ModelCall,
        reservation: Reservation,
    ) -> None:
        lines = self._lines(call, reservation)
        reservation.cost_microusd = sum(line.cost_microusd for line in lines)
        usage = usage_of(task, decision, record, call.model, lines, reservation)
        try:
            settled = await self._budget().settle(usage)
        except StoreUnavailable:
            # The reservation stands until its lease ends; what the sweep then settles it at is in the ledger.
            await self._journal().append(usage)
            return
        if settled.booked:
            reservation.cost_microusd = settled.cost_microusd  # another may have settled it before, at its reservation
        if not settled.booked or settled.cost_microusd == usage.cost_microusd:
            self._journal().append_soon(usage)  # should Redis be emptied before it is booked from there
        if settled.is_remaining_known:
            task.on_remaining(settled.remaining_microusd)
        about = {"tenant": task.payer.tenant_id, "request_id": task.payer.request_id}
        if settled.excess_microusd:
            log().error(
                f"{call.model} cost {settled.excess_microusd} micro-dollars above its worst case and is switched off",
                extra=about,
            )
        if reservation.has_impossible_counts:
            log().error(f"{call.model} counted more tokens than its text can have and is switched off", extra=about)
            await self._budget().switches.switch_off(call.model, reservation.operation_id)

    def _lines(self, call: ModelCall, reservation: Reservation) -> tuple[UsageLine, ...]:
        """What the call is charged for: the tokens that its server counted or that its text may have, else all that
        was reserved for it."""
        charged = charged_counts(call, self._prices, reservation.counts, reservation.text_bytes)
        lines = self._prices.lines(call.model, charged.counts, reservation.started_at) if charged.counts else None
        reservation.counts, reservation.estimated = charged.counts, charged.estimated or lines is None
        reservation.has_impossible_counts = charged.impossible
        return (UsageLine("output_token", 0, reservation.reserved_microusd),) if lines is None else lines

    async def _release(
        self,
        task: LLMTask,
        decision: RoutingDecision,
        record: dict[str, Any],
        call: ModelCall,
        reservation: Reservation,
    ) -> None:
        """Where Redis cannot close the operation in the ledger, this does: a call that never left costs nothing."""
        try:
            await self._budget().release(reservation.operation_id)
        except StoreUnavailable:
            reservation.is_gone = True
        if reservation.is_gone:
            self._journal().append_soon(usage_of(task, decision, record, call.model, (), reservation))

    async def _surely(self, end: Coroutine[Any, Any, None]) -> None:
        """Runs to its end even if the caller is cancelled meanwhile."""
        task = asyncio.create_task(_logged(end))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)

    @contextlib.contextmanager
    def _watched(self, call: RunningCall) -> Iterator[None]:
        self._running.add(call)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_running())
        try:
            yield
        finally:
            self._running.discard(call)

    async def _watch_running(self) -> None:
        """The same questions for all running calls of the process, while there are any."""
        while self._running:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(StoreUnavailable):
                await self._withdraw_paid()
                await self._withdraw_revoked()

    async def _withdraw_paid(self) -> None:
        paid = {call.operation_id: call for call in self._running if isinstance(call, Reservation)}
        for operation_id, why in (await self._budget().stopped(paid)).items():
            paid[operation_id].withdraw(
                CloudForbidden("The tenant's settings keep its content from the cloud since the call began.")
                if why == "privacy"
                else BudgetWithdrawn("The budget was withdrawn while the call ran.")
            )

    async def _withdraw_revoked(self) -> None:
        """A call for a document goes on: it works for its tenant, not for the caller who brought the document."""
        asked = [call for call in self._running if call.payer.key_id and not call.payer.document_id]
        revoked = await self._accounts().revoked(list({call.payer.key_id for call in asked}))
        for call in asked:
            if call.payer.key_id in revoked:
                call.withdraw(Unauthenticated("The key was revoked while its answer was made."))


async def _logged(end: Awaitable[None]) -> None:
    try:
        await end
    except Exception:  # noqa: BLE001 - its lease ends the reservation; the caller's answer must not be lost for it
        log().exception("a reservation could not be settled")


def _outbound(task: LLMTask, server: str, call: ModelCall, reservation: Reservation) -> OutboundRecord:
    payer = task.payer
    return OutboundRecord(
        operation_id=reservation.operation_id,
        tenant_id=payer.tenant_id,
        key_id=payer.key_id,
        request_id=payer.request_id,
        label=payer.label,
        function=payer.function,
        document_id=payer.document_id,
        at=reservation.started_at,
        lease_until=reservation.started_at + timedelta(seconds=call.timeout_s + LEASE_MARGIN_S),
        model=call.model,
        server=server,
        classification=task.highest_class,
        reserved_microusd=reservation.reserved_microusd,
        windows=reservation.windows,
        prompt_hash=sha256(msgspec.msgpack.encode(call.messages)).hexdigest(),
    )


def usage_of(
    task: LLMTask,
    decision: RoutingDecision,
    record: dict[str, Any],
    model: str,
    lines: tuple[UsageLine, ...],
    reservation: Reservation | None = None,
) -> UsageRecord:
    """What one call used; without a reservation it was free."""
    payer = task.payer
    return UsageRecord(
        usage_id=reservation.operation_id if reservation else "use_" + secrets.token_hex(12),
        tenant_id=payer.tenant_id,
        key_id=payer.key_id,
        request_id=payer.request_id,
        label=payer.label,
        document_id=payer.document_id,
        function=payer.function,
        at=reservation.started_at if reservation else now(),
        lines=lines,
        location=decision.location,
        model=model,
        reason=decision.reason,
        reserved_microusd=reservation.reserved_microusd if reservation else 0,
        estimated=reservation.estimated if reservation else False,
        windows=reservation.windows if reservation else (),
        decision=record,
        passages=task.passages,
    )
