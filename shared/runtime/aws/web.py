"""Answers the requests that Lambda is invoked with, by the same application as everywhere, through Mangum.

A response leaves in one piece, a stream too. Neither it nor a request can exceed Lambda's limits.
"""

import asyncio
import json
from typing import Any

from mangum import Mangum

from events.envelope import Secrets
from shared.runtime.events.cloudevents import event_entrance
from shared.runtime.events.delivery import EventDelivery
from shared.runtime.http.exchange import (
    Asgi,
    AsgiMessage,
    AsgiScope,
    Exchange,
    Exchanges,
    Receive,
    Send,
    exchange_of,
    send_problem,
)
from shared.runtime.http.routes import application
from shared.runtime.wiring.services import Services
from shared.table.table import Function
from shared.types.errors import Deadline, Problem, TooLarge

LARGEST_BODY = 5 * 1024 * 1024
_LARGEST_ANSWER = 6_000_000
"""Bytes of Lambda's own JSON; it refuses more than 6,291,556."""
_TEXT = ["text/", "application/json", "application/problem+json", "application/cloudevents+json"]


class Web:
    """The routes of one function."""

    def __init__(self, function: Function, services: Services, secrets: Secrets | None) -> None:
        self._function = function
        self._trusted = services.settings.trusted_proxies
        self._cors_origins = services.settings.cors_origins
        entrances = []
        if secrets and any(not operation.is_route for operation in function.operations):
            entrances = [event_entrance(function, EventDelivery(function, services, secrets), secrets)]
        self._app = application((function,), services, entrances)

    def answer(self, event: dict[str, Any], context: Any, seconds: float) -> dict[str, Any]:
        """Runs the current event loop until the response is complete, for `seconds` at most."""
        event = _without_stage(event)
        if (size := _size(event)) > LARGEST_BODY:
            detail = (
                f"The body of {size} bytes is larger than the {LARGEST_BODY} bytes that can come in here. Put the "
                "document into the bucket below `t/{tenant}/inbox/`: it is taken in from there."
            )
            return _through(self._refusing(TooLarge(detail)), event, context)
        answer = _through(self._within(seconds), event, context)
        if (size := _weight(answer)) > _LARGEST_ANSWER:
            detail = (
                f"The answer would have {size} bytes, more than the {_LARGEST_ANSWER} bytes that can leave here. Ask "
                "for less, or read the object from the bucket."
            )
            return _through(self._refusing(TooLarge(detail)), event, context)
        return answer

    def _within(self, seconds: float) -> Asgi:
        """Ends a stream of events when the time is over: the client resumes it by its ids. Refuses others then."""

        async def within(scope: AsgiScope, receive: Receive, send: Send) -> None:
            started_types: list[bytes] = []

            async def recording(message: AsgiMessage) -> None:
                if message["type"] == "http.response.start":
                    started_types.append(dict(message["headers"]).get(b"content-type", b""))
                await send(message)

            late = Deadline(f"The call took longer than the {seconds:.0f} s that are left of the invocation.")
            scope.setdefault("state", {})["cut_off"] = late
            try:
                async with asyncio.timeout(seconds):
                    await self._app(scope, receive, recording)
            except TimeoutError:
                if not started_types or not started_types[0].startswith(b"text/event-stream"):
                    raise
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        return within

    def _refusing(self, problem: Problem) -> Asgi:
        async def admit_uncounted(exchange: Exchange) -> None:
            """Such a response counts against no rate limit."""

        return Exchanges(_problem_app(problem, self._function.name), self._trusted, admit_uncounted, self._cors_origins)


def _through(app: Asgi, event: dict[str, Any], context: Any) -> dict[str, Any]:
    async def with_address(scope: AsgiScope, receive: Receive, send: Send) -> None:
        # A load balancer appends the address to X-Forwarded-For, which it passes on whole.
        client = str((scope["client"] or ("",))[0] or "unknown")
        scope["client"] = (client.rpartition(",")[2].strip(), 0)
        await app(scope, receive, send)

    answer: dict[str, Any] = Mangum(with_address, lifespan="off", text_mime_types=_TEXT)(event, context)
    return answer


def _problem_app(problem: Problem, function: str) -> Asgi:
    async def respond(scope: AsgiScope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.function, exchange.route = function, problem.slug
        await send_problem(send, problem, exchange)

    return respond


def _size(event: dict[str, Any]) -> int:
    """Bytes of the request's body as the client sent it."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return len(body) * 3 // 4 - body[-2:].count("=")
    return len(body) if body.isascii() else len(body.encode())


def _weight(answer: dict[str, Any]) -> int:
    """Bytes of the response as Lambda sends it; JSON makes a body at most six times as long."""
    length = len(answer.get("body") or "")
    return length if length * 6 < _LARGEST_ANSWER else len(json.dumps(answer).encode())


def _without_stage(event: dict[str, Any]) -> dict[str, Any]:
    """Removes the stage's name, which API Gateway's second version leaves in the path."""
    context = event["requestContext"]
    stage, http = context.get("stage"), context.get("http")
    if not http or stage in (None, "", "$default"):
        return event
    path = http["path"]
    if f"{path}/".startswith(f"/{stage}/"):
        path = path.removeprefix(f"/{stage}") or "/"
    return {**event, "requestContext": {**context, "http": {**http, "path": path}}}
