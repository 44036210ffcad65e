"""Below /v1 every error has OpenAI's body, and a stream is written as OpenAI's clients read it."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, ClassVar

import httpx
import pytest
from msgspec import Struct

from shared.runtime.http.openai import is_openai_path
from shared.types import errors
from shared.types.errors import PROBLEMS, FieldError, ModelNotFound, Problem, StoreUnavailable
from shared.types.http import EventStream, ServerSentEvent
from tests.shared.runtime.odd import Serve

SECRET = "hunter2-of-the-database"
OF_OPENAI = {
    errors.InvalidRequest: (400, "invalid_request_error", None),
    errors.Unauthenticated: (401, "invalid_request_error", "invalid_api_key"),
    errors.BudgetExceeded: (429, "insufficient_quota", "insufficient_quota"),
    errors.Forbidden: (403, "invalid_request_error", "insufficient_permissions"),
    errors.NotFound: (404, "invalid_request_error", "unknown_url"),
    ModelNotFound: (404, "invalid_request_error", "model_not_found"),
    errors.MethodNotAllowed: (405, "invalid_request_error", "method_not_supported"),
    errors.TooLarge: (413, "invalid_request_error", "too_large"),
    errors.UnsupportedMediaType: (415, "invalid_request_error", "unsupported_media_type"),
    errors.RateLimited: (429, "requests", "rate_limit_exceeded"),
    errors.Internal: (500, "server_error", "internal"),
    errors.Unavailable: (503, "server_error", "store_unavailable"),
    errors.Deadline: (504, "server_error", "deadline"),
}


class Lenient(Struct, frozen=True):
    ignores_unknown: ClassVar[bool] = True
    largest_body: ClassVar[int] = 2 << 20

    name: str = ""


class Echo(Struct, frozen=True):
    text: str


def raising(error: BaseException) -> Any:
    async def handle(request: Lenient) -> Echo:
        raise error

    return handle


async def repeating(request: Lenient) -> Echo:
    return Echo(request.name)


def streaming(error: Exception | None) -> Any:
    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent("", {"n": 1})
        if error:
            raise error
        yield ServerSentEvent("", {"n": 2})

    async def handle(request: Lenient) -> EventStream:
        return EventStream(events(), named=False)

    return handle


@pytest.fixture
def serve(serve_at: Serve) -> Serve:
    """Puts a handler behind `POST /v1/thing`; the client of it."""
    return partial(serve_at, "POST /v1/thing")


def assert_openai(answer: httpx.Response, status: int, kind: str, code: str | None) -> dict[str, Any]:
    """Status, headers and the one body that an error has; its inner object."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert "x-ratelimit-limit" in answer.headers
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert (body["error"]["type"], body["error"]["code"]) == (kind, code)
    found: dict[str, Any] = body["error"]
    return found


@pytest.mark.parametrize("problem", OF_OPENAI, ids=lambda problem: problem.__name__)
async def test_a_problem_is_told_in_openais_words(problem: type[Problem], serve: Any) -> None:
    async with serve(raising(problem("What is wrong."))) as client:
        answer = await client.post("/v1/thing", json={})
    assert assert_openai(answer, *OF_OPENAI[problem])["message"] == "What is wrong."


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p not in OF_OPENAI], ids=lambda problem: problem.slug)
async def test_no_problem_is_without_words(problem: type[Problem], serve: Any) -> None:
    async with serve(raising(problem("What is wrong."))) as client:
        answer = await client.post("/v1/thing", json={})
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    assert_openai(answer, problem.status, kind, problem.slug.replace("-", "_"))


async def test_who_has_no_budget_left_is_not_made_to_try_again(serve: Any) -> None:
    async with serve(raising(errors.BudgetExceeded("No.", retry_after=3600))) as client:
        spent = await client.post("/v1/thing", json={})
    async with serve(raising(errors.RateLimited("No.", retry_after=9))) as client:
        hurried = await client.post("/v1/thing", json={})
    assert (spent.headers["retry-after"], spent.headers["x-should-retry"]) == ("3600", "false")
    assert hurried.headers["retry-after"] == "9" and "x-should-retry" not in hurried.headers


