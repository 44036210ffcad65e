"""The context of a request, and the headers, log line and metric of its response."""

import asyncio
import contextlib
import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from shared.runtime.http.cors import cors_headers, is_preflight, preflight_headers
from shared.runtime.http.problems import render_problem
from shared.telemetry.logs import log
from shared.telemetry.metrics import observe_request
from shared.types.charges import Charges
from shared.types.errors import InvalidRequest, Problem, TooLarge, Unavailable
from shared.types.remaining_budget import RemainingBudget
from shared.types.tracing import new_request_id, new_traceparent

if TYPE_CHECKING:
    from shared.access.gate import RateLimits

AsgiScope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]

Watching = Callable[[], contextlib.AbstractContextManager["asyncio.Future[None]"]]
"""Watches the caller's credential; the future is done once that is no longer valid."""

API_VERSION = "1"
REPLAYED_STATUSES = frozenset({200, 201, 202, 204, 404, 413, 415, 422})
"""Answers to a POST that an idempotency key gives again."""
_CLIENTS_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STOPPED_RETRY_S = 5
_DRAIN_S = 20
_DRAIN_BYTES = 1 << 30
_SILENT_S = 2.0
"""How long a client that has its refusal and goes on sending may pause."""


async def _gone() -> AsgiMessage:
    return {"type": "http.disconnect"}


class Exchange:
    """The context of one request. `receive` gives the rest of its body, then that the client has disconnected."""

    def __init__(self, scope: AsgiScope, trusted_proxies: tuple[str, ...]) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.headers: dict[str, str] = headers
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        self.request_id = new_request_id()
        clients_id, trace = headers.get("x-request-id", ""), headers.get("traceparent", "")
        self.label = clients_id if _CLIENTS_ID.fullmatch(clients_id) else self.request_id
        self.traceparent = trace if _TRACEPARENT.fullmatch(trace) else new_traceparent()
        self.address = _address(scope, headers, trusted_proxies)
        self.function = ""
        self.route = "unknown"
        self.tenant_id = ""
        self.limits: RateLimits | None = None
        self.remaining_budget = RemainingBudget()
        self.charges = Charges()
        self.sources: set[str] = set()
        self.ends_with_client = False  # something waits for its client to leave
        self.is_broken = False  # its stream ended with an error
        self.watching: Watching = lambda: contextlib.nullcontext(asyncio.get_running_loop().create_future())
        self.revoked: asyncio.Future[None] | None = None  # of a stream; done once its caller's key was revoked
        self.receive: Receive = _gone
        self.extra: dict[str, str] = {}
        self.started = time.monotonic()

    @property
    def about(self) -> dict[str, str]:
        """Fields for a log line."""
        return {
            "function": self.function,
            "request_id": self.request_id,
            "client_request_id": self.label if self.label != self.request_id else "",
            "trace_id": self.traceparent[3:35],
            "tenant": self.tenant_id,
        }

    def response_headers(self) -> dict[str, str]:
        headers = {"X-Request-ID": self.label, "Aegis-Version": API_VERSION, **self.extra}
        if self.remaining_budget.header:
            headers["X-Budget-Remaining"] = self.remaining_budget.header
        if self.limits is None or self.limits.limit is None:
            return headers | {"X-RateLimit-Limit": "unlimited"}
        return headers | {
            "X-RateLimit-Limit": str(self.limits.limit),
            "X-RateLimit-Remaining": str(self.limits.remaining),
            "X-RateLimit-Reset": str(self.limits.reset),
        }


class Exchanges:
    """Wraps an application: gives each request its exchange, and each response its headers, log line and metric.

    HEAD is handled as GET, and the body left out. A call that is cancelled before its response has started is answered
    with the problem `scope["state"]["cut_off"]`, and with 503 where there is none.
    """

    def __init__(
        self,
        app: Asgi,
        trusted_proxies: tuple[str, ...],
        limit_unrouted: Callable[[Exchange], Awaitable[None]],
        cors_origins: tuple[str, ...] = (),
    ) -> None:
        self._cors_origins = cors_origins
        self._app = app
        self._trusted = trusted_proxies
        self._limit_unrouted = limit_unrouted

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, self._trusted)
        scope.setdefault("state", {})["exchange"] = exchange
        body = _Body(exchange, receive, drains="expect" not in exchange.headers)
        exchange.receive = body.receive
        is_head = exchange.method == "HEAD"
        status = 499  # the client was gone before an answer started

        async def answer(message: AsgiMessage) -> None:
            nonlocal status
            if message["type"] != "http.response.start":
                if not is_head:
                    await (send(message) if not body.is_refused else _send_and_drain(message, send, body))
                return
            status = message["status"]
            if exchange.route == "unknown":
                await self._limit_unrouted(exchange)
            body.is_answered = True
            is_vast = status == TooLarge.status or _declared_bytes(exchange) > _DRAIN_BYTES
            body.is_refused = status >= 400 and is_vast and not is_head and not body.has_ended
            if status >= 400 and not body.is_refused:
                await body.drain()
            added = exchange.response_headers() | cors_headers(self._cors_origins, exchange.headers)
            if status >= 400 and not body.has_ended:
                added["Connection"] = "close"
            message["headers"] = _headers(message["headers"], added)
            await send(message)
            if is_head:
                await send({"type": "http.response.body", "body": b""})
                body.disconnect()

        if self._cors_origins and is_preflight(exchange.method, exchange.headers):
            exchange.route = "preflight"
            await _allow(answer, preflight_headers(self._cors_origins, exchange.headers))
            _record(exchange, status)
            return
        try:
            await self._app({**scope, "method": "GET"} if is_head else scope, body.receive, answer)
        except asyncio.CancelledError:  # the process stops, and has waited for its calls, or the call is out of time
            if body.is_answered:
                raise
            body.drains = False
            await send_problem(answer, scope["state"].get("cut_off") or _stopping(), exchange)
        finally:
            _record(exchange, status)


