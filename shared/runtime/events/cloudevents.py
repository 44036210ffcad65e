"""CloudEvents over HTTP, binary and structured: takes a function's events on `POST /` and replies with the next one."""

import base64
from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from events.envelope import CloudEvent, MalformedEventError, Secrets, decode, encode, from_attributes, wrap
from shared.runtime.events.delivery import DeliveryResult, EventDelivery
from shared.runtime.http.exchange import Exchange, exchange_of
from shared.runtime.http.problems import ProblemBody
from shared.runtime.http.responses import problem_response
from shared.table.table import DEAD_LETTER, Function
from shared.types.errors import Deadline, Internal, InvalidRequest, Problem, TooLarge, Unauthenticated, Unavailable
from shared.types.undelivered import UndeliveredEvent

STRUCTURED = "application/cloudevents+json"
_LARGEST = 1 << 20
_BROKERS_ATTEMPTS = 5


def event_entrance(function: Function, delivery: EventDelivery, secrets: Secrets) -> HTTPRouteHandler:
    """The route by which a broker brings this function its events."""
    buries = any(operation.on == DEAD_LETTER for operation in function.operations)

    @post("/", status_code=200, name=f"{function.name}.events")
    async def entrance(request: Request[Any, Any, Any]) -> Response[Any]:
        exchange = exchange_of(request.scope)
        exchange.function, exchange.route = function.name, "/"
        try:
            body = await _body(request)
            event, extensions = read(exchange.headers, body)
        except MalformedEventError as error:
            raise InvalidRequest(str(error)) from None
        exchange.tenant_id = event.aegistenant
        if buries:
            delivered = await delivery.receive_dead_letter(undelivered(event, extensions))
        else:
            delivered = await delivery.deliver(event)
        return _reply(delivered, function, secrets, exchange)

    return entrance


def read(headers: dict[str, str], body: bytes) -> tuple[CloudEvent, dict[str, str]]:
    """The event and its attributes that we do not know. Raises `MalformedEventError`."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == STRUCTURED:
        return decode(body), _unknown(msgspec.json.decode(body))
    if "ce-id" not in headers and "ce-type" not in headers:
        raise MalformedEventError(f"send one CloudEvent, binary (ce-… headers) or as {STRUCTURED}")
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    unknown = _unknown(attributes)
    if body:
        try:
            attributes["data"] = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise MalformedEventError(f"the event's data is not JSON: {error}") from None
    return from_attributes(attributes), unknown


def undelivered(event: CloudEvent, extensions: dict[str, str]) -> UndeliveredEvent:
    """A dead letter as a Knative broker brings it: the event itself, with what its last attempt answered."""
    host = extensions.get("knativeerrordest", "").partition("://")[2].partition("/")[0]
    code = extensions.get("knativeerrorcode", "")
    status, detail = _last_answer(int(code) if code.isdigit() else 503, extensions.get("knativeerrordata", ""))
    return UndeliveredEvent(
        event=event,
        function=host.partition(".")[0].partition(":")[0].replace("-", "_"),
        status=status,
        detail=detail or "the broker gave no reason",
        attempts=_BROKERS_ATTEMPTS,
    )


def _last_answer(code: int, data: str) -> tuple[int, str]:
    """Status and reason. `data` is what the function answered, in base64 and cut off at 1,024 characters. A 500 that
    no function of ours said is how a broker tells that it reached none: as good as a 503."""
    try:
        text = base64.b64decode(data, validate=True).decode(errors="replace")
    except ValueError:
        text = data
    try:
        said = msgspec.json.decode(text, type=ProblemBody)
    except msgspec.MsgspecError:
        ours = text.startswith('{"type":"/problems/')
        return (503 if code == 500 and not ours else code), text
    return said.status, said.detail


def _unknown(attributes: dict[str, Any]) -> dict[str, str]:
    known = set(CloudEvent.__struct_fields__)
    return {name: str(value) for name, value in attributes.items() if name not in known}


def _reply(delivered: DeliveryResult, function: Function, secrets: Secrets, exchange: Exchange) -> Response[Any]:
    if delivered.reply:
        return Response(encode(wrap(delivered.reply, function.name, secrets)), media_type=STRUCTURED)
    if delivered.status == 204:
        return Response(None, status_code=204)
    return problem_response(_problem(delivered), exchange)


def _problem(delivered: DeliveryResult) -> Problem:
    if delivered.status == 400:
        return InvalidRequest(delivered.detail)
    if delivered.status == 401:
        return Unauthenticated(delivered.detail)
    if delivered.status == 500:
        return Internal(delivered.detail)
    return Unavailable(delivered.detail, retry_after=delivered.retry_after)


async def _body(request: Request[Any, Any, Any]) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST:
                raise TooLarge(f"An event is at most {_LARGEST} bytes; blobs are named in it, not sent.")
    except TimeoutError:
        raise Deadline("The event did not come whole in time.") from None
    return body
