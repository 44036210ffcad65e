"""Renders a handler's answer, or its error, as a response."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from litestar.response import Response, Stream

from shared.runtime.http import openai
from shared.runtime.http.abandoned import while_valid
from shared.runtime.http.exchange import Exchange
from shared.runtime.http.problems import event_of, problem_of, render_problem
from shared.telemetry.logs import log
from shared.telemetry.outages import outage_fields
from shared.types.errors import Problem, Unauthenticated
from shared.types.http import Content, EmptyAnswer, EventStream, Paged, ServerSentEvent

EVENT_STREAM = "text/event-stream"
_PING_S = 15
RETRIED_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504})
"""What clients try again by themselves; where the call was paid for, its answer says that they should not."""
NO_RETRY = {"X-Should-Retry": "false"}
_ENCODER = msgspec.json.Encoder(uuid_format="hex")


def response_of(answer: Any, exchange: Exchange, query: list[tuple[str, str]]) -> Response[Any]:
    if answer is None:
        return Response(None, status_code=204)
    if isinstance(answer, EmptyAnswer):
        return Response(b"", status_code=answer.http_status, media_type="application/json")
    if isinstance(answer, EventStream):
        return stream_response(encoded_events(answer, exchange))
    if isinstance(answer, Content):
        return _content(answer, exchange)
    headers = {}
    if isinstance(answer, Paged) and answer.next_cursor:
        again = urlencode([pair for pair in query if pair[0] != "cursor"] + [("cursor", answer.next_cursor)])
        headers["Link"] = f'<{exchange.path}?{again}>; rel="next"'
    status = getattr(answer, "http_status", 200)
    return Response(_ENCODER.encode(answer), status_code=status, media_type="application/json", headers=headers)


def stream_response(pieces: AsyncIterator[bytes] | bytes) -> Response[Any]:
    """Server-Sent Events, as they are made or as they were."""
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    if isinstance(pieces, bytes):
        return Response(pieces, media_type=EVENT_STREAM, headers=headers)
    return Stream(pieces, media_type=EVENT_STREAM, headers=headers)


def problem_response(error: BaseException, exchange: Exchange) -> Response[Any]:
    """The problem, logged where it is ours."""
    problem = problem_of(error)
    _log(error, problem, exchange)
    answer = render_problem(problem, exchange.path, exchange.request_id)
    headers = answer.headers
    if exchange.charges.microusd and answer.status in RETRIED_STATUSES:
        headers = {name: value for name, value in headers.items() if name != "Retry-After"} | NO_RETRY
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type, headers=headers)


def _log(error: BaseException, problem: Problem, exchange: Exchange) -> None:
    """Logs what is our fault, and why something is unavailable."""
    if problem.status == 500:
        log().error("unforeseen error", exc_info=error, extra=exchange.about)
    elif problem.status in (503, 504, 507):
        fields = outage_fields(error, exchange.started, problem.retry_after)
        log().warning(f"answered {problem.status}", extra={**exchange.about, **fields})


def _content(content: Content, exchange: Exchange) -> Response[Any]:
    # A tenant's file must never run as a page of our origin; our own pages bring their style and no script.
    policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": policy}
    headers["Content-Type"] = content.media_type  # said here, for Litestar adds a charset of its own to any text
    if content.filename is not None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(content.filename, safe='')}"
    if content.length is not None:
        headers["Content-Length"] = str(content.length)
    if isinstance(content.body, bytes):
        return Response(content.body, media_type=content.media_type, headers=headers)
    return Stream(while_valid(content.body, exchange), media_type=content.media_type, headers=headers)


async def encoded_events(stream: EventStream, exchange: Exchange) -> AsyncIterator[bytes]:
    """Encodes the stream, with a comment after every 15 s of silence and an `error` event when it breaks, also because
    its caller's key was revoked."""
    iterator = aiter(stream.events)
    coming: asyncio.Future[ServerSentEvent] | None = None
    try:
        with exchange.watching() as revoked:
            exchange.revoked = revoked
            while True:
                coming = coming or asyncio.ensure_future(anext(iterator))
                waited: set[asyncio.Future[Any]] = {coming, revoked}
                await asyncio.wait(waited, timeout=_PING_S, return_when=asyncio.FIRST_COMPLETED)
                if revoked.done():
                    raise Unauthenticated("The key was revoked or has expired, or its tenant is suspended.")
                if not coming.done():
                    yield b": still here\n\n"
                    continue
                event, coming = coming.result(), None
                yield _line(event)
    except StopAsyncIteration:
        if not stream.named:
            yield b"data: [DONE]\n\n"
    except Exception as error:  # noqa: BLE001 - the status is sent already: the stream itself has to say it
        exchange.is_broken = True
        problem = problem_of(error)
        _log(error, problem, exchange)
        name = "error" if stream.named else ""
        if stream.named and not openai.is_openai_path(exchange.path):
            yield _line(ServerSentEvent(name, event_of(problem, exchange.path, exchange.request_id)))
        else:
            yield _line(ServerSentEvent(name, openai.error_of(problem)))
    finally:
        if coming:
            coming.cancel()
        closing = getattr(iterator, "aclose", None)
        if closing and (coming is None or coming.done()):
            await closing()


def _line(event: ServerSentEvent) -> bytes:
    head = f"id: {event.id}\n" if event.id else ""
    head += f"event: {event.event}\n" if event.event else ""
    return head.encode() + b"data: " + _ENCODER.encode(event.data) + b"\n\n"
