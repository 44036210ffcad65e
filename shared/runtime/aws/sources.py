"""Reads a Lambda's event sources, direct or in a queue's message: CloudEvents, ticks of the clock, new objects."""

import re
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, S3Event
from msgspec import Struct

from events.envelope import CloudEvent, MalformedEventError, clock_tick, extensions, from_attributes

_INBOX = re.compile(r"t/(?P<tenant>[^/]+)/inbox/.*[^/]", re.DOTALL)


class QueuedEvent(Struct, frozen=True):
    """An event, and the extension attributes that came with it."""

    event: CloudEvent
    extensions: dict[str, str]


class ObjectCreated(Struct, frozen=True):
    """A blob that an outside producer put into a tenant's inbox."""

    tenant_id: str
    blob: str


class ExhaustedEvent(Struct, frozen=True):
    """An event whose attempts Lambda itself has exhausted, as its on-failure destination reports it."""

    queued: QueuedEvent
    lambda_name: str
    detail: str
    attempts: int


SourceEvent = QueuedEvent | ObjectCreated | ExhaustedEvent


def is_web(payload: Any) -> bool:
    """Whether it is a request: by API Gateway, a function URL or a load balancer."""
    context = payload.get("requestContext") if isinstance(payload, dict) else None
    return isinstance(context, dict) and ("http" in context or "elb" in context or "httpMethod" in payload)


def is_batch(payload: Any) -> bool:
    """Whether it is a batch of a queue's messages."""
    return _source_of_records(payload) == "aws:sqs"


def read_message(body: str) -> list[SourceEvent]:
    """The events in a queue's message. Raises `MalformedEventError`."""
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise MalformedEventError(f"the message is not JSON: {error}") from None
    return read(payload)


def read(payload: Any) -> list[SourceEvent]:
    """The events in an invocation; none where it concerns nobody. Raises `MalformedEventError`."""
    try:
        return _read(payload)
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedEventError(f"a notification of AWS lacks a field: {error!r}") from None


def _read(payload: Any) -> list[SourceEvent]:
    if not isinstance(payload, dict):
        raise MalformedEventError("neither a CloudEvent nor a notification of AWS")
    if "specversion" in payload:
        return [_queued(payload)]
    if "requestPayload" in payload:
        return _exhausted(payload)
    if payload.get("Event") == "s3:TestEvent":
        return []
    if _source_of_records(payload) == "aws:s3":
        return [*_objects_created(S3Event(payload))]
    if "detail-type" in payload:
        return _from_bridge(EventBridgeEvent(payload))
    raise MalformedEventError("neither a CloudEvent nor a notification of AWS that this function knows")


def _source_of_records(payload: Any) -> str:
    records = payload.get("Records") if isinstance(payload, dict) else None
    first = records[0] if isinstance(records, list) and records else None
    return str(first.get("eventSource", "")) if isinstance(first, dict) else ""


def _queued(attributes: Any) -> QueuedEvent:
    if not isinstance(attributes, dict):
        raise MalformedEventError("a CloudEvent is a JSON object")
    return QueuedEvent(from_attributes(attributes), extensions(attributes))


def _exhausted(payload: dict[str, Any]) -> list[SourceEvent]:
    request, answer = payload["requestContext"], payload.get("responsePayload") or {}
    detail = str(answer.get("errorMessage") or request.get("condition") or "Lambda gave no reason")
    attempts = int(request.get("approximateInvokeCount") or 1)
    lambda_name = request["functionArn"].partition(":function:")[2].partition(":")[0]
    sources = _read(payload["requestPayload"])
    return [ExhaustedEvent(one, lambda_name, detail, attempts) for one in sources if isinstance(one, QueuedEvent)]


def _from_bridge(event: EventBridgeEvent) -> list[SourceEvent]:
    if event.detail_type == "Scheduled Event":
        return [QueuedEvent(clock_tick(event.get_id), {})]
    if event.source == "aws.s3":
        key = event.detail["object"]["key"]  # unlike in S3's own notifications not encoded
        return [*_inbox_object(key)] if event.detail_type == "Object Created" else []
    return [_queued(event.detail)]


def _objects_created(event: S3Event) -> list[ObjectCreated]:
    return [
        created
        for record in event.records
        if record.event_name.startswith("ObjectCreated:")
        for created in _inbox_object(unquote_plus(record.s3.get_object.key))
    ]


def _inbox_object(key: str) -> list[ObjectCreated]:
    found = _INBOX.fullmatch(key)
    return [ObjectCreated(found["tenant"], key)] if found else []
