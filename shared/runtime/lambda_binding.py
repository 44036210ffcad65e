"""The entry point on AWS Lambda: `shared.runtime.lambda_binding.handler`, one function of the table in each Lambda.

Answers requests and delivers events; the next event is published to `K_SINK` before an event counts as handled. A
failure is reported in the form that the event's source expects.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from events.envelope import MalformedEventError, Secrets
from shared.runtime.aws.sources import ExhaustedEvent, ObjectCreated, QueuedEvent, SourceEvent, is_batch, is_web, read
from shared.runtime.events.delivery import DeliveryResult, EventDelivery
from shared.runtime.wiring.check import check_wiring
from shared.runtime.wiring.cluster import MissingStore, check_backends, cluster_services, event_secrets
from shared.runtime.wiring.engine import check_engine
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import DEAD_LETTER, Function, Table, load
from shared.telemetry.logs import log
from shared.telemetry.outages import outage_fields
from shared.types.errors import AegisError, StoreUnavailable

if TYPE_CHECKING:  # each is imported with the first event that needs it
    from shared.bus.aws import AwsSink
    from shared.runtime.aws.batch import QueueConsumer
    from shared.runtime.aws.inbox import Inbox
    from shared.runtime.aws.web import Web

DEAD_LETTERS = "AEGIS_DEAD_LETTER_SINK"
_NAME = "AEGIS_FUNCTION"
_LAMBDAS_NAME = "AWS_LAMBDA_FUNCTION_NAME"
_REPORT_S = 2.0
"""Reserved of an invocation's time to report what is unfinished."""


class RetryInvocation(AegisError):
    """Raised out of an invocation so that Lambda invokes again."""


class Binding:
    """One function with its services and the event loop of their connections."""

    def __init__(
        self,
        function: Function,
        services: Services,
        secrets: Secrets | None,
        loop: asyncio.AbstractEventLoop,
        dead_letters: "AwsSink | None" = None,
    ) -> None:
        self._function = function
        self._services = services
        self._secrets = secrets
        self._loop = loop
        self._receives_dead_letters = any(operation.on == DEAD_LETTER for operation in function.operations)
        self._dead_letters = (
            None if self._receives_dead_letters else dead_letters
        )  # a dead letter of a dead letter would loop
        self._deadline = 0.0

    def handle(self, event: Any, context: Any) -> Any:
        """Lambda's answer. Raises `RetryInvocation` where Lambda has to invoke again."""
        try:
            return self._answer(event, context)
        finally:  # from here on the process may be frozen
            self._loop.run_until_complete(self._services.drain())

    def _answer(self, event: Any, context: Any) -> Any:
        ask = getattr(context, "get_remaining_time_in_millis", None)
        self._deadline = self._loop.time() + (ask() / 1000 - _REPORT_S if ask else self._function.timeout_s)
        log().append_keys(function_request_id=getattr(context, "aws_request_id", None))
        if is_web(event):
            asyncio.set_event_loop(self._loop)  # Mangum runs the current one
            return self._web.answer(event, context, self._deadline - self._loop.time())
        if is_batch(event):
            return self._loop.run_until_complete(self._queue_consumer.process(event["Records"]))
        return self._loop.run_until_complete(self._handle_all(event))

    async def _handle_all(self, event: Any) -> dict[str, Any]:
        """Delivers what came without a queue. Where Lambda invokes again, finished stages emit their outcome again."""
        results = [await self._deliver(source) for source in self._read(event)]
        if unsettled := [one for one in results if not one.is_final]:
            raise RetryInvocation("; ".join(f"{one.status}: {one.detail}" for one in unsettled))
        return {"statuses": [one.status for one in results]}

    def _read(self, event: Any) -> list[SourceEvent]:
        try:
            return read(event)
        except MalformedEventError as error:
            log().error(f"dropped an invocation: {error}", extra={"function": self._function.name})
            return []

    async def _deliver(self, source: SourceEvent, from_queue: str = "") -> DeliveryResult:
        from shared.runtime.aws.measures import measure_delivery

        started = time.monotonic()
        try:
            async with asyncio.timeout_at(self._deadline):
                result = await self._deliver_one(source, from_queue)
        except TimeoutError:
            result = DeliveryResult(503, detail="the invocation's time was over")
            log().warning("delivery answered 503: the invocation's time was over", extra=self._about(source))
        measure_delivery(self._function.name, result.status, time.monotonic() - started)
        return result

    async def _deliver_one(self, source: SourceEvent, from_queue: str) -> DeliveryResult:
        if isinstance(source, ObjectCreated):
            return await self._inbox.submit(source)
        if self._receives_dead_letters:
            return await self._receive_dead_letter(source, from_queue)
        if isinstance(source, ExhaustedEvent):
            return DeliveryResult(400, detail=f"{self._function.name} receives no dead letters")
        return await self._hand_over(source)

    async def _hand_over(self, queued: QueuedEvent) -> DeliveryResult:
        result = await self._delivery.deliver(queued.event)
        if result.reply is None:
            return result
        started = time.monotonic()
        try:
            await self._services.publisher(self._function.name).publish(result.reply)
        except StoreUnavailable as error:
            fields = outage_fields(error, started, error.retry_after)
            log().warning(f"cannot publish the next event: {error}", extra={**self._about(queued), **fields})
            return DeliveryResult(503, detail=str(error), retry_after=error.retry_after)
        return result

    def _about(self, source: SourceEvent) -> dict[str, str]:
        about = {"function": self._function.name}
        if isinstance(source, QueuedEvent):
            event = source.event
            about |= {"request_id": event.requestid or event.id, "tenant": event.aegistenant}
        return about

    async def _receive_dead_letter(self, source: QueuedEvent | ExhaustedEvent, from_queue: str) -> DeliveryResult:
        from shared.runtime.aws.dead_letters import undelivered_from

        try:
            undelivered = undelivered_from(source, self._services.table, from_queue)
        except MalformedEventError as error:
            return DeliveryResult(400, detail=str(error))
        return await self._delivery.receive_dead_letter(undelivered)

    @cached_property
    def _delivery(self) -> EventDelivery:
        return EventDelivery(self._function, self._services, self._secrets or Secrets(()))

    @cached_property
    def _inbox(self) -> "Inbox":
        from shared.runtime.aws.inbox import Inbox

        return Inbox(self._function, self._services)

    @cached_property
    def _queue_consumer(self) -> "QueueConsumer":
        from shared.runtime.aws.batch import QueueConsumer

        return QueueConsumer(self._function, self._deliver, self._dead_letters)

    @cached_property
    def _web(self) -> "Web":
        from shared.runtime.aws.web import Web

        return Web(self._function, self._services, self._secrets)

    def prepare(self) -> None:
        """Imports what will be needed: HTTP for an endpoint, else the queue consumer."""
        if all(operation.is_route and operation.on != "POST /events" for operation in self._function.operations):
            _ = self._web
        else:
            _ = self._queue_consumer


