"""AWS Lambda's entrance: `shared.runtime.lambda_binding.handler`, one function of the table in each Lambda.

Requests are answered; events are delivered, and the next one is put where `K_SINK` says before an event counts as
handled. What to do about failures is told to whoever brought the event, in its own words.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from events.envelope import MalformedEventError, Secrets
from shared.runtime.aws.sources import Arrival, Brought, GivenUp, Told, is_batch, is_web, read
from shared.runtime.events.delivery import DeliveryResult, EventDelivery
from shared.runtime.wiring.check import check_wiring
from shared.runtime.wiring.cluster import MissingStore, check_backends, cluster_services, event_secrets
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import DEAD_LETTER, Function, Table, load
from shared.telemetry.logs import log
from shared.types.errors import AegisError, StoreUnavailable

if TYPE_CHECKING:  # each comes in with the first event that needs it
    from shared.bus.aws import AwsSink
    from shared.runtime.aws.batch import Batches
    from shared.runtime.aws.inbox import Inbox
    from shared.runtime.aws.web import Web

DEAD_LETTERS = "AEGIS_DEAD_LETTER_SINK"
_NAME = "AEGIS_FUNCTION"
_LAMBDAS_NAME = "AWS_LAMBDA_FUNCTION_NAME"
_TO_TELL_S = 2.0
"""Kept of an invocation's time, so that what is unfinished can still be said to be."""


class Undone(AegisError):
    """Raised out of an invocation so that Lambda invokes again."""


class Binding:
    """One function over its worlds, with the event loop on which its connections live."""

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
        self._keeps_dead_letters = any(operation.on == DEAD_LETTER for operation in function.operations)
        self._dead_letters = (
            None if self._keeps_dead_letters else dead_letters
        )  # a letter's letter would go round for ever
        self._deadline = 0.0

    def handle(self, event: Any, context: Any) -> Any:
        """What Lambda's caller is answered. Raises `Undone` where it is to come again."""
        try:
            return self._answer(event, context)
        finally:  # from here on the process may be frozen
            self._loop.run_until_complete(self._services.drain())

    def _answer(self, event: Any, context: Any) -> Any:
        self._deadline = self._loop.time() + _seconds_left(context, self._function)
        log().append_keys(function_request_id=getattr(context, "aws_request_id", None))
        if is_web(event):
            asyncio.set_event_loop(self._loop)  # Mangum runs the current one
            return self._web.answer(event, context, self._deadline - self._loop.time())
        if is_batch(event):
            return self._loop.run_until_complete(self._batches.process(event["Records"]))
        return self._loop.run_until_complete(self._handle_all(event))

    async def _handle_all(self, event: Any) -> dict[str, Any]:
        """What came without a queue. Lambda invokes again with all of it; what was done then says its outcome again."""
        delivered = [await self._deliver(brought) for brought in self._read(event)]
        if undone := [one for one in delivered if not one.is_final]:
            raise Undone("; ".join(f"{one.status}: {one.detail}" for one in undone))
        return {"statuses": [one.status for one in delivered]}

    def _read(self, event: Any) -> list[Brought]:
        try:
            return read(event)
        except MalformedEventError as error:
            log().error(f"dropped an invocation: {error}", extra={"function": self._function.name})
            return []

    async def _deliver(self, brought: Brought, from_queue: str = "") -> DeliveryResult:
        from shared.runtime.aws.measures import measure_delivery

        began = time.monotonic()
        try:
            async with asyncio.timeout_at(self._deadline):
                delivered = await self._deliver_one(brought, from_queue)
        except TimeoutError:
            delivered = DeliveryResult(503, detail="the invocation's time was over")
        measure_delivery(self._function.name, delivered.status, time.monotonic() - began)
        return delivered

    async def _deliver_one(self, brought: Brought, from_queue: str) -> DeliveryResult:
        if isinstance(brought, Arrival):
            return await self._inbox.take(brought)
        if self._keeps_dead_letters:
            return await self._bury(brought, from_queue)
        if isinstance(brought, GivenUp):
            return DeliveryResult(400, detail=f"{self._function.name} keeps no dead letters")
        return await self._hand_over(brought)

    async def _hand_over(self, told: Told) -> DeliveryResult:
        delivered = await self._delivery.deliver(told.event)
        if delivered.reply is None:
            return delivered
        try:
            await self._services.publisher(self._function.name).publish(delivered.reply)
        except StoreUnavailable as error:
            log().warning(f"cannot say what comes next: {error}", extra={"function": self._function.name})
            return DeliveryResult(503, detail=str(error), retry_after=error.retry_after)
        return delivered

    async def _bury(self, brought: Told | GivenUp, from_queue: str) -> DeliveryResult:
        from shared.runtime.aws.letters import letter_of

        try:
            letter = letter_of(brought, self._services.table, from_queue)
        except MalformedEventError as error:
            return DeliveryResult(400, detail=str(error))
        return await self._delivery.receive_dead_letter(letter)

    @cached_property
    def _delivery(self) -> EventDelivery:
        return EventDelivery(self._function, self._services, self._secrets or Secrets(()))

    @cached_property
    def _inbox(self) -> "Inbox":
        from shared.runtime.aws.inbox import Inbox

        return Inbox(self._function, self._services)

    @cached_property
    def _batches(self) -> "Batches":
        from shared.runtime.aws.batch import Batches

        return Batches(self._function, self._deliver, self._dead_letters)

    @cached_property
    def _web(self) -> "Web":
        from shared.runtime.aws.web import Web

        return Web(self._function, self._services, self._secrets)

    def prepare(self) -> None:
        """Brings in what will be needed: for an endpoint HTTP, for what has events or an inbox as well its queue."""
        if all(operation.is_route and operation.on != "POST /events" for operation in self._function.operations):
            _ = self._web
        else:
            _ = self._batches


def _seconds_left(context: Any, function: Function) -> float:
    ask = getattr(context, "get_remaining_time_in_millis", None)
    return ask() / 1000 - _TO_TELL_S if ask else function.timeout_s


def function_of(table: Table, environ: Mapping[str, str]) -> Function:
    """The one that this Lambda is. Raises `TableError` or `MissingStore`."""
    if name := environ.get(_NAME):
        return table.function(name)
    name = environ.get(_LAMBDAS_NAME, "").replace("-", "_")
    if name in {function.name for function in table.functions}:
        return table.function(name)
    raise MissingStore(f"{_NAME} is not set, and no function of the table is named like this Lambda. Set it.")


def check_lambda(function: Function, environ: Mapping[str, str]) -> None:
    """What every function needs, and where its replies go. Raises `MissingStore`, naming the variable."""
    check_backends(function, {**environ, _LAMBDAS_NAME: function.name})
    if any(operation.emits for operation in function.operations) and not environ.get("K_SINK"):
        raise MissingStore(
            f"K_SINK is not set: function {function.name} says what comes next, and on Lambda nobody else puts that on "
            "the bus. Set it to an event bus' ARN, a queue's ARN or URL, or a broker's URL."
        )


def binding_of(environ: Mapping[str, str]) -> Binding:
    """The function of this Lambda over the stores of the cluster, its handlers imported."""
    table = load()
    function = function_of(table, environ)
    check_lambda(function, environ)
    check_wiring((function,))
    services = cluster_services(table, Settings.from_environ(environ), environ)
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
    """What Lambda calls."""
    return _binding().handle(event, context)


if os.environ.get(_LAMBDAS_NAME):
    _binding()  # a start has all the processor there is, and what is missing shows before the first event