@pytest.mark.parametrize(
    ("pointer", "param"),
    [("/messages/0/content/12/type", "messages[0].content[12].type"), ("/model", "model"), ("/", None), ("", None)],
)
async def test_the_field_at_fault_is_named_as_openai_does(pointer: str, param: str | None, serve: Any) -> None:
    async with serve(raising(errors.InvalidRequest("No.", errors=[FieldError(pointer, "why")]))) as client:
        answer = await client.post("/v1/thing", json={})
    assert answer.json()["error"]["param"] == param


async def test_an_unknown_model_is_the_models_fault(serve: Any) -> None:
    async with serve(raising(ModelNotFound("No."))) as client:
        answer = await client.post("/v1/thing", json={})
    assert answer.json()["error"]["param"] == "model"


@pytest.mark.parametrize("error", [ValueError(SECRET), StoreUnavailable("counters", SECRET)])
async def test_nothing_of_ours_is_told(error: Exception, serve: Any) -> None:
    async with serve(raising(error)) as client:
        answer = await client.post("/v1/thing", json={})
    assert answer.status_code in (500, 503)
    assert SECRET not in answer.text and answer.json()["error"]["type"] == "server_error"


async def test_what_is_found_before_the_handler_is_told_so_too(serve: Any) -> None:
    async with serve(repeating) as client:
        assert_openai(await client.get("/v1/nothing"), 404, "invalid_request_error", "unknown_url")
        assert_openai(await client.get("/v1/thing"), 405, "invalid_request_error", "method_not_supported")
        text = await client.post("/v1/thing", content=b"x", headers={"Content-Type": "text/plain"})
        assert_openai(text, 415, "invalid_request_error", "unsupported_media_type")
        assert_openai(await client.post("/v1/thing", json=[]), 400, "invalid_request_error", None)
        wrong = assert_openai(await client.post("/v1/thing", json={"name": 7}), 400, "invalid_request_error", None)
        assert wrong["param"] == "name"
        vast = await client.post("/v1/thing", json={"name": "x" * (2 << 20)})
        assert_openai(vast, 413, "invalid_request_error", "too_large")
    async with serve(repeating, role="reader") as client:
        assert_openai(await client.post("/v1/thing", json={}), 401, "invalid_request_error", "invalid_api_key")


async def test_outside_of_v1_errors_stay_problems(serve: Any) -> None:
    async with serve(repeating) as client:
        for path in ("/nothing", "/v11/thing", "/v1x"):
            answer = await client.get(path)
            assert answer.headers["content-type"] == "application/problem+json", path
            assert answer.json()["type"] == "/problems/not-found"
    assert is_openai_path("/v1") and not is_openai_path("/")


async def test_fields_that_are_not_known_are_ignored_where_a_message_says_so(serve: Any) -> None:
    async with serve(repeating) as client:
        answer = await client.post("/v1/thing?api-version=2", json={"name": "ours", "tools": [{"a": None}], "x": 1})
    assert (answer.status_code, answer.json()) == (200, {"text": "ours"})


async def test_a_message_may_take_a_larger_body_than_others(serve: Any) -> None:
    async with serve(repeating) as client:
        answer = await client.post("/v1/thing", json={"name": "x" * (1 << 20)})
    assert answer.status_code == 200


async def test_a_stream_is_data_alone_and_ends_with_done(serve: Any) -> None:
    async with serve(streaming(None)) as client:
        answer = await client.post("/v1/thing", json={})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == 'data: {"n":1}\n\ndata: {"n":2}\n\ndata: [DONE]\n\n'


async def test_a_stream_that_breaks_says_why_and_not_that_it_is_done(serve: Any) -> None:
    for error, code in ((errors.BudgetExceeded("No."), "insufficient_quota"), (ValueError(SECRET), "internal")):
        async with serve(streaming(error)) as client:
            answer = await client.post("/v1/thing", json={})
        first, last, rest = answer.text.split("\n\n")
        assert (first, rest) == ('data: {"n":1}', "")
        event = json.loads(last.removeprefix("data: "))
        assert set(event) == {"error"} and event["error"]["code"] == code
        assert SECRET not in answer.text
