"""One HTTP client a server: its time-outs, its pieces, its errors as ours."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from msgspec import Struct

from shared.upstreams.connections import MOST_HEADERS, PooledConnections
from shared.upstreams.decoding import encoded
from shared.upstreams.faults import refusal
from shared.upstreams.port import UpstreamError

_LONGEST_LINE = 4 * 1024 * 1024
_LONGEST_SILENCE = 1024 * 1024
"""Bytes of lines that hold nothing of an answer: a server that sends them without an end would keep a core busy."""
_LONGEST_BODY = 8 * 1024 * 1024
LONGEST_VECTORS = 256 * 1024 * 1024
"""Bytes of an answer with vectors, written as text."""
_LONGEST_REFUSAL = 64 * 1024
_IDLE_S = 15.0
_DRAIN_S = 0.5
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "keep-alive",
    "User-Agent": "aegisrag",
}


class Timeouts(Struct, frozen=True):
    """How long we wait, in seconds. A server says nothing at all until it has a slot and has read the prompt, so that
    `first_byte_s` is how long a call may queue at its side."""

    connect_s: float = 2.0
    first_byte_s: float = 120.0
    between_s: float = 60.0


class AnswerBody:
    """A server's answer as it comes: each piece in time, the last one before `until`. Methods raise `UpstreamError`.

    Lines that hold nothing of an answer are no progress: not more than `_LONGEST_SILENCE` bytes of them are read, and
    not for longer than a server may be silent.
    """

    def __init__(self, response: httpx.Response, timeouts: Timeouts, until: float) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        if response.headers.get("content-encoding", "identity") != "identity":
            # It was not asked for, and a few bytes could become gigabytes.
            raise UpstreamError("broken", "the answer is compressed", may_have_run=True)
        self._pieces = aiter(response.stream)
        self._between_s = timeouts.between_s
        self._until = until
        self._silent_until = min(until, time.monotonic() + max(timeouts.first_byte_s, timeouts.between_s))
        self._silent_bytes = 0
        self._lines: deque[bytes] = deque()
        self._rest = bytearray()

    def progressed(self) -> None:
        """The last line held something of an answer."""
        self._silent_until = min(self._until, time.monotonic() + self._between_s)
        self._silent_bytes = 0

    async def piece(self) -> bytes | None:
        """None at the end."""
        left_s = self._until - time.monotonic()
        if left_s <= 0:  # a server that is always ahead of us never meets the time-out below
            raise UpstreamError("timeout", "the answer took too long", may_have_run=True)
        try:
            async with asyncio.timeout(min(self._between_s, left_s)):
                return await anext(self._pieces)
        except StopAsyncIteration:
            return None
        except TimeoutError as error:
            raise UpstreamError("timeout", "the answer stopped half-way", may_have_run=True) from error
        except httpx.HTTPError as error:
            raise UpstreamError("broken", f"the answer broke off: {type(error).__name__}", may_have_run=True) from error

    async def line(self) -> bytes | None:
        """The next line that is not blank; None at the end."""
        while not self._lines:
            self._check_progress()
            piece = await self.piece()
            if piece is None:
                rest, self._rest = bytes(self._rest), bytearray()
                return rest if rest.strip() else None
            ends_at = piece.rfind(b"\n") + 1
            self._rest += piece[:ends_at] if ends_at else piece
            if len(self._rest) > _LONGEST_LINE:
                raise UpstreamError("broken", "a line without an end", may_have_run=True)
            if ends_at:
                self._silent_bytes += len(self._rest)
                self._lines.extend(line for line in bytes(self._rest).split(b"\n") if line.strip())
                self._rest = bytearray(piece[ends_at:])
        return self._lines.popleft()

    def _check_progress(self) -> None:
        if self._silent_bytes > _LONGEST_SILENCE:
            raise UpstreamError("broken", "the answer has only empty lines", may_have_run=True)
        if time.monotonic() > self._silent_until:
            raise UpstreamError("timeout", "the answer stopped half-way: its lines are empty", may_have_run=True)

    async def drain(self) -> None:
        """Reads what follows the end of an answer, nothing as a rule, so that its connection can be used again."""
        with suppress(UpstreamError, TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while await self.piece() is not None:
                    pass


class Caller:
    """Keeps its connections. `secret` never shows in an error, whatever the server says."""

    def __init__(self, base_url: str, timeouts: Timeouts, *, connections: int, secret: str = "") -> None:
        if not (secret.isascii() and secret.isprintable() and " " not in secret):
            raise ValueError("the API key has characters that no key has: set it again")
        self._timeouts = timeouts
        self._secret = secret
        self._base_url = base_url.rstrip("/")
        self._urls: dict[str, httpx.URL] = {}
        self._headers = _HEADERS | ({"Authorization": f"Bearer {secret}"} if secret else {})
        self._extensions = {"timeout": httpx.Timeout(None, connect=timeouts.connect_s).as_dict()}
        self._transport = _transport(httpx.URL(base_url).scheme, connections)

    @asynccontextmanager
    async def call(self, method: str, path: str, body: Any, timeout_s: float) -> AsyncIterator[AnswerBody]:
        """Leaving the block ends the call. Raises `UpstreamError`."""
        until = time.monotonic() + timeout_s
        if path not in self._urls:  # parsed once: httpx takes as long for that as for the rest of a request
            self._urls[path] = httpx.URL(f"{self._base_url}{path}")
        content = None if body is None else encoded(body)
        request = httpx.Request(
            method, self._urls[path], content=content, headers=self._headers, extensions=self._extensions
        )
        response = await self._send(request, min(self._timeouts.first_byte_s, timeout_s))
        try:
            if response.status_code != 200:
                raise await self._refused(response)
            yield AnswerBody(response, self._timeouts, until)
        finally:
            await response.aclose()

    async def whole(
        self, method: str, path: str, body: Any = None, timeout_s: float = 10.0, longest: int = _LONGEST_BODY
    ) -> bytes:
        """The answer's body. Raises `UpstreamError`."""
        async with self.call(method, path, body, timeout_s) as answer:
            parts, size = [], 0
            while (piece := await answer.piece()) is not None:
                parts.append(piece)
                size += len(piece)
                if size > longest:
                    raise UpstreamError("broken", "an answer without an end", may_have_run=True)
            return b"".join(parts)

    async def close(self) -> None:
        await self._transport.aclose()

    async def _send(self, request: httpx.Request, most_s: float) -> httpx.Response:
        """By the transport itself: httpx' client adds redirects, cookies and a layer to every piece."""
        try:
            async with asyncio.timeout(most_s):
                response = await self._transport.handle_async_request(request)
        except TimeoutError as error:
            raise UpstreamError("timeout", f"no answer began in {most_s:.0f} s", may_have_run=True) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise UpstreamError("refused", f"no connection: {self._hidden(str(error))}", may_have_run=False) from error
        except httpx.HTTPError as error:
            raise UpstreamError("broken", f"no answer: {type(error).__name__}", may_have_run=True) from error
        if len(response.headers.raw) > MOST_HEADERS:
            await response.aclose()
            raise UpstreamError("broken", f"more than {MOST_HEADERS} headers", may_have_run=True)
        return response

    async def _refused(self, response: httpx.Response) -> UpstreamError:
        body = b""
        try:
            answer = AnswerBody(response, self._timeouts, time.monotonic() + self._timeouts.connect_s)
            while len(body) < _LONGEST_REFUSAL and (piece := await answer.piece()) is not None:
                body += piece
        except UpstreamError:
            pass  # the status says enough
        return refusal(response.status_code, self._hidden(body.decode("utf-8", "replace")).encode(), response.headers)

    def _hidden(self, text: str) -> str:
        return text.replace(self._secret, "…") if self._secret else text


def _transport(scheme: str, connections: int) -> httpx.AsyncBaseTransport:
    if scheme == "http":  # without TLS there are no certificates to load
        return PooledConnections(most_idle=connections, idle_s=_IDLE_S)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections, keepalive_expiry=_IDLE_S)
    return httpx.AsyncHTTPTransport(trust_env=False, limits=limits)
