"""Connections to a server without TLS, kept between calls: under httpx in place of its own, which takes most of the
time of a short call. Errors are httpx's own.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import httptools
import httpx

_MOST_AHEAD = 256 * 1024
"""Bytes of an answer that wait to be read before the server is made to wait."""

MOST_HEADERS = 256
MOST_HEADER_BYTES = 64 * 1024
"""Of an answer's head, of its trailers, and of whatever else comes between two pieces of its body."""


class PooledConnections(httpx.AsyncBaseTransport):
    """As many at a time as there are calls, `most_idle` of them between calls, for `idle_s`."""

    def __init__(self, *, most_idle: int, idle_s: float) -> None:
        self._most_idle = most_idle
        self._idle_s = idle_s
        self._idle: deque[_Connection] = deque()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        connection = self._idle_connection() or await _connected(request)
        try:
            status, headers = await connection.ask(_head(request) + await request.aread())
        except BaseException:
            connection.close()
            raise
        return httpx.Response(status, headers=headers, stream=_Body(connection, self), request=request)

    async def aclose(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def take_back(self, connection: "_Connection") -> None:
        """Keeps a connection whose answer was read to its end, and closes any other: so the server stops working."""
        if not connection.may_be_reused:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        if len(self._idle) > self._most_idle:
            self._idle.popleft().close()

    def _idle_connection(self) -> "_Connection | None":
        """The one used last."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and time.monotonic() - connection.idle_since < self._idle_s:
                return connection
            connection.close()
        return None


async def _connected(request: httpx.Request) -> "_Connection":
    url = request.url
    most_s = request.extensions.get("timeout", {}).get("connect")
    try:
        async with asyncio.timeout(most_s):
            made = asyncio.get_running_loop().create_connection(_Connection, url.host, url.port or 80)
            return (await made)[1]
    except TimeoutError as error:
        raise httpx.ConnectTimeout(f"no connection in {most_s} s", request=request) from error
    except OSError as error:
        raise httpx.ConnectError(str(error), request=request) from error


def _head(request: httpx.Request) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    return b"\r\n".join(lines) + b"\r\n\r\n"


class _Connection(asyncio.Protocol):
    """One call after another. httptools calls the `on_…` methods."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.is_open = False
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._started: asyncio.Future[None] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._pieces: deque[bytes] = deque()
        self._arrived: list[bytes] = []
        self._ahead = 0
        self._between_pieces = 0
        self._pauses = False
        self._ends_with_connection = False
        self._is_whole = True
        self._is_reusable = False
        self._error: httpx.HTTPError | None = None

    @property
    def may_be_reused(self) -> bool:
        whole = self._is_whole and not self._pieces
        return self.is_open and whole and self._is_reusable and self._error is None

    async def ask(self, request: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers of the answer."""
        assert self._transport
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._is_whole, self._is_reusable, self._ends_with_connection = [], False, False, False
        self._between_pieces = 0
        self._started = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._started
        return self._parser.get_status_code(), self._headers

    async def piece(self) -> bytes | None:
        """The next of the answer's body; None at its end. Raises `httpx.HTTPError`."""
        while not self._pieces:
            if self._error:
                raise self._error
            if self._is_whole:
                return None
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        found = self._pieces.popleft()
        self._ahead -= len(found)
        if self._pauses and self._ahead < _MOST_AHEAD and self._transport and self.is_open:
            self._pauses = False
            self._transport.resume_reading()
        return found

    def close(self) -> None:
        self.is_open = False
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._is_whole:
            self._fail(httpx.RemoteProtocolError("the server spoke without being asked"))
            self.close()
            return
        self._between_pieces += len(data)
        try:
            self._parser.feed_data(data)
            if self._between_pieces > MOST_HEADER_BYTES:
                raise httptools.HttpParserError(f"headers of more than {MOST_HEADER_BYTES} bytes")
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx.RemoteProtocolError(f"the answer is no HTTP: {error}"))
            self.close()
        self._append_piece()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._ends_with_connection and error is None and not self._is_whole:
            self._is_whole = True
        elif not self._is_whole:
            self._fail(httpx.ReadError(str(error)) if error else httpx.RemoteProtocolError("the server hung up"))
        self._wake()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._headers) >= MOST_HEADERS:
            raise ValueError(f"more than {MOST_HEADERS} headers")
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        assert self._parser and self._started
        if self._parser.get_status_code() < 200:
            return
        self._is_reusable = self._parser.should_keep_alive()
        names = {name.lower() for name, _ in self._headers}
        self._ends_with_connection = not names & {b"content-length", b"transfer-encoding"}
        if not self._started.done():
            self._started.set_result(None)

    def on_body(self, body: bytes) -> None:
        self._arrived.append(body)
        self._between_pieces = 0

    def on_message_complete(self) -> None:
        assert self._parser
        if self._parser.get_status_code() < 200:  # an interim answer; the real one follows
            self._headers = []
            return
        self._is_whole = True

    def _append_piece(self) -> None:
        """What arrived together is one piece, however small its chunks are: a piece costs its reader far more time
        than the parser needs for a chunk."""
        if not self._arrived:
            return
        piece = b"".join(self._arrived)
        self._arrived = []
        self._pieces.append(piece)
        self._ahead += len(piece)
        if self._ahead >= _MOST_AHEAD and not self._pauses and self._transport:
            self._pauses = True
            self._transport.pause_reading()

    def _fail(self, error: httpx.HTTPError) -> None:
        self._error = self._error or error
        if self._started and not self._started.done():
            self._started.set_exception(self._error)

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)


class _Body(httpx.AsyncByteStream):
    def __init__(self, connection: _Connection, home: PooledConnections) -> None:
        self._connection: _Connection | None = connection
        self._home = home

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._connection.piece() if self._connection else None
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        if self._connection:
            self._home.take_back(self._connection)
            self._connection = None
