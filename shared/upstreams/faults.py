"""From what a server answered to what happens next."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil

import msgspec
from msgspec import Struct

from shared.upstreams.decoding import UNREADABLE
from shared.upstreams.port import Fault, UpstreamError

_MOST_DETAIL = 200
_LONGEST_WAIT_S = 86_400

_TOO_LONG = re.compile(
    r"exceed\w*\b.{0,60}\bcontext|context\b.{0,40}\b(?:exceed|too long|too large)|maximum context"
    r"|context_length_exceeded|prompt is too long",
    re.IGNORECASE,
)
_USED_UP = re.compile(
    r"usage limit|extra usage|quota|insufficient[ _](?:credit|fund|balance)|out of credit"
    r"|credits? (?:exhausted|used up)",
    re.IGNORECASE,
)
_NO_SLOT = re.compile(r"concurrent request|too many requests|rate limit", re.IGNORECASE)
_OURS = re.compile(r"invalid format|invalid JSON schema|must be of type|does not support", re.IGNORECASE)
"""A recorded server answers 500 to these, but asking again the same way will not help and the server is well."""

_BY_STATUS: dict[int, Fault] = {
    401: "unauthorized",
    402: "payment",
    403: "forbidden",
    404: "model_not_found",
    408: "timeout",
    413: "too_long",
    501: "bad_request",
    502: "overloaded",
    503: "overloaded",
    504: "overloaded",
}
_MAY_HAVE_RUN = (408, 500, 502, 504)
"""Statuses that say nothing about whether the model ran before; a 503 is said before it runs."""


class _Inner(Struct):
    message: str | None = None


class _Body(Struct):
    """Ollama's `{"error": "…"}` and OpenAI's `{"error": {"message": "…"}}`."""

    error: str | _Inner | None = None


def refusal(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamError:
    """Of an answer that is not 200. Its detail is the server's own words, cut short."""
    detail = _detail(body) or ("is no answer: redirects are not followed" if 300 <= status < 400 else "")
    return UpstreamError(
        fault_of(status, detail),
        f"{status} {detail}".strip(),
        may_have_run=status in _MAY_HAVE_RUN and not _OURS.search(detail),
        retry_after=_retry_after(headers.get("retry-after")),
    )


def failure(detail: str) -> UpstreamError:
    """Of an error in the middle of an answer, under a status of 200."""
    return UpstreamError(fault_of(500, detail), detail[:_MOST_DETAIL], may_have_run=True)


def fault_of(status: int, detail: str) -> Fault:
    if status in (400, 413, 500) and _TOO_LONG.search(detail):
        return "too_long"
    if status in (429, 500) and _USED_UP.search(detail):
        return "quota"
    if status == 429 or (status in (500, 503) and _NO_SLOT.search(detail)):
        return "rate_limited"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500 or _OURS.search(detail):
        return "bad_request"
    return "failed"


def _detail(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=_Body).error
    except UNREADABLE:
        error = body.decode("utf-8", "replace")
    text = (error.message if isinstance(error, _Inner) else error) or ""
    return " ".join(text.split())[:_MOST_DETAIL]


def _retry_after(text: str | None) -> int | None:
    """Seconds from now, of a number or a date; None where it says neither."""
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text.strip()):
        return min(ceil(float(text)), _LONGEST_WAIT_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(ceil((at - datetime.now(UTC)).total_seconds()), 0), _LONGEST_WAIT_S)
