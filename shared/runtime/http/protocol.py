"""HTTP/1.1 on a connection, by uvicorn and httptools, within our limits."""

import contextlib
import enum
import http
import socket
import struct
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.runtime.http.connection_limits import ConnectionLimits
from shared.runtime.http.exchange import API_VERSION, ends_with_client, is_revoked, is_within
from shared.runtime.http.open_connections import OpenConnections, client_network
from shared.runtime.http.problems import render_problem
from shared.telemetry.logs import log
from shared.types.errors import Deadline, InvalidRequest, Problem, Unavailable
from shared.types.tracing import new_request_id

_LINGER_S = 1.0
"""How long a refused client may go on sending: one that finds its connection broken does not read why."""
_LAST_PIECE_S = 1.0
"""How long a client has for what tells it that its key was revoked."""
_HALF_CLOSED_S = 1.0
"""How long a client that has closed its side may wait for an answer that ends with a client that leaves."""
_MOST_PIPELINED = 16
_FRAMING_PER_BYTE = 8
"""Bytes of chunk sizes for each byte of a body that comes in the smallest chunks."""


class _Phase(enum.Enum):
    """What is expected of the client."""

    HEAD = enum.auto()
    BODY = enum.auto()
    NOTHING = enum.auto()


_HEAD, _BODY, _NOTHING = _Phase  # looked up several times for each request


