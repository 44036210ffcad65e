"""Runs a stage so that it counts once, however often its event comes.

A stage's key is a hash of all that goes into its result. A finished stage is never run again and, called again, says
its outcome again; a stage that another holds under a live lease is left to it.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from events.document import DocumentEmbedded, DocumentEvent, DocumentParsed, DocumentRejected, Origin
from shared.bus.recent import RECENT_S, recent_mark
from shared.catalogue.catalogue import Catalogue, StageStatus, StageView, ended_view
from shared.records.outcomes import outcome_event, stored_outcome
from shared.records.records import TenantRecords
from shared.records.structs import Reason, StageOutcome, StageRecord
from shared.redis.client import RedisClient
from shared.redis.leases import Leases, stage_lease
from shared.stages.allowance import BeyondAllowance, DocumentAllowance
from shared.table.table import Function, Operation, Table
from shared.types.clock import now
from shared.types.errors import AegisError, Rejected, StoreUnavailable
from shared.types.waiting import Waiting, WaitsFor
from shared.usage.metering import Meter, MeteredWork
from shared.usage.records import Unit

_ATTEMPTS_KEPT_S = 7 * 86400
_OWN_END = 0.8
"""The share of its time after which a stage of many steps ends itself."""
BUDGET: WaitsFor = "budget"
"""Why a document waits that has reached the bound of what it may cost."""

_FINAL = frozenset({"aegis.document.ready.v1", "aegis.document.rejected.v1"})


class StageWork(Struct, frozen=True):
    """What a running stage may know of itself and where it puts its result.

    A stage of many steps keeps each part as it comes, and when `is_late` ends itself by saying its own input with the
    next continuation: the next delivery goes on with the parts that are there.
    """

    key: str
    records: TenantRecords
    origin: Origin
    until: float = math.inf
    allowance: DocumentAllowance = DocumentAllowance()

    @property
    def is_late(self) -> bool:
        """Whether four fifths of the time that a delivery may last are over."""
        return time.monotonic() > self.until

    async def part(self, name: str) -> bytes | None:
        """What an earlier delivery of the same work kept under this name."""
        return await self.records.part(self.origin.document_id, self.origin.generation, f"{self.key}/{name}")

    async def part_names(self) -> list[str]:
        """Of all that earlier deliveries kept."""
        return await self.records.part_names(self.origin.document_id, self.origin.generation, self.key)

    async def write_part(self, name: str, data: bytes) -> None:
        await self.write(f"parts/{self.key}/{name}", data)

    async def erase_parts(self) -> None:
        """Once the whole result is kept."""
        await self.records.erase_parts(self.origin.document_id, self.origin.generation, self.key)

    async def write(self, name: str, data: bytes) -> str:
        """Writes a result; returns the blob's name, for the event."""
        return await self.records.write(self.origin.document_id, self.origin.generation, name, data)

    async def read(self, blob: str) -> bytes:
        return await self.records.read(blob)


StageHandler = Callable[[DocumentEvent, StageWork], Awaitable[DocumentEvent | Waiting | None]]