def _stopping() -> Problem:
    return Unavailable("The server is stopping. Send the call again.", retry_after=_STOPPED_RETRY_S)


def _declared_bytes(exchange: Exchange) -> int:
    length = exchange.headers.get("content-length", "")
    return int(length) if length.isdigit() else 0


async def _send_and_drain(message: AsgiMessage, send: Send, body: "_Body") -> None:
    """Sends the whole answer at once; the connection ends when the client has had the time to read it."""
    if message.get("more_body", False) or not body.drains:
        await send(message)
        return
    await send({**message, "more_body": True})
    await body.drain(_SILENT_S)
    await send({"type": "http.response.body", "body": b""})


async def _allow(answer: Send, headers: dict[str, str]) -> None:
    """Sends the response to a preflight request: it has no body, and no credential comes with it."""
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await answer({"type": "http.response.start", "status": 204, "headers": encoded})
    await answer({"type": "http.response.body", "body": b""})


async def send_problem(answer: Send, problem: Problem, exchange: Exchange) -> None:
    """Sends the problem as the whole response of the exchange."""
    rendered = render_problem(problem, exchange.path, exchange.request_id)
    headers = {**rendered.headers, "Content-Type": rendered.media_type, "Content-Length": str(len(rendered.body))}
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await answer({"type": "http.response.start", "status": rendered.status, "headers": encoded})
    await answer({"type": "http.response.body", "body": rendered.body})


class _Body:
    """A request's body as it comes in. An early refusal first reads the rest: a client that is still sending would
    otherwise find its connection broken and never read why. One for a body that is too large is sent before."""

    def __init__(self, exchange: Exchange, receive: Receive, drains: bool) -> None:
        self._exchange = exchange
        self._receive = receive
        self.drains = drains
        self.is_answered = False
        self.is_refused = False
        self.has_ended = False
        self._disconnected = False

    def disconnect(self) -> None:
        """The answer to HEAD is complete: a stream ends as when its reader goes away."""
        self._disconnected = True

    async def receive(self) -> AsgiMessage:
        if self._disconnected:
            return {"type": "http.disconnect"}
        self._exchange.ends_with_client |= self.has_ended
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self.has_ended and not self.is_answered:
            raise InvalidRequest("The client left, or was too slow, before its body ended.")
        self.has_ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self, silent_s: float = _DRAIN_S) -> None:
        """Reads the rest, until the client sends nothing for so long."""
        read = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while self.drains and not self.has_ended and read < _DRAIN_BYTES:
                    async with asyncio.timeout(silent_s):
                        read += len((await self.receive()).get("body", b""))


def _headers(answered: Iterable[tuple[bytes, bytes]], added: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers of a response and those that every response has. HEAD is answered wherever GET is, so `Allow` lists
    it there."""
    headers = [(name, value.replace(b"GET", b"GET, HEAD") if name == b"allow" else value) for name, value in answered]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in added.items()]
    return headers


def exchange_of(scope: Any) -> Exchange:
    exchange: Exchange = scope["state"]["exchange"]
    return exchange


def ends_with_client(scope: Any) -> bool:
    """Whether the work on the request, begun or not, is of no use without its client."""
    exchange: Exchange | None = scope.get("state", {}).get("exchange")
    return exchange is None or exchange.ends_with_client


def is_revoked(scope: Any) -> bool:
    """Whether the response is a stream or download whose caller's key was revoked since it began."""
    exchange: Exchange | None = scope.get("state", {}).get("exchange")
    revoked = exchange.revoked if exchange else None
    return revoked is not None and revoked.done() and not revoked.cancelled()


def _record(exchange: Exchange, status: int) -> None:
    seconds = time.monotonic() - exchange.started
    observe_request(exchange.function, exchange.method, exchange.route, status, seconds)
    if not exchange.route.startswith("/health"):
        fields = {"method": exchange.method, "route": exchange.route, "status": status, "ms": round(seconds * 1000, 1)}
        log().info("request", extra={**exchange.about, **fields})


def _address(scope: AsgiScope, headers: dict[str, str], trusted: tuple[str, ...]) -> str:
    """The client's address. `X-Forwarded-For` is believed only from a trusted proxy."""
    address = (scope.get("client") or ("unknown", 0))[0]
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    while hops and is_within(address, trusted):
        address = hops.pop()
    return str(address)[:64]


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether the address is one of the networks, or in one; text that is no address is in none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network, strict=False) for network in networks)
