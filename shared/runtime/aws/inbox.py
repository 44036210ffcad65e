"""Submits objects that outside producers put below `t/{tenant}/inbox/`, by the route for their events."""

import asyncio
import time

from events.envelope import CloudEvent
from shared.blobs.names import is_name
from shared.runtime.aws.sources import ObjectCreated
from shared.runtime.events.delivery import DeliveryResult
from shared.runtime.http.problems import problem_of
from shared.runtime.wiring.injection import plan, provide
from shared.runtime.wiring.services import Services
from shared.table.table import Function
from shared.telemetry.logs import log
from shared.telemetry.outages import outage_fields
from shared.types.call import Call
from shared.types.errors import NotFound
from shared.types.principal import Principal
from shared.types.tracing import new_request_id, new_traceparent

_ROUTE = "POST /events"
_SUBMITTED = "aegis.document.submitted.v1"
_UPLOADER = "inbox"
_RETRYABLE = frozenset({409, 429})


class Inbox:
    """The inboxes of all tenants. The bucket's policy decides who may write to one."""

    def __init__(self, function: Function, services: Services) -> None:
        self._function = function
        self._services = services

    async def submit(self, created: ObjectCreated) -> DeliveryResult:
        """An object that is refused stays in the inbox, for its tenant to see; one that is accepted is removed."""
        request_id, started = new_request_id(), time.monotonic()
        try:
            async with asyncio.timeout(self._function.timeout_s):
                await self._submit(created, request_id)
            return DeliveryResult(204)
        except Exception as error:  # noqa: BLE001 - every failure is mapped to a status
            return self._refused(created, request_id, error, started)

    async def _submit(self, created: ObjectCreated, request_id: str) -> None:
        operation = next((operation for operation in self._function.operations if operation.on == _ROUTE), None)
        if operation is None:
            raise NotFound(f"Function {self._function.name} has no inbox; the bucket has to notify the one that has.")
        if not is_name(created.blob):
            raise NotFound("An object in the inbox is named with A-Z, a-z, 0-9, `.`, `_`, `-` and `/` only.")
        if await self._services.accounts.tenant(created.tenant_id) is None:
            raise NotFound("There is no such tenant.")
        kind, wanted = plan(self._function, operation)
        call = self._call(created.tenant_id, request_id)
        data = {"filename": created.blob.rpartition("/")[2], "blob_key": created.blob}
        event = CloudEvent(id=request_id, source="/inbox", type=_SUBMITTED, data=data)
        handle = self._function.handler(operation)
        await handle(kind(event=event), **provide(self._services, wanted, call))

    def _call(self, tenant_id: str, request_id: str) -> Call:
        return Call(
            self._function.name,
            tenant_id=tenant_id,
            principal=Principal(tenant_id, _UPLOADER, "member", scopes=("write",), user_id=_UPLOADER),
            request_id=request_id,
            traceparent=new_traceparent(),
        )

    def _refused(self, created: ObjectCreated, request_id: str, error: Exception, started: float) -> DeliveryResult:
        about = {"function": self._function.name, "request_id": request_id, "tenant": created.tenant_id}
        if isinstance(error, TimeoutError):
            late = f"the submission took longer than {self._function.timeout_s} s"
            log().warning(f"inbox answered 503: {late}", extra=about)
            return DeliveryResult(503, detail=late)
        problem = problem_of(error)
        if problem.status == 500:
            log().error("cannot submit an object of the inbox", exc_info=error, extra=about)
        else:
            fields = outage_fields(error, started, problem.retry_after) if problem.status in (503, 504, 507) else {}
            log().warning(f"inbox answered {problem.status}: {problem.detail}", extra={**about, **fields})
        status = 503 if problem.status in _RETRYABLE else problem.status
        return DeliveryResult(status, detail=problem.detail, retry_after=problem.retry_after)
