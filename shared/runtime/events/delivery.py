"""Hands an event to its function, whatever brought it, and says what its bringer does next.

200 with a reply, 204 without; 400 for an event that cannot be read and 401 for one that is not signed, both final;
503 and 500 to be brought again.
"""

import time
from datetime import datetime
from typing import Any

from msgspec import Struct

from events import ClockTicked
from events.document import DocumentEvent
from events.envelope import TICKS, CloudEvent, MalformedEventError, Secrets, WrongSignatureError, unwrap
from shared.runtime.wiring.injection import Plan, plan, provide
from shared.runtime.wiring.services import Services
from shared.stages.stages import Handle, Stages, StageWork
from shared.table.table import DEAD_LETTER, Function, Operation
from shared.telemetry.logs import log
from shared.telemetry.metrics import observe_delivery
from shared.types.call import Call
from shared.types.errors import AegisError, StoreUnavailable
from shared.types.undelivered import UndeliveredEvent
from shared.types.waiting import Waiting


class Delivered(Struct, frozen=True):
    """`detail` says why where `status` is not 200 or 204; `retry_after` is in seconds."""

    status: int
    reply: DocumentEvent | None = None
    detail: str = ""
    retry_after: int | None = None

    @property
    def is_final(self) -> bool:
        return self.status < 500


class Deliveries:
    """Brings events to one function."""

    def __init__(self, function: Function, services: Services, secrets: Secrets) -> None:
        self._function = function
        self._services = services
        self._secrets = secrets
        self._plans: dict[str, Plan] = {}

    async def deliver(self, event: CloudEvent, began: datetime | None = None) -> Delivered:
        """`began` is when the work on it did, where that was before."""
        start = time.monotonic()
        try:
            reply = await self._handle(event, began)
            delivered = Delivered(200, reply) if reply else Delivered(204)
        except MalformedEventError as error:
            delivered = Delivered(400, detail=str(error))
        except WrongSignatureError as error:
            delivered = Delivered(401, detail=str(error))
        except StoreUnavailable as error:
            delivered = Delivered(503, detail=str(error), retry_after=error.retry_after)
        except Exception as error:  # noqa: BLE001 - a fault of ours: seen here, tried again, then kept as a dead letter
            log().exception("delivery failed", extra=self._about(event))
            told = str(error) if isinstance(error, AegisError) else type(error).__name__
            delivered = Delivered(500, detail=told)
        if delivered.detail:
            log().warning(f"delivery answered {delivered.status}: {delivered.detail}", extra=self._about(event))
        observe_delivery(self._function.name, delivered.status, time.monotonic() - start)
        return delivered

    async def bury(self, letter: UndeliveredEvent) -> None:
        """Hands over what no attempt could handle. Raises `StoreUnavailable`."""
        operation = self._listening(DEAD_LETTER)
        await self._call(
            operation, letter, Call(self._function.name, letter.event.aegistenant, request_id=letter.event.requestid)
        )

    async def bury_received(self, letter: UndeliveredEvent) -> Delivered:
        """The same for a dead letter that came by a broker: it has to be signed like any event of ours."""
        try:
            unwrap(letter.event, self._secrets)
            await self.bury(letter)
            return Delivered(204)
        except MalformedEventError as error:
            return Delivered(400, detail=str(error))
        except WrongSignatureError as error:
            return Delivered(401, detail=str(error))
        except StoreUnavailable as error:
            return Delivered(503, detail=str(error), retry_after=error.retry_after)

    async def _handle(self, event: CloudEvent, began: datetime | None) -> DocumentEvent | None:
        operation = self._listening(event.type)
        if event.type in TICKS:
            return await self._tick(operation, event)
        message = unwrap(event, self._secrets)
        if not operation.is_stage:
            return await self._reply(operation, message, self._call_for(message))
        return await self._run_stage(operation, message, began)

    def _listening(self, event_type: str) -> Operation:
        wanted = ClockTicked.type_name() if event_type in TICKS else event_type
        for operation in self._function.operations:
            if operation.on == wanted:
                return operation
        raise MalformedEventError(f"{self._function.name} does not listen to {event_type!r}")

    async def _tick(self, operation: Operation, event: CloudEvent) -> DocumentEvent | None:
        return await self._reply(operation, ClockTicked(), Call(self._function.name, request_id=event.id))

    async def _run_stage(
        self, operation: Operation, message: DocumentEvent, began: datetime | None
    ) -> DocumentEvent | None:
        from shared.records.records import TenantRecords

        records = TenantRecords(self._services.blobs, message.origin.tenant_id)
        stages = Stages(self._services.table, self._services.redis, records, self._services.meter)
        model = self._services.embedding.name if "embedding" in self._function.needs else ""
        return await stages.run(self._function, operation, message, model, self._stage_handle(operation), began)

    def _stage_handle(self, operation: Operation) -> Handle:
        async def handle(message: DocumentEvent, work: StageWork) -> DocumentEvent | Waiting | None:
            return await self._call(operation, message, self._call_for(message, work))

        return handle

    def _call_for(self, message: DocumentEvent, work: StageWork | None = None) -> Call:
        about = message.origin
        return Call(
            self._function.name,
            tenant_id=about.tenant_id,
            request_id=about.request_id,
            traceparent=about.traceparent,
            work=work,
        )

    async def _reply(self, operation: Operation, message: Any, call: Call) -> DocumentEvent | None:
        said = await self._call(operation, message, call)
        return None if isinstance(said, Waiting) else said

    async def _call(self, operation: Operation, message: Any, call: Call) -> DocumentEvent | Waiting | None:
        if operation.on not in self._plans:
            self._plans[operation.on] = plan(self._function, operation)[1]
        needs = provide(self._services, self._plans[operation.on], call)
        reply: DocumentEvent | Waiting | None = await self._function.handler(operation)(message, **needs)
        return reply

    def _about(self, event: CloudEvent) -> dict[str, str]:
        return {
            "function": self._function.name,
            "request_id": event.requestid,
            "trace_id": event.traceparent[3:35],
            "tenant": event.aegistenant,
            "document": event.subject,
            "event": event.type,
        }
