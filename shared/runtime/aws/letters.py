"""Dead letters on AWS: as the binding sends them, as a queue gives a message up, as Lambda tells of a failed call."""

import msgspec

from events.envelope import CloudEvent, MalformedEventError
from shared.bus.retries import ATTEMPTS
from shared.runtime.aws.sources import GivenUp, Told
from shared.table.table import Function, Table
from shared.types.undelivered import UndeliveredEvent

_LONGEST_DETAIL = 1000


def body_of(letter: UndeliveredEvent) -> bytes:
    """The event with what its last attempt answered, in the attributes that Knative's brokers give a dead letter."""
    attributes = msgspec.to_builtins(letter.event) | {
        "knativeerrordest": f"lambda://{letter.function.replace('_', '-')}",
        "knativeerrorcode": str(letter.status),
        "knativeerrordata": letter.detail[:_LONGEST_DETAIL],
        "aegisattempts": str(letter.attempts),
    }
    return msgspec.json.encode(attributes)


def letter_of(brought: Told | GivenUp, table: Table, from_queue: str = "") -> UndeliveredEvent:
    """`from_queue` is the queue that gave the message up, by its redrive policy. Raises `MalformedEventError`."""
    if isinstance(brought, GivenUp):
        event = brought.told.event
        return UndeliveredEvent(event, _listener(table, event, brought.by), 503, brought.detail, brought.attempts)
    event, others = brought.event, brought.others
    if "knativeerrordest" in others:
        return _as_sent(event, others)
    detail = "its queue gave it up: no attempt came to an end"
    return UndeliveredEvent(event, _listener(table, event, from_queue), 503, detail, ATTEMPTS)


def _as_sent(event: CloudEvent, others: dict[str, str]) -> UndeliveredEvent:
    host = others["knativeerrordest"].partition("://")[2].partition("/")[0]
    code, attempts = others.get("knativeerrorcode", ""), others.get("aegisattempts", "")
    return UndeliveredEvent(
        event=event,
        function=host.partition(".")[0].partition(":")[0].replace("-", "_"),
        status=int(code) if code.isdigit() else 503,
        detail=others.get("knativeerrordata", "") or "the broker gave no reason",
        attempts=int(attempts) if attempts.isdigit() else ATTEMPTS,
    )


def _listener(table: Table, event: CloudEvent, resource: str) -> str:
    """Whose event it was: of those who listen to it the only one, or the one that the queue or Lambda is named for."""
    names = [function.name for function in _listeners(table, event)]
    if len(names) > 1:
        named = resource.replace("-", "_")
        names = sorted((name for name in names if name in named), key=len)
    if not names:
        raise MalformedEventError(f"whose dead letter it is cannot be told from {resource!r}")
    return names[-1]


def _listeners(table: Table, event: CloudEvent) -> list[Function]:
    return [
        function
        for function, operation in table.listeners(event.type)
        if all(getattr(event, name, None) == value for name, value in operation.filter.items())
    ]
