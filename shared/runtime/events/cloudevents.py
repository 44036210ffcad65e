"""CloudEvents over HTTP, binary and structured: takes a function's events on `POST /` and replies with the next one."""

import asyncio
from typing import Any
from urllib.parse import unquote

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from events.envelope import (
    DATA_BASE64,
    CloudEvent,
    MalformedEventError,
    Secrets,
    encode,
    extensions,
    from_attributes,
    wrap,
)
from shared.runtime.events.dead_letters import undelivered_event
from shared.runtime.events.delivery import DeliveryResult, EventDelivery
from shared.runtime.http import bounded_json
from shared.runtime.http.exchange import Exchange, exchange_of
from shared.runtime.http.requests import refuse_encoding
from shared.runtime.http.responses import problem_response
from shared.table.table import DEAD_LETTER, Function
from shared.types.errors import Deadline, Internal, InvalidRequest, Problem, TooLarge, Unauthenticated, Unavailable

STRUCTURED = "application/cloudevents+json"
_NO_ATTRIBUTES = frozenset({"ce-data", f"ce-{DATA_BASE64}"})
"""In binary mode the data is the body."""
_LARGEST_BYTES = 1 << 20


def event_entrance(function: Function, delivery: EventDelivery, secrets: Secrets) -> HTTPRouteHandler:
    """The route to which a broker posts this function's events."""
    receives_dead_letters = any(operation.on == DEAD_LETTER for operation in function.operations)

    @post("/", status_code=200, name=f"{function.name}.events")
    async def entrance(request: Request[Any, Any, Any]) -> Response[Any]:
        exchange = exchange_of(request.scope)
        exchange.function, exchange.route = function.name, "/"
        refuse_encoding(exchange.headers)
        try:
            body = await _body(request)
            event, others = await asyncio.to_thread(read, exchange.headers, body)
        except MalformedEventError as error:
            raise InvalidRequest(str(error)) from None
        exchange.tenant_id = event.aegistenant
        if receives_dead_letters:
            result = await delivery.receive_dead_letter(undelivered_event(event, others))
        else:
            result = await delivery.deliver(event)
        return _reply(result, function, secrets, exchange)

    return entrance


def is_readable(headers: dict[str, str]) -> bool:
    """Whether the media type is that of a structured event, or of JSON, the data of a binary one."""
    is_binary = "ce-id" in headers or "ce-type" in headers
    return _media_type(headers) in (STRUCTURED, "application/json", *([""] if is_binary else []))


def _media_type(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def read(headers: dict[str, str], body: bytes) -> tuple[CloudEvent, dict[str, str]]:
    """The event, and the attributes that are not fields of ours. Raises `MalformedEventError`."""
    if _media_type(headers) == STRUCTURED:
        structured = _decoded(body)
        if not isinstance(structured, dict):
            raise MalformedEventError("a CloudEvent is a JSON object")
        return from_attributes(structured, bounded_json.decode), extensions(structured)
    if "ce-id" not in headers and "ce-type" not in headers:
        raise MalformedEventError(f"send one CloudEvent, binary (ce-… headers) or as {STRUCTURED}")
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value)
        for name, value in headers.items()
        if name.startswith("ce-") and name not in _NO_ATTRIBUTES
    }
    others = extensions(attributes)
    if body:
        attributes["data"] = _decoded(body)
    return from_attributes(attributes), others


def _decoded(body: bytes) -> Any:
    try:
        return bounded_json.decode(body)
    except bounded_json.UnreadableJsonError as error:
        raise MalformedEventError(str(error).removesuffix(".")) from None


def _reply(result: DeliveryResult, function: Function, secrets: Secrets, exchange: Exchange) -> Response[Any]:
    if result.reply:
        return Response(encode(wrap(result.reply, function.name, secrets)), media_type=STRUCTURED)
    if result.status == 204:
        return Response(None, status_code=204)
    return problem_response(_problem(result), exchange)


def _problem(result: DeliveryResult) -> Problem:
    if result.status == 400:
        return InvalidRequest(result.detail)
    if result.status == 401:
        return Unauthenticated(result.detail)
    if result.status == 500:
        return Internal(result.detail)
    return Unavailable(result.detail, retry_after=result.retry_after)


async def _body(request: Request[Any, Any, Any]) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_BYTES:
                raise TooLarge(f"An event is at most {_LARGEST_BYTES} bytes; it names blobs and does not contain them.")
    except TimeoutError:
        raise Deadline("The event was not complete in time.") from None
    return bytes(body)