class RunnableStage(Struct, frozen=True):
    """An operation of the table with its handler. `model` names the embedding model where the stage uses one."""

    function: Function
    operation: Operation
    handler: StageHandler
    model: str = ""


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
        self, stage: RunnableStage, event: DocumentEvent, began: datetime | None = None
    ) -> DocumentEvent | None:
        """The stage's outcome; None where there is nothing to say (deleted, held by another, a branch missing, its
        work in a queue).

        Raises what the handler raises, but for `Rejected`, which is an outcome. `began` is when the work did, where
        that was before this delivery.
        """
        about, name = event.origin, stage.function.name
        if await self._records.is_deleted(about.document_id, about.generation):
            await self._leave_to_the_sweep(about)
            return None
        inputs = await self._inputs(stage.function, event)
        if inputs is None:
            return None
        key = stage_key(stage.function, stage.operation, inputs, stage.model)
        if finished := await self._finished(about, name, key):
            return await self._conclude(about, finished)
        lease = stage_lease(about.tenant_id, about.document_id, about.generation, name)
        async with self._leases.hold(lease) as ours:
            if not ours:
                return None
            finished = await self._finished(about, name, key)
            record = finished or await self._attempt(stage, event, key, began or now())
            if isinstance(record, StageRecord):
                return await self._conclude(about, record)
            return record

    async def _inputs(self, function: Function, event: DocumentEvent) -> str | None:
        """The key of what goes in; for a join of all its branches, None while one is missing."""
        if not function.join:
            return event.key
        speakers = {op.on: self._table.speaker(op.on) for op in function.operations if op.is_stage}
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

    async def _finished(self, about: Origin, stage: str, key: str) -> StageRecord | None:
        found = await self._records.stage(about.document_id, about.generation, stage)
        return found if found and found.key == key and found.outcome != "failed" else None

    async def _attempt(
        self, stage: RunnableStage, event: DocumentEvent, key: str, started: datetime
    ) -> StageRecord | DocumentEvent | None:
        """How the stage ended, or its own input again where it goes on in another delivery; None where it waits for
        others, or for a higher bound of what the document may cost."""
        about, name = event.origin, stage.function.name
        timeout_s = stage.function.timeout_s
        attempts = await self._count_attempt(about, name)
        await self._show(about, name, "running", attempts, started)
        try:
            async with asyncio.timeout(timeout_s):
                until = time.monotonic() + _OWN_END * timeout_s
                allowance = await self._allowance(about, name)
                said = await stage.handler(event, StageWork(key, self._records, about, until, allowance))
        except BeyondAllowance as error:
            reason = Reason(BUDGET, str(error))
            await self._show(about, name, "waiting", 0, started, reason, waiting_for=BUDGET)
            await self._forget_attempts(about, name)
            return None
        except Rejected as error:
            record = _rejection(about, name, key, attempts, started, error)
        except Exception as error:  # whatever it is, the document shows it before it goes on
            await self._show(about, name, "waiting", attempts, started, reason_of(error))
            raise
        else:
            if isinstance(said, Waiting):
                await self._forget_attempts(about, name)
                await self._show(about, name, "waiting", 0, None, waiting_for=said.on)
                return None
            if said is not None and said.type_name() == event.type_name():
                await self._forget_attempts(about, name)
                await self._meter_part(event, name, key, started)
                return said
            record = _record(name, key, "done", attempts, started, said)
        cost = self._meter.cost(done_by(record)) + _models_cost(record)
        record = msgspec.structs.replace(record, cost_microusd=cost)
        await self._records.write_stage(about.document_id, about.generation, record)
        return record

    async def _allowance(self, about: Origin, stage: str) -> DocumentAllowance:
        """Of the stage that is about to run: what the others did is paid. Raises `BeyondAllowance` where nothing is
        left."""
        if self._meter.is_free:
            return DocumentAllowance()
        record = await self._records.generation(about.document_id, about.generation)
        if record is None or record.max_cost_microusd is None:
            return DocumentAllowance()
        ended = await self._records.stages(about.document_id, about.generation)
        spent = sum(one.cost_microusd for one in ended if one.stage != stage)
        allowance = DocumentAllowance(record.max_cost_microusd - spent, self._meter.cost)
        allowance.check({"function_second": 1})
        return allowance

    async def _conclude(self, about: Origin, record: StageRecord) -> DocumentEvent | None:
        """Meters the stage, shows how it ended and says its outcome; safe to do again, and done again where it was
        cut off: the event is only then acknowledged."""
        _, outcome = await asyncio.gather(self._meter_stage(about, record), self._settle(about, record))
        return outcome

    async def _meter_stage(self, about: Origin, record: StageRecord) -> None:
        work = await self._worked(about, record.stage, record.key, record.finished_at, done_by(record))
        await self._meter.record(work)

    async def _meter_part(self, event: DocumentEvent, stage: str, key: str, started: datetime) -> None:
        """A delivery that left the rest of the work to another."""
        at = now()
        work = await self._worked(event.origin, stage, key, at, {"function_second": _milliseconds(started, at)})
        await self._meter.record(msgspec.structs.replace(work, continuation=event.continuation + 1))

    async def _worked(self, about: Origin, stage: str, key: str, at: datetime, done: dict[Unit, int]) -> MeteredWork:
        entry = await self._catalogue.entry(about.document_id)
        uploader = entry.record.uploader if entry else ""
        return MeteredWork(
            tenant_id=about.tenant_id,
            document_id=about.document_id,
            generation=about.generation,
            function=stage,
            key=key,
            at=at,
            done=done,
            key_id=uploader if uploader.startswith("key_") else "",
            request_id=about.request_id,
        )

    async def _settle(self, about: Origin, record: StageRecord) -> DocumentEvent | None:
        """Shows how the stage ended and says its outcome; safe to do again."""
        outcome = outcome_event(about, record)
        if await self._records.is_deleted(about.document_id, about.generation):
            await self._leave_to_the_sweep(about)
            return None
        await self._catalogue.show_stage(about.document_id, about.generation, ended_view(record))
        mark = recent_mark(about.tenant_id, about.document_id, about.generation)
        await self._redis.call("SET", mark, "1", "EX", RECENT_S)  # what is said now is on its way
        if outcome and outcome.type_name() in _FINAL:
            await self._records.mark_closed(about.document_id, about.generation)
        return outcome

    async def _leave_to_the_sweep(self, about: Origin) -> None:
        """The document is deleted: what a stage wrote after the erasure, perhaps in a delivery that was cut off, is
        for the sweep to erase."""
        await self._records.mark_open(about.document_id, about.generation, "deleting")

    async def _count_attempt(self, about: Origin, stage: str) -> int:
        key = _attempts_key(about, stage)
        count, _ = await self._redis.batch([("INCR", key), ("EXPIRE", key, _ATTEMPTS_KEPT_S)])
        return int(count)

    async def _forget_attempts(self, about: Origin, stage: str) -> None:
        """There was progress: what follows is tried anew."""
        await self._redis.call("DEL", _attempts_key(about, stage))

    async def _show(
        self,
        about: Origin,
        stage: str,
        status: StageStatus,
        attempts: int,
        started: datetime | None,
        reason: Reason | None = None,
        waiting_for: WaitsFor | None = None,
    ) -> None:
        view = StageView(stage, status, attempts, started, reason=reason, waiting_for=waiting_for)
        await self._catalogue.show_stage(about.document_id, about.generation, view)