def function_of(table: Table, environ: Mapping[str, str]) -> Function:
    """The one that this Lambda is. Raises `TableError` or `MissingStore`."""
    if name := environ.get(_NAME):
        return table.function(name)
    name = environ.get(_LAMBDAS_NAME, "").replace("-", "_")
    if name in {function.name for function in table.functions}:
        return table.function(name)
    raise MissingStore(f"{_NAME} is not set, and no function of the table is named like this Lambda. Set it.")


def check_lambda(function: Function, environ: Mapping[str, str]) -> None:
    """Checks the variables of the stores and of the sink. Raises `MissingStore`, naming the variable."""
    check_backends(function, {**environ, _LAMBDAS_NAME: function.name})
    if any(operation.emits for operation in function.operations) and not environ.get("K_SINK"):
        raise MissingStore(
            f"K_SINK is not set: function {function.name} emits events, and on Lambda nobody else "
            "publishes them. Set it to an event bus' ARN, a queue's ARN or URL, or a broker's URL."
        )


def binding_of(environ: Mapping[str, str]) -> Binding:
    """The function of this Lambda over the stores of the cluster, its handlers imported."""
    table = load()
    function = function_of(table, environ)
    check_lambda(function, environ)
    check_wiring((function,))
    settings = Settings.from_environ(environ)
    check_engine((function,), settings.pdf_engine)
    services = cluster_services(table, settings, environ)
    secrets = event_secrets(environ) if environ.get("AEGIS_EVENT_SECRET") else None
    binding = Binding(function, services, secrets, asyncio.new_event_loop(), _dead_letters(environ))
    binding.prepare()
    return binding


def _dead_letters(environ: Mapping[str, str]) -> "AwsSink | None":
    address = environ.get(DEAD_LETTERS)
    if not address:
        return None
    from shared.bus.aws import AwsSink, is_queue

    if not is_queue(address):
        raise MissingStore(f"{DEAD_LETTERS} is {address!r}; it takes the ARN or URL of the queue of function failed")
    return AwsSink(address)


@cache
def _binding() -> Binding:
    return binding_of(os.environ)


def handler(event: Any, context: Any) -> Any:
    """The handler that Lambda calls."""
    return _binding().handle(event, context)


if os.environ.get(_LAMBDAS_NAME):
    _binding()  # a start has the whole CPU, and a missing variable shows before the first event
