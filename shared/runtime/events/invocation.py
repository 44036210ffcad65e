"""Calls the handler of an event operation with the dependencies that its signature names."""

from typing import Any

from events.document import DocumentEvent
from shared.runtime.wiring.injection import plan, provide
from shared.runtime.wiring.services import Services
from shared.stages.stages import StageWork
from shared.table.table import Function, Operation
from shared.types.call import Call
from shared.types.waiting import Waiting


class EventHandler:
    """The handler of one operation, its signature resolved once. Raises what the handler raises."""

    def __init__(self, function: Function, operation: Operation, services: Services) -> None:
        self._function_name = function.name
        self._services = services
        self._handle = function.handler(operation)
        _, self._dependencies = plan(function, operation)

    async def invoke(self, message: Any, call: Call) -> DocumentEvent | Waiting | None:
        reply: DocumentEvent | Waiting | None = await self._handle(
            message, **provide(self._services, self._dependencies, call)
        )
        return reply

    async def on_document(self, event: DocumentEvent, work: StageWork | None = None) -> DocumentEvent | Waiting | None:
        """On behalf of the event's tenant, for its request and trace."""
        origin = event.origin
        call = Call(
            self._function_name,
            tenant_id=origin.tenant_id,
            request_id=origin.request_id,
            traceparent=origin.traceparent,
            work=work,
        )
        return await self.invoke(event, call)
