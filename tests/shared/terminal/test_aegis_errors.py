"""What a refusal looks like and which exit code it has."""

import pytest

from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, FakeServer, problem


@pytest.mark.parametrize(
    ("status", "slug", "code"),
    [
        (400, "invalid-request", 1),
        (401, "unauthenticated", 4),
        (402, "budget-exceeded", 5),
        (403, "forbidden", 4),
        (404, "not-found", 1),
        (409, "conflict", 1),
        (413, "too-large", 1),
        (415, "unsupported-media-type", 1),
        (422, "idempotency-mismatch", 1),
        (429, "rate-limited", 5),
        (500, "internal", 1),
        (503, "store-unavailable", 6),
        (504, "deadline", 6),
        (507, "disk-full", 1),
    ],
)
def test_each_refusal_has_its_exit_code(aegis: Aegis, served: FakeServer, status: int, slug: str, code: int) -> None:
    served.on("POST", "/search", Answer(status, problem(status, slug, "A title", "A detail."), {"Retry-After": "7"}))
    ended = aegis("search", "why?", "--json")
    assert (ended.exit, ended.out) == (code, "")
    assert ended.err.splitlines() == [
        "error: A title: A detail.",
        "try again in 7 s",
        f"what to do: {served.url}/problems/{slug}",
        "request: req_of_the_server",
    ]


def test_each_wrong_field_has_its_line(aegis: Aegis, served: FakeServer) -> None:
    errors = [{"pointer": "/limit", "detail": "at most 50"}, {"pointer": "/mode", "detail": "not known"}]
    served.on("POST", "/search", Answer(400, problem(400, "invalid-request", "Not valid", "2 fields", errors=errors)))
    err = aegis("search", "why?").err.splitlines()
    assert err[1:3] == ["  /limit: at most 50", "  /mode: not known"]


def test_a_refusal_cannot_steer_the_terminal(aegis: Aegis, served: FakeServer) -> None:
    wild = problem(404, "x\x1b[2J", "Gone\x1b]0;owned\x07", "a\r\nb\u202e", request_id="req\x9b1")
    served.on("POST", "/search", Answer(404, wild))
    err = aegis("search", "why?").err
    assert err.splitlines()[0] == r"error: Gone\x1b]0;owned\x07: a\x0d\x0ab\u202e"
    assert not set(err) & set("\x1b\x07\r\x9b\u202e")


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[1, 2]", b'{"type": 7}'])
def test_a_refusal_that_is_no_problem_document_is_told_by_its_status(
    aegis: Aegis, served: FakeServer, body: bytes
) -> None:
    served.on("POST", "/search", Answer(502, body))
    ended = aegis("search", "why?")
    assert ended.exit == 6
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"items": 3}', b'"\\ud800"', b""])
def test_an_answer_that_is_not_ours_is_said_to_be_none(aegis: Aegis, served: FakeServer, body: bytes) -> None:
    served.on("POST", "/search", Answer(200, body))
    ended = aegis("search", "why?")
    assert ended.exit == 1
    assert "does not answer as an AegisRAG server does" in ended.err


def test_a_redirect_is_not_followed_with_the_key(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/search", Answer(307, {}, {"Location": f"{served.url}/elsewhere"}))
    served.on("POST", "/elsewhere", Answer(200, {"passages": []}))
    assert aegis("search", "why?").exit == 1
    assert served.requests("POST", "/elsewhere") == []


def test_a_connection_that_breaks_is_unavailable(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/search", Answer(drop=True))
    ended = aegis("search", "why?")
    assert ended.exit == 6
    assert "broke" in ended.err
