"""One HTTP client a server: its time-outs, its pieces, its errors as ours."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from shared.upstreams.connections import PooledConnections
from shared.upstreams.faults import refusal
from shared.upstreams.port import UpstreamError

_LONGEST_LINE = 4 * 1024 * 1024
_LONGEST_BODY = 256 * 1024 * 1024
_LONGEST_REFUSAL = 64 * 1024
_IDLE_S = 15.0
_DRAIN_S = 0.5
_JSON = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Timeouts(Struct, frozen=True):
    """How long we wait, in seconds. A server says nothing at all until it has a slot and has read the prompt, so that
    `first_byte_s` is how long a call may queue at its side."""

    connect_s: float = 2.0
    first_byte_s: float = 120.0
    between_s: float = 60.0


class Caller:
    """Keeps its connections. `secret` never shows in an error, whatever the server says."""

    def __init__(self, base_url: str, patience: Timeouts, *, connections: int, secret: str = "") -> None:
        if not (secret.isascii() and secret.isprintable() and " " not in secret):
            raise ValueError("the API key has characters that no key has: set it again")
        self._patience = patience
        self._secret = secret
        self._urls: dict[str, httpx.URL] = {}
        bare = httpx.URL(base_url).scheme == "http"
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            trust_env=False,
            transport=PooledConnections(keeps=connections, idle_s=_IDLE_S) if bare else None,
            verify=not bare,  # without TLS there are no certificates to load
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=patience.connect_s),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections, keepalive_expiry=_IDLE_S),
            headers={"User-Agent": "aegisrag"} | ({"Authorization": f"Bearer {secret}"} if secret else {}),
        )

    async def lines(self, path: str, body: Any, timeout_s: float) -> AsyncGenerator[bytes]:
        """The answer line by line as it comes. Raises `UpstreamError`; ending the iteration ends the call."""
        async with aclosing(self._pieces("POST", path, encoded(body), timeout_s)) as pieces:
            rest = b""
            async for piece in pieces:
                *whole, rest = (rest + piece).split(b"\n") if b"\n" in piece else (rest + piece,)
                if len(rest) > _LONGEST_LINE:
                    raise UpstreamError("broken", "a line without an end", may_have_run=True)
                for line in whole:
                    if line.strip():
                        yield line
            if rest.strip():
                yield rest

    async def whole(self, method: str, path: str, body: Any = None, timeout_s: float = 10.0) -> bytes:
        """The answer's body. Raises `UpstreamError`."""
        content = b"" if body is None else encoded(body)
        async with aclosing(self._pieces(method, path, content, timeout_s)) as pieces:
            parts, size = [], 0
            async for piece in pieces:
                parts.append(piece)
                size += len(piece)
                if size > _LONGEST_BODY:
                    raise UpstreamError("broken", "an answer without an end", may_have_run=True)
            return b"".join(parts)

    async def close(self) -> None:
        await self._client.aclose()

    async def _pieces(self, method: str, path: str, content: bytes, timeout_s: float) -> AsyncGenerator[bytes]:
        until = time.monotonic() + timeout_s
        request = self._client.build_request(method, self._url(path), content=content or None, headers=_JSON)
        response = await self._begun(request, min(self._patience.first_byte_s, timeout_s))
        try:
            if response.status_code != 200:
                raise await self._refused(response)
            chunks = response.aiter_bytes()
            while (piece := await self._next(chunks, until)) is not None:
                yield piece
        finally:
            await response.aclose()

    def _url(self, path: str) -> httpx.URL:
        """Parsed once: httpx takes as long for that as for the rest of a request."""
        if path not in self._urls:
            self._urls[path] = self._client.base_url.join(f"{self._client.base_url.path.rstrip('/')}{path}")
        return self._urls[path]

    async def _begun(self, request: httpx.Request, most_s: float) -> httpx.Response:
        try:
            async with asyncio.timeout(most_s):
                return await self._client.send(request, stream=True)
        except TimeoutError as error:
            raise UpstreamError("timeout", f"no answer began in {most_s:.0f} s", may_have_run=True) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise UpstreamError("refused", f"no connection: {self._hidden(str(error))}", may_have_run=False) from error
        except httpx.HTTPError as error:
            raise UpstreamError("broken", f"no answer: {type(error).__name__}", may_have_run=True) from error

    async def _next(self, chunks: AsyncIterator[bytes], until: float) -> bytes | None:
        """None at the end."""
        most_s = min(self._patience.between_s, max(until - time.monotonic(), 0))
        try:
            async with asyncio.timeout(most_s):
                return await anext(chunks)
        except StopAsyncIteration:
            return None
        except TimeoutError as error:
            raise UpstreamError("timeout", "the answer stopped half-way", may_have_run=True) from error
        except httpx.HTTPError as error:
            raise UpstreamError("broken", f"the answer broke off: {type(error).__name__}", may_have_run=True) from error

    async def _refused(self, response: httpx.Response) -> UpstreamError:
        body = b""
        chunks = response.aiter_bytes()
        until = time.monotonic() + self._patience.connect_s
        try:
            while len(body) < _LONGEST_REFUSAL and (piece := await self._next(chunks, until)) is not None:
                body += piece
        except UpstreamError:
            pass  # the status says enough
        return refusal(response.status_code, self._hidden(body.decode("utf-8", "replace")).encode(), response.headers)

    def _hidden(self, text: str) -> str:
        return text.replace(self._secret, "…") if self._secret else text


async def drained(lines: AsyncIterator[bytes]) -> None:
    """Reads what follows the end of an answer, nothing as a rule, so that its connection can be used again."""
    with suppress(UpstreamError, TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in lines:
                pass


def encoded(body: Any) -> bytes:
    """JSON; half a surrogate pair, which a broken document can hold, goes as an escape."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def decoded(content: bytes, kind: type[Any]) -> Any:
    """Raises `UpstreamError` where a server that answered 200 did not answer what it should."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamError("broken", "the answer is not what it should be", may_have_run=True) from error
