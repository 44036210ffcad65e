"""Reads what Lambda is invoked with, directly or in a queue's message: CloudEvents, ticks of the clock, new objects."""

import re
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, S3Event
from msgspec import Struct

from events.envelope import CloudEvent, MalformedEventError, clock_tick, from_attributes

_INBOX = re.compile(r"t/(?P<tenant>[^/]+)/inbox/.*[^/]", re.DOTALL)


class Told(Struct, frozen=True):
    """An event, and the attributes that came with it and are not its own."""

    event: CloudEvent
    others: dict[str, str]


class Arrival(Struct, frozen=True):
    """A blob that an outside producer put into a tenant's inbox."""

    tenant_id: str
    blob: str


class GivenUp(Struct, frozen=True):
    """What Lambda itself tried in vain, as its on-failure destination tells it. `by` is the Lambda function."""

    told: Told
    by: str
    detail: str
    attempts: int


Brought = Told | Arrival | GivenUp


def is_web(payload: Any) -> bool:
    """Whether it is a request: by API Gateway, a function URL or a load balancer."""
    context = payload.get("requestContext") if isinstance(payload, dict) else None
    return isinstance(context, dict) and ("http" in context or "elb" in context or "httpMethod" in payload)


def is_batch(payload: Any) -> bool:
    """Whether it is a batch of a queue's messages."""
    return _source_of_records(payload) == "aws:sqs"


def read_message(body: str) -> list[Brought]:
    """The same in a queue's message. Raises `MalformedEventError`."""
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise MalformedEventError(f"the message is not JSON: {error}") from None
    return read(payload)


def read(payload: Any) -> list[Brought]:
    """What was brought; nothing where it concerns nobody. Raises `MalformedEventError`."""
    try:
        return _read(payload)
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedEventError(f"a notification of AWS lacks what it should have: {error!r}") from None


def _read(payload: Any) -> list[Brought]:
    if not isinstance(payload, dict):
        raise MalformedEventError("neither a CloudEvent nor a notification of AWS")
    if "specversion" in payload:
        return [_told(payload)]
    if "requestPayload" in payload:
        return _given_up(payload)
    if payload.get("Event") == "s3:TestEvent":
        return []
    if _source_of_records(payload) == "aws:s3":
        return [*_arrivals(S3Event(payload))]
    if "detail-type" in payload:
        return _from_bridge(EventBridgeEvent(payload))
    raise MalformedEventError("neither a CloudEvent nor a notification of AWS that this function knows")


def _source_of_records(payload: Any) -> str:
    records = payload.get("Records") if isinstance(payload, dict) else None
    first = records[0] if isinstance(records, list) and records else None
    return str(first.get("eventSource", "")) if isinstance(first, dict) else ""


def _told(attributes: Any) -> Told:
    if not isinstance(attributes, dict):
        raise MalformedEventError("a CloudEvent is a JSON object")
    known = CloudEvent.__struct_fields__
    others = {name: str(value) for name, value in attributes.items() if name not in known}
    return Told(from_attributes(attributes), others)


def _given_up(payload: dict[str, Any]) -> list[Brought]:
    request, answer = payload["requestContext"], payload.get("responsePayload") or {}
    detail = str(answer.get("errorMessage") or request.get("condition") or "Lambda gave no reason")
    attempts = int(request.get("approximateInvokeCount") or 1)
    by = request["functionArn"].partition(":function:")[2].partition(":")[0]
    brought = _read(payload["requestPayload"])
    return [GivenUp(one, by, detail, attempts) for one in brought if isinstance(one, Told)]


def _from_bridge(event: EventBridgeEvent) -> list[Brought]:
    if event.detail_type == "Scheduled Event":
        return [Told(clock_tick(event.get_id), {})]
    if event.source == "aws.s3":
        key = event.detail["object"]["key"]  # unlike in S3's own notifications not encoded
        return [*_arrival(key)] if event.detail_type == "Object Created" else []
    return [_told(event.detail)]


def _arrivals(event: S3Event) -> list[Arrival]:
    return [
        arrival
        for record in event.records
        if record.event_name.startswith("ObjectCreated:")
        for arrival in _arrival(unquote_plus(record.s3.get_object.key))
    ]


def _arrival(key: str) -> list[Arrival]:
    found = _INBOX.fullmatch(key)
    return [Arrival(found["tenant"], key)] if found else []
