"""Delivers an event to its function and maps the outcome to a status, whatever transport brought it.

200 with a reply, 204 without; 400 for an event that cannot be read and 401 for one that is not signed, both final;
503 and 500 to be delivered again.
"""

import re
import time
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from events import ClockTicked
from events.document import DocumentEvent
from events.envelope import TICKS, CloudEvent, MalformedEventError, Secrets, WrongSignatureError, unwrap
from shared.runtime.events.invocation import EventHandler
from shared.runtime.wiring.services import Services
from shared.stages.stages import RunnableStage, StageRunner, UnknownDocument, goes_on
from shared.table.table import DEAD_LETTER, Function, Operation
from shared.telemetry.logs import log
from shared.telemetry.metrics import observe_delivery
from shared.telemetry.outages import outage_fields
from shared.types.call import Call
from shared.types.errors import AegisError, retry_seconds
from shared.types.undelivered import UndeliveredEvent
from shared.types.waiting import Waiting

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Ids are parts of the names of records."""


class DeliveryResult(Struct, frozen=True):
    """`detail` says why where `status` is not 200 or 204; `retry_after` is in seconds."""

    status: int
    reply: DocumentEvent | None = None
    detail: str = ""
    retry_after: int | None = None

    @property
    def is_final(self) -> bool:
        return self.status < 500


class EventDelivery:
    """Delivers events to one function."""

    def __init__(self, function: Function, services: Services, secrets: Secrets) -> None:
        self._function = function
        self._services = services
        self._secrets = secrets
        self._handlers: dict[str, EventHandler] = {}

    async def deliver(
        self,
        event: CloudEvent,
        started: datetime | None = None,
        ends_early: Callable[[], bool] = goes_on,
    ) -> DeliveryResult:
        """`started` is when the work on the event started, where that was before this delivery; `ends_early` says
        whether a delivery of many steps ends after its present one, as each does while the process stops."""
        start, outage = time.monotonic(), {}
        try:
            reply = await self._reply(event, started, ends_early)
            delivered = DeliveryResult(200, reply) if reply else DeliveryResult(204)
        except (MalformedEventError, UnknownDocument) as error:
            delivered = DeliveryResult(400, detail=str(error))
        except WrongSignatureError as error:
            delivered = DeliveryResult(401, detail=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours: seen here, tried again, then kept as a dead letter
            if (retry_after := retry_seconds(error)) is not None:
                delivered = DeliveryResult(503, detail=str(error), retry_after=retry_after)
                outage = outage_fields(error, start, retry_after)
            else:
                log().exception("delivery failed", extra=self._about(event))
                detail = str(error) if isinstance(error, AegisError) else type(error).__name__
                delivered = DeliveryResult(500, detail=detail)
        if delivered.detail:
            log().warning(
                f"delivery answered {delivered.status}: {delivered.detail}", extra={**self._about(event), **outage}
            )
        observe_delivery(self._function.name, delivered.status, time.monotonic() - start)
        return delivered

    async def dead_letter(self, undelivered: UndeliveredEvent) -> None:
        """Hands over an event that no attempt could handle. Raises `StoreUnavailable`."""
        event = undelivered.event
        call = Call(self._function.name, event.aegistenant, request_id=event.requestid)
        await self._handler(self._operation_on(DEAD_LETTER)).invoke(undelivered, call)

    async def receive_dead_letter(self, undelivered: UndeliveredEvent) -> DeliveryResult:
        """The same for a dead letter that a broker or a queue delivers: it has to be signed like any event of ours."""
        start = time.monotonic()
        try:
            unwrap(undelivered.event, self._secrets)
            await self.dead_letter(undelivered)
            return DeliveryResult(204)
        except MalformedEventError as error:
            return DeliveryResult(400, detail=str(error))
        except WrongSignatureError as error:
            return DeliveryResult(401, detail=str(error))
        except (AegisError, OSError) as error:
            if (retry_after := retry_seconds(error)) is None:
                raise
            fields = outage_fields(error, start, retry_after)
            log().warning("a dead letter could not be received", extra={**self._about(undelivered.event), **fields})
            return DeliveryResult(503, detail=str(error), retry_after=retry_after)

    async def _reply(
        self, event: CloudEvent, started: datetime | None, ends_early: Callable[[], bool]
    ) -> DocumentEvent | None:
        """Picks the operation, verifies the event, and calls the handler: a stage's through its runner."""
        operation = self._operation_on(ClockTicked.type_name() if event.type in TICKS else event.type)
        if event.type in TICKS:
            call = Call(self._function.name, request_id=event.id)
            return _event(await self._handler(operation).invoke(ClockTicked(), call))
        message = unwrap(event, self._secrets)
        for name, value in (("aegistenant", message.origin.tenant_id), ("subject", message.origin.document_id)):
            if not _ID.fullmatch(value):
                raise MalformedEventError(f"{name} {value[:100]!r} is not an id")
        if not operation.is_stage:
            return _event(await self._handler(operation).on_document(message))
        if await self._services.accounts.suspended([message.origin.tenant_id]):
            return None  # acknowledged: the sweep publishes it again once the tenant is active
        from shared.records.records import TenantRecords

        records = TenantRecords(self._services.blobs, message.origin.tenant_id)
        runner = StageRunner(self._services.table, self._services.redis, records, self._services.meter)
        model = self._services.embedding.name if "embedding" in self._function.needs else ""
        handler = self._handler(operation).on_document
        stage = RunnableStage(
            self._function, operation, handler, model, lambda: self._services.stopping or ends_early()
        )
        return await runner.run(stage, message, started)

    def _operation_on(self, event_type: str) -> Operation:
        for operation in self._function.operations:
            if operation.on == event_type:
                return operation
        raise MalformedEventError(f"{self._function.name} does not listen to {event_type!r}")

    def _handler(self, operation: Operation) -> EventHandler:
        """Made with the operation's first event, so that a start imports no handler."""
        if operation.on not in self._handlers:
            self._handlers[operation.on] = EventHandler(self._function, operation, self._services)
        return self._handlers[operation.on]

    def _about(self, event: CloudEvent) -> dict[str, str]:
        return {
            "function": self._function.name,
            "request_id": event.requestid or event.id,
            "trace_id": event.traceparent[3:35],
            "tenant": event.aegistenant,
            "document": event.subject,
            "event": event.type,
        }


def _event(reply: DocumentEvent | Waiting | None) -> DocumentEvent | None:
    return None if isinstance(reply, Waiting) else reply