def _attempts_key(about: Origin, stage: str) -> str:
    return f"attempts:{about.tenant_id}:{about.document_id}:{about.generation}:{stage}"


def reason_of(error: BaseException) -> Reason:
    """Why a stage did not end, as its document shows it. An unforeseen error is named, not told: its message may
    quote the document."""
    if isinstance(error, StoreUnavailable):
        return Reason("store-unavailable", str(error))
    if isinstance(error, TimeoutError):
        return Reason("deadline", "The stage took longer than it may.")
    if isinstance(error, AegisError):
        return Reason("internal", str(error))
    return Reason("internal", f"{type(error).__name__}; the function's log has the details.")


def stage_key(function: Function, operation: Operation, inputs: str, model: str) -> str:
    """Names a result by all that goes into it. Where it is made is no part of it."""
    parts = [function.name, function.stage_version(operation), inputs, operation.settings, model]
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]


def done_by(record: StageRecord) -> dict[Unit, int]:
    """What is billed of a stage that ended, as its record tells. A document without pages counts as one. Of a document
    that the warm pool read its workers' time counts, not the turns of others that it waited for."""
    said = record.event or {}
    done: dict[Unit, int] = {"function_second": _milliseconds(record.started_at, record.finished_at)}
    if said.get("type") == DocumentParsed.type_name():
        done["page_parsed"] = said["data"].get("pages") or 1
        if pooled := said["data"].get("pool_ms"):
            done = {"page_parsed": done["page_parsed"], "gpu_second": pooled}
    if said.get("type") == DocumentEmbedded.type_name():
        done["embedded_1k_tokens"] = said["data"].get("tokens") or 0
    return done


def _models_cost(record: StageRecord) -> int:
    """In micro-dollars; each call of a model stands in the book by itself."""
    data: dict[str, Any] = (record.event or {}).get("data") or {}
    return int(data.get("models_microusd", 0))


def _milliseconds(started: datetime, ended: datetime) -> int:
    return max(1, round((ended - started).total_seconds() * 1000))


def _record(
    stage: str,
    key: str,
    outcome: StageOutcome,
    attempts: int,
    started: datetime,
    said: DocumentEvent | None,
    reason: Reason | None = None,
) -> StageRecord:
    event = stored_outcome(said) if said else None
    return StageRecord(stage, key, outcome, attempts, started, now(), reason=reason, event=event)


def _rejection(about: Origin, stage: str, key: str, attempts: int, started: datetime, error: Rejected) -> StageRecord:
    said = DocumentRejected(origin=about, key=key, stage=stage, code=error.code, detail=error.detail)
    return _record(stage, key, "rejected", attempts, started, said, Reason(error.code, error.detail))
