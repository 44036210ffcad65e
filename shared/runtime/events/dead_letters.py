"""Dead letters as brokers and queues deliver them: the event with Knative's error extensions."""

import base64

import msgspec

from events.envelope import CloudEvent, to_attributes
from shared.bus.retries import ATTEMPTS
from shared.runtime.http.problems import ProblemBody
from shared.types.undelivered import UndeliveredEvent

_LONGEST_DETAIL = 1000
_ATTEMPTS = "aegisattempts"
"""Written by us alone, and then `knativeerrordata` is the reason itself and not a function's answer in base64."""


def encode_undelivered(undelivered: UndeliveredEvent) -> bytes:
    """The event in its structured form with the result of its last attempt in the error extensions."""
    attributes = to_attributes(undelivered.event) | {
        "knativeerrordest": f"lambda://{undelivered.function.replace('_', '-')}",
        "knativeerrorcode": str(undelivered.status),
        "knativeerrordata": undelivered.detail[:_LONGEST_DETAIL],
        _ATTEMPTS: str(undelivered.attempts),
    }
    return msgspec.json.encode(attributes)


def undelivered_event(event: CloudEvent, extensions: dict[str, str]) -> UndeliveredEvent:
    """A dead letter with what its last attempt answered: 503 where the extensions do not say."""
    host = extensions.get("knativeerrordest", "").partition("://")[2].partition("/")[0]
    code, detail = extensions.get("knativeerrorcode", ""), extensions.get("knativeerrordata", "")
    attempts = extensions.get(_ATTEMPTS, "")
    status = int(code) if code.isdigit() else 503
    if not attempts:
        status, detail = _last_answer(status, detail)
    return UndeliveredEvent(
        event=event,
        function=host.partition(".")[0].partition(":")[0].replace("-", "_"),
        status=status,
        detail=detail or "the broker gave no reason",
        attempts=int(attempts) if attempts.isdigit() else ATTEMPTS,
    )


def _last_answer(code: int, data: str) -> tuple[int, str]:
    """Status and reason. `data` is what the function answered, in base64 and cut off at 1,024 characters. A 500 that
    is not a function's own means that the broker did not reach it, which counts as a 503."""
    try:
        text = base64.b64decode(data, validate=True).decode(errors="replace")
    except ValueError:
        text = data
    try:
        problem = msgspec.json.decode(text, type=ProblemBody)
    except msgspec.MsgspecError:
        ours = text.startswith('{"type":"/problems/')
        return (503 if code == 500 and not ours else code), text
    return problem.status, problem.detail
