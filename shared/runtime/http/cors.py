"""Cross-origin requests (CORS) of the origins that `AEGIS_CORS_ORIGINS` names; no credentials of a browser are used.

A page of such an origin may send every method and header, and may read our headers. All others get no CORS header,
so that their browser keeps the response from them.
"""

from collections.abc import Mapping

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_USUAL_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-ID, traceparent"
_EXPOSED = (
    "Aegis-Version, Content-Disposition, ETag, Idempotent-Replayed, Location, Retry-After, X-Budget-Remaining, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID, X-Should-Retry"
)
_MAX_AGE_S = 600


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks what it may send."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def cors_headers(origins: tuple[str, ...], headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of a response to a request with these headers."""
    origin = headers.get("origin", "")
    if not origins:
        return {}
    if not origin or not ({"*", origin} & set(origins)):
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED, "Vary": "Origin"}


def preflight_headers(origins: tuple[str, ...], headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of the response to a preflight request, beside `cors_headers`. The headers that a client asks for are
    allowed as they are: OpenAI's clients send a dozen of their own."""
    if "Access-Control-Allow-Origin" not in cors_headers(origins, headers):
        return {}
    wanted = headers.get("access-control-request-headers", "")
    return {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": wanted or _USUAL_HEADERS,
        "Access-Control-Max-Age": str(_MAX_AGE_S),
        "Vary": "Access-Control-Request-Headers",
    }
