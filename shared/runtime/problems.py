"""Errors as problem+json (RFC 9457): the one mapping from what was raised to what the caller sees."""

from typing import Any

import msgspec
from msgspec import Struct

from shared.runtime.errors import FieldError, Internal, Problem, StoreUnavailable, Unavailable

MEDIA_TYPE = "application/problem+json"


class ProblemBody(Struct, frozen=True, omit_defaults=True):
    """The body of every error."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


def problem_of(error: BaseException) -> Problem:
    """What the caller is told. Nothing of an unforeseen error but that it was logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreUnavailable):
        return Unavailable(
            f"The store `{error.store}` does not answer at the moment; try again.", retry_after=error.retry_after
        )
    return Internal("An unforeseen error; it is in our logs under this request id. Try again, or report the id.")


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
