"""Answers that an idempotency key gives again."""

from typing import TYPE_CHECKING, Any

from litestar.response import Response

from shared.runtime.http.exchange import REPLAYED_STATUSES, Exchange
from shared.runtime.http.problems import MEDIA_TYPE
from shared.runtime.http.responses import EVENT_STREAM, NO_RETRY, RETRIED_STATUSES, stream_response

if TYPE_CHECKING:  # Redis comes in only where a key is sent
    from shared.idempotency.calls import StoredAnswer


def stored_answer(response: Response[Any], exchange: Exchange) -> "StoredAnswer | None":
    """None for an answer that invites to try again, unless the call was paid for."""
    from shared.idempotency.calls import StoredAnswer

    body, status = response.content, response.status_code or 200
    is_charged = exchange.charges.microusd > 0 and status in RETRIED_STATUSES
    if not (status in REPLAYED_STATUSES or is_charged) or not isinstance(body, (bytes, type(None))):
        return None
    return StoredAnswer(status, str(response.media_type or MEDIA_TYPE), body or b"", is_charged)


def replayed(answer: "StoredAnswer", exchange: Exchange) -> Response[Any]:
    exchange.extra["Idempotent-Replayed"] = "true"
    if answer.media_type == EVENT_STREAM:
        return stream_response(answer.body)
    headers = NO_RETRY if answer.is_charged else {}
    return Response(answer.body or None, status_code=answer.status, media_type=answer.media_type, headers=headers)
