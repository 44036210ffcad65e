"""Errors in OpenAI's shape, for every path below `/v1`."""

import re

import msgspec
from msgspec import Struct

from shared.types.errors import (
    BudgetExceeded,
    ContextLengthExceeded,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NotFound,
    Problem,
    RateLimited,
    Unauthenticated,
)

_INVALID = "invalid_request_error"
_OURS = "server_error"
_NUMBER = re.compile(r"\.(\d+)(?=\.|$)")
_KINDS: dict[type[Problem], tuple[str, str | None]] = {
    ModelNotFound: (_INVALID, "model_not_found"),
    ContextLengthExceeded: (_INVALID, "context_length_exceeded"),
    InvalidRequest: (_INVALID, None),
    Unauthenticated: (_INVALID, "invalid_api_key"),
    BudgetExceeded: ("insufficient_quota", "insufficient_quota"),
    Forbidden: (_INVALID, "insufficient_permissions"),
    NotFound: (_INVALID, "unknown_url"),
    MethodNotAllowed: (_INVALID, "method_not_supported"),
    RateLimited: ("requests", "rate_limit_exceeded"),
}


class ErrorDetail(Struct, frozen=True):
    """`param` names the field at fault, as `messages[0].content`."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(Struct, frozen=True):
    """The body of every error below `/v1`."""

    error: ErrorDetail


def is_openai_path(path: str) -> bool:
    return path.startswith("/v1/") or path == "/v1"


def status_of(problem: Problem | type[Problem]) -> int:
    """OpenAI has no 402: an exceeded budget is a 429."""
    return 429 if problem.status == BudgetExceeded.status else problem.status


def error_of(problem: Problem) -> ErrorBody:
    known = next((_KINDS[kind] for kind in type(problem).__mro__ if kind in _KINDS), None)
    kind, code = known or (_OURS if problem.status >= 500 else _INVALID, problem.slug.replace("-", "_"))
    param = "model" if isinstance(problem, ModelNotFound) else None
    if problem.errors:
        param = _NUMBER.sub(r"[\1]", problem.errors[0].pointer.strip("/").replace("/", ".")) or None
    return ErrorBody(ErrorDetail(problem.detail, kind, param, code))


def body_of(problem: Problem) -> bytes:
    return msgspec.json.encode(error_of(problem))
