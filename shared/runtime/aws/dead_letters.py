"""Reads dead letters on AWS: sent by the binding, moved by a queue's redrive policy, or reported by Lambda."""

from events.envelope import CloudEvent, MalformedEventError
from shared.bus.retries import ATTEMPTS
from shared.runtime.aws.sources import ExhaustedEvent, QueuedEvent
from shared.runtime.events.dead_letters import undelivered_event
from shared.table.table import Table
from shared.types.undelivered import UndeliveredEvent


def undelivered_from(source: QueuedEvent | ExhaustedEvent, table: Table, from_queue: str = "") -> UndeliveredEvent:
    """`from_queue` is the queue whose redrive policy moved the message. Raises `MalformedEventError`."""
    if isinstance(source, ExhaustedEvent):
        event = source.queued.event
        function = _listener(table, event, source.lambda_name)
        return UndeliveredEvent(event, function, 503, source.detail, source.attempts)
    event = source.event
    if "knativeerrordest" in source.extensions:
        return undelivered_event(event, source.extensions)
    detail = "its queue gave it up: no attempt came to an end"
    return UndeliveredEvent(event, _listener(table, event, from_queue), 503, detail, ATTEMPTS)


def _listener(table: Table, event: CloudEvent, resource: str) -> str:
    """The function whose event it was: the only listener, or the one that the queue or Lambda is named for."""
    names = [
        function.name
        for function, operation in table.listeners(event.type)
        if all(getattr(event, name, None) == value for name, value in operation.filter.items())
    ]
    if len(names) > 1:
        resource_name = resource.replace("-", "_")
        names = sorted((name for name in names if name in resource_name), key=len)
    if not names:
        raise MalformedEventError(f"no function can be named for this dead letter of {resource!r}")
    return names[-1]
