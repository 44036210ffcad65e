"""Runs a stage so that it counts once, however often its event is delivered.

A stage's key is a hash of all that goes into its result. A finished stage is never run again: it returns its stored
outcome. A stage whose lease another delivery holds is left to that one.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from events.document import DocumentEvent, DocumentExtracted, DocumentParsed, DocumentRejected, Origin
from shared.bus.recent import RECENT_S, recent_mark
from shared.catalogue.catalogue import Catalogue, StageStatus, StageView, ended_view
from shared.records.outcomes import outcome_event, stored_outcome
from shared.records.records import DocumentIsDeleted, TenantRecords
from shared.records.structs import Reason, StageOutcome, StageRecord
from shared.redis.client import RedisClient
from shared.redis.leases import Leases, stage_lease
from shared.stages.allowance import BeyondAllowance, DocumentAllowance
from shared.stages.billing import Stopwatch, billed_units, milliseconds
from shared.stages.deletion import unless_deleted
from shared.table.table import Function, Operation, Table
from shared.types.clock import now
from shared.types.errors import AegisError, BudgetExceeded, Rejected, StoreUnavailable
from shared.types.payer import Payer
from shared.types.waiting import Waiting, WaitsFor
from shared.usage.metering import Meter, MeteredWork
from shared.usage.records import Unit

_ATTEMPTS_S = 7 * 86400
_OWN_END = 0.8
"""The share of its time after which a stage of many steps ends its delivery."""
BUDGET: WaitsFor = "budget"
"""Why a document waits that has reached its `max_cost_usd`."""

_FINAL = frozenset({"aegis.document.ready.v1", "aegis.document.rejected.v1"})


def goes_on() -> bool:
    """For transports that never ask a stage to end its delivery."""
    return False


class StageWork(Struct, frozen=True):
    """The context of a running stage, and where it writes its result.

    A stage of many steps writes each part as it comes. When `is_late`, it returns its own input with the next
    continuation: the next delivery goes on with the parts that are there.
    """

    key: str
    records: TenantRecords
    origin: Origin
    until: float = math.inf
    allowance: DocumentAllowance = DocumentAllowance()
    ends_early: Callable[[], bool] = goes_on

    @property
    def is_late(self) -> bool:
        """Whether four fifths of the time that a delivery may last are over, or the delivery gives way to others."""
        return time.monotonic() > self.until or self.ends_early()

    async def part(self, name: str) -> bytes | None:
        """Reads a part that an earlier delivery of the same work has written."""
        return await self.records.part(self.origin.document_id, self.origin.generation, f"{self.key}/{name}")

    async def part_names(self) -> list[str]:
        """The names of all parts that earlier deliveries have written."""
        return await self.records.part_names(self.origin.document_id, self.origin.generation, self.key)

    async def write_part(self, name: str, data: bytes) -> None:
        await self.write(f"parts/{self.key}/{name}", data)

    async def erase_parts(self) -> None:
        """Erases the parts; to be called once the whole result is written."""
        await self.records.erase_parts(self.origin.document_id, self.origin.generation, self.key)

    async def write(self, name: str, data: bytes) -> str:
        """Writes a result and returns the blob's name, for the event."""
        return await self.records.write(self.origin.document_id, self.origin.generation, name, data)

    async def read(self, blob: str) -> bytes:
        return await self.records.read(blob)


StageHandler = Callable[[DocumentEvent, StageWork], Coroutine[Any, Any, DocumentEvent | Waiting | None]]


class UnknownDocument(AegisError):
    """The event names a document that was never stored."""


class RunnableStage(Struct, frozen=True):
    """An operation of the table with its handler. `model` names the embedding model where the stage uses one;
    `ends_early` says whether a delivery of many steps ends after its present one."""

    function: Function
    operation: Operation
    handler: StageHandler
    model: str = ""
    ends_early: Callable[[], bool] = goes_on