class HttpProtocol(HttpToolsProtocol):
    """Bounds what a client sends. Bytes that reach no route are answered with a problem and an id as every request."""

    limits: ClassVar[ConnectionLimits]
    open_connections: ClassVar[OpenConnections]

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._most_header_bytes, self._most_headers = self.limits.header_bytes, self.limits.header_count
        self._phase = _HEAD
        self._waited_s = self._revoked_s = 0.0
        self._messages = 0
        self._codings: list[bytes] = []
        self._head_parsed = self._head_received = self._hosts = 0
        self._body_parsed = self._body_received = self._window_bytes = 0
        self._window_s = 0.0
        self._drops_input = False  # what still comes is read and dropped
        self._refusal: Problem | None = None
        address = self.client[0] if self.client else "unknown"
        self._network = client_network(address)
        is_limited = not is_within(address, self.limits.trusted)
        if not self.open_connections.add(self, self._network, is_limited=is_limited):
            self._refuse_connection()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_connections.remove(self, self._network)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn always closes
        """A client that sends no more may still read, or have left, which looks the same. It gets its answer, unless
        that ends, as a stream does, with a client that leaves."""
        if self._phase is not _NOTHING or not self._has_request_in_work or ends_with_client(self.cycle.scope):
            return False
        self._close_after_answers()
        self.loop.call_later(_HALF_CLOSED_S, self._end_half_closed)
        return True

    def _end_half_closed(self) -> None:
        if self.transport.is_closing():
            return
        if self.pipeline or ends_with_client(self.cycle.scope):
            self.transport.close()
        else:
            self.loop.call_later(_HALF_CLOSED_S, self._end_half_closed)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._phase is _NOTHING and not self._has_request_in_work:
            self._expect_head()
        phase, messages, size = self._phase, self._messages, len(data)
        try:
            while data and not self._drops_input:
                data = self._parsed(data)
        except httptools.HttpParserError:
            refusal = self._refusal or InvalidRequest("The bytes are no HTTP/1.1, or name an unknown method.")
            self._refuse(refusal)
            return
        if messages == self._messages and phase is self._phase and not self._drops_input:
            self._count_received(size)

    def _parsed(self, data: bytes) -> bytes:
        """Parses the bytes and returns those that stand behind a request for another protocol, which is not granted."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":
                self._close_after_answers()
            return data[upgrade.args[0] :]
        return b""

    def _count_received(self, size: int) -> None:
        """Counts bytes of which the parser need not have reported anything yet: a header without an end, the
        extensions of chunks, trailers."""
        if self._phase is _HEAD:
            self._head_received += size
            if self._head_received > self.limits.header_bytes:
                self._refuse(InvalidRequest(self._too_many_header_bytes))
        elif self._phase is _BODY:
            self._body_received += size
            framing = self._body_received - self._body_parsed
            if framing > self.limits.header_bytes + _FRAMING_PER_BYTE * self._body_parsed:
                self._refuse(InvalidRequest("The body has more bytes between its chunks than are taken."))

    # What the parser calls. An error that is raised here ends in `data_received`.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._messages += 1
        if self._phase is not _HEAD:
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        self._head_parsed += len(url)
        if self._head_parsed > self._most_header_bytes:
            raise self._refused(self._too_many_header_bytes)
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is not _HEAD:
            return  # a trailer says nothing to us, and is no header
        self._head_parsed += len(name) + len(value)
        if self._head_parsed > self._most_header_bytes:
            raise self._refused(self._too_many_header_bytes)
        if len(self.headers) >= self._most_headers:
            raise self._refused(f"The request has more than the {self._most_headers} headers that are taken.")
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"transfer-encoding":
            self._codings.append(value.strip().lower())
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise self._refused("The request is not HTTP/1.1.")
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise self._refused("The request needs one `Host` header.")
        if self._codings not in ([], [b"chunked"]):
            raise self._refused("A body is taken as it is or `chunked`, in no other `Transfer-Encoding`.")
        if len(self.pipeline) >= _MOST_PIPELINED:
            raise self._refused(f"More than {_MOST_PIPELINED} requests are sent ahead.")
        super().on_headers_complete()
        self._phase = _BODY
        self._waited_s = self._window_s = 0.0
        self._body_parsed = self._body_received = self._window_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._body_parsed += len(body)
        self._window_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._phase = _NOTHING
        super().on_message_complete()

    def _refused(self, detail: str) -> Problem:
        self._refusal = InvalidRequest(detail)
        return self._refusal

    @property
    def _too_many_header_bytes(self) -> str:
        return f"The headers have more than the {self._most_header_bytes} bytes that are taken."

    def _expect_head(self) -> None:
        self._phase = _HEAD
        self._waited_s = 0.0
        self._codings = []
        self._head_parsed = self._head_received = self._hosts = 0

    # What the open connections call.

    @property
    def _has_request_in_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_waiting(self) -> bool:
        return not self._has_request_in_work

    @property
    def is_in_head(self) -> bool:
        return self._phase is _HEAD

    def _refuse_connection(self) -> None:
        self._log("its address, or all addresses, have as many connections with requests in work as they may")
        self._close_with(Unavailable("There is no room for another connection. Try again in a moment."))
        if not self.open_connections.may_read_why(self):
            self.transport.close()

    def close_for_another(self) -> None:
        self._log(f"its address has more than {self.limits.per_address} connections, or all have {self.limits.total}")
        self._drops_input = True
        self.transport.abort()

    def elapse(self, seconds: float) -> None:
        if self.transport.is_closing() or self._was_revoked(seconds):
            self._abort_broken_answer()
            return
        if self._drops_input:
            return
        if self._phase is _BODY:
            self._elapse_in_body(seconds)
        elif self._phase is _HEAD and not self._has_request_in_work:
            self._waited_s += seconds
            if self._waited_s >= self.limits.header_s:
                self._refuse(Deadline(f"The headers did not come within {self.limits.header_s:g} s."))

    def _was_revoked(self, seconds: float) -> bool:
        """Whether the key of a stream that goes on was revoked a moment ago: its last piece may say so."""
        if not self._has_request_in_work or not is_revoked(self.cycle.scope):
            self._revoked_s = 0.0
            return False
        self._revoked_s += seconds
        return self._revoked_s >= _LAST_PIECE_S

    def _abort_broken_answer(self) -> None:
        """Ends a connection that was closed in the middle of an answer, or whose key was revoked: a client that reads
        slowly would otherwise go on reading for minutes what the process and the kernel hold for it."""
        if self._has_request_in_work and self.cycle.response_started:
            client = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):  # it is closed already
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def _elapse_in_body(self, seconds: float) -> None:
        """Counts the time in which the client could have sent."""
        if not self._has_request_in_work:  # it was answered before its end
            self._waited_s += seconds
            if self._waited_s >= self.limits.header_s:
                self.transport.close()
            return
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            return
        self._waited_s += seconds
        self._window_s += seconds
        limits = self.limits
        if self._waited_s >= limits.body_s:
            self._refuse(Deadline(f"The body did not end within {limits.body_s:g} s."))
        elif self._window_s >= limits.body_window_s:
            if self._window_bytes < limits.body_rate * self._window_s:
                slow = f"The body came at less than {limits.body_rate} bytes a second over {limits.body_window_s:g} s."
                self._refuse(Deadline(slow))
            self._window_s, self._window_bytes = 0.0, 0

    # How a connection ends.

    def _refuse(self, problem: Problem) -> None:
        """Answers with the problem where the client can tell to which request it belongs, and closes."""
        self._log(problem.detail)
        if self._phase is not _BODY:
            if self._has_request_in_work:
                self._close_after_answers()
            else:
                self._close_with(problem)
            return
        if not self._has_request_in_work:
            self.transport.close()
            return
        started = self.pipeline or self.cycle.response_started
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if started:
            self._drops_input = True
            self.transport.abort()
        else:
            self._close_with(problem)

    def _close_after_answers(self) -> None:
        self._drops_input = True
        self.cycle.keep_alive = False

    def _close_with(self, problem: Problem) -> None:
        self._drops_input = True
        self.transport.write(_response(problem))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def _log(self, reason: str) -> None:
        address = self.client[0] if self.client else "unknown"
        log().info("closed a connection", extra={"address": address, "reason": reason})


def _response(problem: Problem) -> bytes:
    request_id = new_request_id()
    answer = render_problem(problem, "/", request_id)
    headers = {
        **answer.headers,
        "Content-Type": answer.media_type,
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        "X-Request-ID": request_id,
        "Aegis-Version": API_VERSION,
        "X-RateLimit-Limit": "unlimited",
    }
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
    status = f"HTTP/1.1 {answer.status} {http.HTTPStatus(answer.status).phrase}\r\n"
    return status.encode() + lines.encode() + b"\r\n" + answer.body
