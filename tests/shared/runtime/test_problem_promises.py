"""Whatever a handler raises becomes one of the contract's problems, and tells nothing of ours."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from msgspec import Struct

from functions.front.advice import ADVICE
from shared.runtime.http.problems import problem_of
from shared.runtime.wiring.services import Services
from shared.types import errors
from shared.types.errors import (
    PROBLEMS,
    AegisError,
    FieldError,
    Problem,
    Rejected,
    StoreFull,
    StoreUnavailable,
    retry_seconds,
)
from shared.types.http import EventStream, ServerSentEvent
from tests.shared.runtime.odd import Serve

SECRET = "hunter2-of-the-database"
CONTRACT = {
    "invalid-request": 400,
    "unauthenticated": 401,
    "budget-exceeded": 402,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "conflict": 409,
    "too-large": 413,
    "unsupported-media-type": 415,
    "unsupported-format": 415,
    "empty-file": 422,
    "idempotency-mismatch": 422,
    "rate-limited": 429,
    "internal": 500,
    "store-unavailable": 503,
    "deadline": 504,
    "disk-full": 507,
}


def test_the_problems_are_those_of_the_contract() -> None:
    assert {problem.slug: problem.status for problem in PROBLEMS} == CONTRACT


def test_every_problem_has_advice() -> None:
    assert set(ADVICE) == set(CONTRACT)


def test_an_unforeseen_error_is_told_nothing_of() -> None:
    for error in (ValueError(SECRET), KeyError(SECRET), Rejected("corrupt", SECRET), AegisError(SECRET)):
        problem = problem_of(error)
        assert (problem.slug, SECRET in problem.detail) == ("internal", False)


def test_a_store_that_is_away_is_named_but_not_quoted() -> None:
    problem = problem_of(StoreUnavailable("counters", SECRET, retry_after=7))
    assert (problem.slug, problem.retry_after) == ("store-unavailable", 7)
    assert "counters" in problem.detail and SECRET not in problem.detail


# Over HTTP


class Ask(Struct, frozen=True):
    name: str = ""


def raising(error: BaseException) -> Any:
    async def handle(request: Ask) -> None:
        raise error

    return handle


async def sleeping(request: Ask) -> None:
    await asyncio.sleep(30)


async def breaking(request: Ask) -> EventStream:
    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent("stage", {"n": 1}, "1")
        raise ValueError(SECRET)

    return EventStream(events())


@pytest.fixture
def serve(serve_at: Serve) -> Serve:
    """Puts a handler behind `GET /thing`; the client of it."""
    return partial(serve_at, "GET /thing")


def assert_whole(answer: httpx.Response, problem: type[Problem]) -> dict[str, Any]:
    """Status, headers and body are all that a problem has to be."""
    assert answer.status_code == problem.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["aegis-version"] == "1"
    assert "x-ratelimit-limit" in answer.headers
    assert ("retry-after" in answer.headers) == (problem.status in (429, 503))
    body: dict[str, Any] = answer.json()
    assert body["request_id"] == answer.headers["x-request-id"]
    assert (body["type"], body["title"], body["status"], body["instance"]) == (
        f"/problems/{problem.slug}",
        problem.title,
        problem.status,
        "/thing",
    )
    return body


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.slug)
async def test_a_handlers_problem_is_answered_with_its_status(problem: type[Problem], serve: Any) -> None:
    raised = problem("What is wrong.", errors=[FieldError("/name", "why")], retry_after=9)
    async with serve(raising(raised)) as client:
        body = assert_whole(await client.get("/thing"), problem)
    assert (body["detail"], body["errors"]) == ("What is wrong.", [{"pointer": "/name", "detail": "why"}])


@pytest.mark.parametrize("error", [ValueError(SECRET), RecursionError(SECRET), KeyError(SECRET), Rejected("x", SECRET)])
async def test_an_unforeseen_error_is_a_500_that_tells_nothing(
    error: Exception, serve: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    async with serve(raising(error)) as client:
        answer = await client.get("/thing?name=a-word-of-the-caller")
    body = assert_whole(answer, errors.Internal)
    assert SECRET not in answer.text and "errors" not in body


async def test_a_store_that_is_away_is_a_503(serve: Any) -> None:
    async with serve(raising(StoreUnavailable("vectors", SECRET, retry_after=5))) as client:
        answer = await client.get("/thing")
    assert_whole(answer, errors.Unavailable)
    assert answer.headers["retry-after"] == "5"
    assert SECRET not in answer.text


async def test_a_store_without_room_is_a_507_and_its_server_still_reads(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise StoreFull("counters", SECRET)

    monkeypatch.setattr(Services, "probe", full)
    async with serve(raising(StoreFull("counters", SECRET)), needs=("counters",)) as client:
        answer, ready = await client.get("/thing"), await client.get("/health/ready")
    assert "counters" in assert_whole(answer, errors.DiskFull)["detail"] and SECRET not in answer.text
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["stores"]["counters"]["status"] == "full"


async def test_a_call_that_takes_too_long_is_ended(serve: Any) -> None:
    async with serve(sleeping, timeout_s=0) as client:
        assert_whole(await client.get("/thing"), errors.Deadline)


async def test_a_stream_that_breaks_says_so_last(serve: Any) -> None:
    async with serve(breaking) as client:
        answer = await client.get("/thing")
    assert answer.status_code == 200
    first, last = answer.text.strip().split("\n\n")
    assert first == 'id: 1\nevent: stage\ndata: {"n":1}'
    name, data = last.split("\n")
    assert name == "event: error"
    body = json.loads(data.removeprefix("data: "))
    assert (body["type"], body["status"]) == ("/problems/internal", 500)
    assert SECRET not in answer.text


async def test_what_the_framework_refuses_is_a_problem_too(serve: Any) -> None:
    async with serve(sleeping) as client:
        missing, wrong = await client.get("/nothing"), await client.delete("/thing")
    assert missing.json()["type"] == "/problems/not-found"
    assert wrong.json()["type"] == "/problems/method-not-allowed"


@pytest.mark.parametrize(
    ("code", "status"),
    [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EFBIG, 507), (errno.EMFILE, 503), (errno.ENFILE, 503)],
)
def test_what_the_machine_lacks_is_no_unforeseen_error(code: int, status: int) -> None:
    problem = problem_of(OSError(code, "of the machine", "/a/path/of/ours"))
    assert problem.status == status and "/a/path" not in problem.detail
    assert retry_seconds(OSError(code, "of the machine")), "an event is delivered again"


def test_another_error_of_the_system_stays_unforeseen() -> None:
    assert problem_of(PermissionError(errno.EACCES, "denied")).status == 500
    assert retry_seconds(PermissionError(errno.EACCES, "denied")) is None