class StageRunner:
    """Runs the stages of a table over its stores, for one tenant."""

    def __init__(self, table: Table, redis: RedisClient, records: TenantRecords, meter: Meter) -> None:
        self._table = table
        self._meter = meter
        self._redis = redis
        self._records = records
        self._leases = Leases(redis)
        self._catalogue = Catalogue(redis, records)

    async def run(
        self, stage: RunnableStage, event: DocumentEvent, started_at: datetime | None = None
    ) -> DocumentEvent | None:
        """Returns the stage's outcome; None where there is none (the document deleted, the stage held by another
        delivery, a branch missing, its work in a queue).

        Raises what the handler raises, but for `Rejected`, which is an outcome, and `UnknownDocument`. `started_at` is
        when the work started, where that was before this delivery.
        """
        origin, name = event.origin, stage.function.name
        if await self._is_deleted(origin):
            await self._mark_for_erasure(origin)
            return None
        inputs = await self._inputs(stage.function, event)
        if inputs is None:
            return None
        key = stage_key(stage.function, stage.operation, inputs, stage.model)
        if finished := await self._finished(origin, name, key):
            return await self._conclude(origin, finished)
        lease = stage_lease(origin.tenant_id, origin.document_id, origin.generation, name)
        async with self._leases.hold(lease) as ours:
            if not ours:
                return None
            finished = await self._finished(origin, name, key)
            try:
                record = finished or await self._attempt(stage, event, key, started_at or now())
            except DocumentIsDeleted:
                await self._mark_for_erasure(origin)
                return None
            if isinstance(record, StageRecord):
                return await self._conclude(origin, record)
            return record

    async def _is_deleted(self, origin: Origin) -> bool:
        """Raises `UnknownDocument` for one that was never stored."""
        is_deleted, record = await asyncio.gather(
            self._records.is_deleted(origin.document_id, origin.generation),
            self._records.generation(origin.document_id, origin.generation),
        )
        if is_deleted or record:
            return is_deleted
        if await self._records.is_deleted(origin.document_id, origin.generation):  # it was deleted between the two
            return True
        raise UnknownDocument(f"there is no document {origin.document_id!r} of this generation")

    async def _inputs(self, function: Function, event: DocumentEvent) -> str | None:
        """The key of the input; for a join the keys of all its branches, None while one is missing."""
        if not function.join:
            return event.key
        speakers = {op.on: self._table.stages_emitting(op.on) for op in function.operations if op.is_stage}
        keys = []
        for event_type, stages in sorted(speakers.items()):
            found = [
                await self._records.stage(event.origin.document_id, event.origin.generation, one) for one in stages
            ]
            ended = [record for record in found if record and (record.event or {}).get("type") == event_type]
            if not ended:
                return None
            keys.append(ended[0].key)
        return "+".join(keys)

    async def _finished(self, origin: Origin, stage: str, key: str) -> StageRecord | None:
        found = await self._records.stage(origin.document_id, origin.generation, stage)
        return found if found and found.key == key and found.outcome != "failed" else None

    async def _attempt(
        self, stage: RunnableStage, event: DocumentEvent, key: str, started: datetime
    ) -> StageRecord | DocumentEvent | None:
        """Returns the record of the stage where it ended, its own input where it goes on in another delivery, None
        where it waits for other work or for a higher `max_cost_usd`."""
        origin, name = event.origin, stage.function.name
        timeout_s, stopwatch = stage.function.timeout_s, Stopwatch(started)
        counter = _attempts_key(origin, name)
        count, _ = await self._redis.batch([("INCR", counter), ("EXPIRE", counter, _ATTEMPTS_S)])
        attempts = int(count)
        await self._show(origin, name, "running", attempts, started)
        try:
            async with asyncio.timeout(timeout_s):
                until = time.monotonic() + _OWN_END * timeout_s
                allowance = await self._allowance(origin, name)
                work = StageWork(key, self._records, origin, until, allowance, stage.ends_early)
                outcome = await unless_deleted(stage.handler(event, work), origin, self._catalogue)
        except BeyondAllowance as error:
            reason = Reason(BUDGET, str(error))
            await self._show(origin, name, "waiting", 0, started, reason, waiting_for=BUDGET)
            await self._forget_attempts(origin, name)
            return None
        except Rejected as error:
            rejection = DocumentRejected(origin=origin, key=key, stage=name, code=error.code, detail=error.detail)
            reason = Reason(error.code, error.detail)
            record = _record(name, key, "rejected", attempts, stopwatch, rejection, reason)
        except DocumentIsDeleted:
            raise
        except Exception as error:  # whatever it is, the document shows it before it is raised
            await self._show(origin, name, "waiting", attempts, started, reason_of(error))
            raise
        else:
            if isinstance(outcome, Waiting):
                await self._forget_attempts(origin, name)
                await self._show(origin, name, "waiting", 0, None, waiting_for=outcome.on)
                return None
            if outcome is not None and outcome.type_name() == event.type_name():
                await self._forget_attempts(origin, name)
                await self._meter_part(event, name, key, stopwatch)
                return outcome
            record = _record(name, key, "done", attempts, stopwatch, outcome)
        record = msgspec.structs.replace(record, cost_microusd=self._cost(origin, record))
        try:
            await self._pay(origin, record)
        except BudgetExceeded as error:
            await self._show(origin, name, "waiting", 0, started, Reason(BUDGET, str(error)), waiting_for=BUDGET)
            await self._forget_attempts(origin, name)
            return None
        await self._records.write_stage(origin.document_id, origin.generation, record)
        return record

    def _cost(self, origin: Origin, record: StageRecord) -> int:
        """Returns the stage's cost in micro-dollars. Calls of models are recorded by themselves and only added here."""
        outcome = outcome_event(origin, record)
        models = outcome.models_microusd if isinstance(outcome, DocumentParsed) else 0
        return self._meter.cost(billed_units(record, outcome)) + models

    async def _pay(self, origin: Origin, record: StageRecord) -> None:
        """Charges a stage that costs money before its result counts. Raises `BudgetExceeded`: then the work is done
        again when there is room for it."""
        outcome = outcome_event(origin, record)
        done = billed_units(record, outcome)
        if self._meter.cost(done):
            await self._meter.record(await self._ended_work(origin, record, outcome, done))

    async def _allowance(self, origin: Origin, stage: str) -> DocumentAllowance:
        """Returns what the stage that is about to run may still cost. Raises `BeyondAllowance` where
        nothing is left."""
        if self._meter.is_free:
            return DocumentAllowance()
        record = await self._records.generation(origin.document_id, origin.generation)
        if record is None:
            return DocumentAllowance()
        key_id = record.uploader if record.uploader.startswith("key_") else ""
        left = await self._meter.remaining(Payer(origin.tenant_id, key_id))
        if record.max_cost_microusd is not None:
            ended = await self._records.stages(origin.document_id, origin.generation)
            spent = sum(one.cost_microusd for one in ended if one.stage != stage)
            left = min(record.max_cost_microusd - spent, record.max_cost_microusd if left is None else left)
        allowance = DocumentAllowance(left, self._meter.cost)
        allowance.check({"function_second": 1})
        return allowance

    async def _conclude(self, origin: Origin, record: StageRecord) -> DocumentEvent | None:
        """Meters the stage, shows how it ended and returns its outcome.

        Safe to repeat, and repeated where it was interrupted: the event is acknowledged only after it.
        """
        outcome = outcome_event(origin, record)
        _, is_alive = await asyncio.gather(
            self._record_free(origin, record, outcome), self._show_end(origin, record, outcome)
        )
        return outcome if is_alive else None

    async def _record_free(self, origin: Origin, record: StageRecord, outcome: DocumentEvent | None) -> None:
        """Work that costs money was recorded when it was paid for."""
        done = billed_units(record, outcome)
        if not self._meter.cost(done):
            await self._meter.record(await self._ended_work(origin, record, outcome, done))

    async def _ended_work(
        self, origin: Origin, record: StageRecord, outcome: DocumentEvent | None, done: dict[Unit, int]
    ) -> MeteredWork:
        work = await self._worked(origin, record.stage, record.key, record.finished_at, done)
        found = outcome.count if isinstance(outcome, DocumentExtracted) else None
        return msgspec.structs.replace(work, entities=found)

    async def _meter_part(self, event: DocumentEvent, stage: str, key: str, stopwatch: Stopwatch) -> None:
        """Meters a delivery that left the rest of the work to the next one."""
        at = stopwatch.now()
        done: dict[Unit, int] = {"function_second": milliseconds(stopwatch.started, at)}
        work = await self._worked(event.origin, stage, key, at, done)
        work = msgspec.structs.replace(work, continuation=event.continuation + 1)
        await self._meter.record(work, must_fit=False)  # its seconds have passed; the next delivery needs room

    async def _worked(self, origin: Origin, stage: str, key: str, at: datetime, done: dict[Unit, int]) -> MeteredWork:
        entry = await self._catalogue.entry(origin.document_id)
        uploader = entry.record.uploader if entry else ""
        return MeteredWork(
            tenant_id=origin.tenant_id,
            document_id=origin.document_id,
            generation=origin.generation,
            function=stage,
            key=key,
            at=at,
            done=done,
            key_id=uploader if uploader.startswith("key_") else "",
            request_id=origin.request_id,
        )

    async def _show_end(self, origin: Origin, record: StageRecord, outcome: DocumentEvent | None) -> bool:
        """Shows how the stage ended; False where its document is deleted."""
        if await self._records.is_deleted(origin.document_id, origin.generation):
            await self._mark_for_erasure(origin)
            return False
        await self._catalogue.show_stage(origin.document_id, origin.generation, ended_view(record))
        mark = recent_mark(origin.tenant_id, origin.document_id, origin.generation)
        await self._redis.call("SET", mark, "1", "EX", RECENT_S)  # the outcome is published now
        if outcome and outcome.type_name() in _FINAL:
            await self._records.mark_closed(origin.document_id, origin.generation)
        return True

    async def _mark_for_erasure(self, origin: Origin) -> None:
        """Lets the sweep erase what a stage wrote after its document was erased, perhaps in an interrupted delivery."""
        await self._records.mark_open(origin.document_id, origin.generation, "deleting")

    async def _forget_attempts(self, origin: Origin, stage: str) -> None:
        """There was progress: the next delivery counts from one."""
        await self._redis.call("DEL", _attempts_key(origin, stage))

    async def _show(
        self,
        origin: Origin,
        stage: str,
        status: StageStatus,
        attempts: int,
        started: datetime | None,
        reason: Reason | None = None,
        waiting_for: WaitsFor | None = None,
    ) -> None:
        view = StageView(stage, status, attempts, started, reason=reason, waiting_for=waiting_for)
        await self._catalogue.show_stage(origin.document_id, origin.generation, view)


