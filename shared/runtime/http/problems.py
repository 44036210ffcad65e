"""Errors as problem+json (RFC 9457), below `/v1` as OpenAI's: the one mapping from what was raised to what the caller
sees."""

from typing import Any

import msgspec
from msgspec import Struct

from shared.runtime.http import openai
from shared.types.errors import (
    BudgetExceeded,
    DiskFull,
    FieldError,
    Internal,
    Problem,
    StoreFull,
    StoreUnavailable,
    Unavailable,
    is_of_the_machine,
    named_os_error,
)

MEDIA_TYPE = "application/problem+json"
_RETRY_S = 2
_RETRY_WITHOUT_BUDGET_S = 60


class ProblemBody(Struct, frozen=True, omit_defaults=True):
    """The body of every error."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


class ProblemAnswer(Struct, frozen=True):
    """An error as it goes over the wire."""

    status: int
    media_type: str
    body: bytes
    headers: dict[str, str]


def problem_of(error: BaseException) -> Problem:
    """The problem that the caller gets. Of an unforeseen error it says only that it was logged."""
    if is_of_the_machine(error):
        error = named_os_error(error, "files")
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreFull):
        return DiskFull(f"The store `{error.store}` has no room left on its disk. Free some room and try again.")
    if isinstance(error, StoreUnavailable):
        return Unavailable(
            f"The store `{error.store}` does not answer at the moment; try again.", retry_after=error.retry_after
        )
    return Internal("An unforeseen error; it is in our logs under this request id. Try again, or report the id.")


def render_problem(problem: Problem, path: str, request_id: str) -> ProblemAnswer:
    """Renders it for the path: as OpenAI's error below `/v1`, as problem+json elsewhere."""
    if openai.is_openai_path(path):
        status = openai.status_of(problem)
        return ProblemAnswer(status, "application/json", openai.body_of(problem), _headers(problem, status))
    body = body_of(problem, path, request_id)
    return ProblemAnswer(problem.status, MEDIA_TYPE, body, _headers(problem, problem.status))


def _headers(problem: Problem, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    is_budget = isinstance(problem, BudgetExceeded)
    if status in (429, 503):
        headers["Retry-After"] = str(problem.retry_after or (_RETRY_WITHOUT_BUDGET_S if is_budget else _RETRY_S))
    if status == 429 and is_budget:
        headers["X-Should-Retry"] = "false"  # OpenAI's clients try a 429 again by themselves
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def body_of(problem: Problem, instance: str, request_id: str) -> bytes:
    return msgspec.json.encode(
        ProblemBody(
            type=f"/problems/{problem.slug}",
            title=problem.title,
            status=problem.status,
            detail=problem.detail,
            instance=instance,
            request_id=request_id,
            errors=problem.errors,
        )
    )


def event_of(problem: Problem, instance: str, request_id: str) -> Any:
    """The same as the data of a stream's last event."""
    return msgspec.json.decode(body_of(problem, instance, request_id))
