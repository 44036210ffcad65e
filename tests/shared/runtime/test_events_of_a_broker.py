"""How events look to a broker, and what is made of the dead letters that it brings."""

import base64

import msgspec
import pytest

from events.envelope import CloudEvent, MalformedEventError, decode, encode
from shared.runtime.events.cloudevents import read
from shared.runtime.events.dead_letters import encode_undelivered, undelivered_event
from shared.runtime.http.problems import body_of
from shared.types.errors import Internal, InvalidRequest, Problem, Unavailable
from shared.types.undelivered import UndeliveredEvent

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


def test_a_dead_letter_of_ours_is_a_whole_cloudevent() -> None:
    assert decode(encode_undelivered(UndeliveredEvent(EVENT, "parse", 500, "KeyError", 5))) == EVENT


BINARY = {"ce-id": "e-1", "ce-type": "aegis.document.submitted.v1", "ce-source": "/erp", "ce-specversion": "1.0"}


def test_a_binary_event_takes_its_data_from_the_body_alone() -> None:
    event, others = read({**BINARY, "ce-data": "x", "ce-data_base64": "e30=", "ce-knativearrivaltime": "t"}, b'{"a":1}')
    assert (event.data, others) == ({"a": 1}, {"knativearrivaltime": "t"})


@pytest.mark.parametrize("name", BINARY)
def test_a_binary_event_without_a_required_attribute_is_refused(name: str) -> None:
    for headers in ({**BINARY, name: ""}, {k: v for k, v in BINARY.items() if k != name}):
        with pytest.raises(MalformedEventError):
            read(headers, b"{}")