def _attempts_key(origin: Origin, stage: str) -> str:
    return f"attempts:{origin.tenant_id}:{origin.document_id}:{origin.generation}:{stage}"


def reason_of(error: BaseException) -> Reason:
    """Why a stage did not end, as its document shows it. Of an unexpected error only the type is shown: its message
    may quote the document."""
    if isinstance(error, StoreUnavailable):
        return Reason("store-unavailable", str(error))
    if isinstance(error, TimeoutError):
        return Reason("deadline", "The stage took longer than it may.")
    if isinstance(error, AegisError):
        return Reason("internal", str(error))
    return Reason("internal", f"{type(error).__name__}; the function's log has the details.")


def stage_key(function: Function, operation: Operation, inputs: str, model: str) -> str:
    """A hash of all that goes into a result; where it is made does not."""
    parts = [function.name, function.stage_version(operation), inputs, operation.settings, model]
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]


def _record(
    stage: str,
    key: str,
    outcome: StageOutcome,
    attempts: int,
    stopwatch: Stopwatch,
    event: DocumentEvent | None,
    reason: Reason | None = None,
) -> StageRecord:
    stored = stored_outcome(event) if event else None
    started, finished = stopwatch.started, stopwatch.now()
    return StageRecord(stage, key, outcome, attempts, started, finished, reason=reason, event=stored)
