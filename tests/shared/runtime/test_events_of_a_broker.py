"""How events look to a broker, and what is made of the dead letters that it brings."""

import base64

import msgspec
import pytest

from events.envelope import CloudEvent, encode
from shared.runtime.events.dead_letters import undelivered_event
from shared.runtime.http.problems import body_of
from shared.types.errors import Internal, InvalidRequest, Problem, Unavailable

EVENT = CloudEvent(id="evt_1", source="/functions/upload", type="aegis.document.stored.v1", aegistenant="ten_a")
DESTINATION = "http://parse-gpu.aegis.svc.cluster.local"


def dead(code: str, body: bytes) -> dict[str, str]:
    """What a Knative broker adds: the answer's body in base64, cut off at 1,024 characters."""
    data = base64.b64encode(body).decode()[:1024]
    return {"knativeerrordest": DESTINATION, "knativeerrorcode": code, "knativeerrordata": data}


def answered(problem: Problem) -> dict[str, str]:
    return dead(str(problem.status), body_of(problem, "/", "req_1"))


def test_an_event_says_all_that_every_cloudevent_says() -> None:
    fields = msgspec.json.decode(encode(EVENT))
    assert {"id", "source", "type", "specversion", "datacontenttype"} <= fields.keys()
    assert "subject" not in fields, "what is empty is left out"


@pytest.mark.parametrize(
    ("problem", "status"),
    [(Unavailable("blobs: away"), 503), (Internal("KeyError"), 500), (InvalidRequest("not JSON"), 400)],
)
def test_a_dead_letter_tells_what_its_function_answered(problem: Problem, status: int) -> None:
    dead_letter = undelivered_event(EVENT, answered(problem))
    assert (dead_letter.function, dead_letter.status, dead_letter.detail) == ("parse_gpu", status, problem.detail)
    assert dead_letter.event == EVENT


def test_a_function_that_nobody_reached_counts_as_away() -> None:
    dead_letter = undelivered_event(EVENT, dead("500", b"dispatch error: connection refused"))
    assert (dead_letter.status, dead_letter.detail) == (503, "dispatch error: connection refused")


def test_an_answer_too_long_for_the_broker_keeps_its_status() -> None:
    dead_letter = undelivered_event(EVENT, answered(Internal("x" * 5000)))
    assert dead_letter.status == 500
    assert "xxx" in dead_letter.detail


@pytest.mark.parametrize("data", ["plain words", "", "bm90IEpTT04=", "!"])
def test_a_letter_whose_reason_cannot_be_read_is_kept_all_the_same(data: str) -> None:
    dead_letter = undelivered_event(
        EVENT, {"knativeerrordest": DESTINATION, "knativeerrorcode": "502", "knativeerrordata": data}
    )
    assert dead_letter.status == 502
    assert dead_letter.detail


def test_a_broker_that_says_nothing_brings_a_letter_of_an_absent_function() -> None:
    assert undelivered_event(EVENT, {}).status == 503
