"""HTTP as the fake speaks it: every byte in its hands, so that it can also end an answer where none should end."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from tests.ollama.trouble import Failing

_BUFFERED = 2048
"""Bytes up to which a recorded server tells a body's length; longer ones go in chunks."""


class Request(NamedTuple):
    """`headers` in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class HungUp(Exception):
    """The caller has left."""


class Exchange:
    """One request and the answer to it."""

    def __init__(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self.met: Failing | None = None
        self.started = False
        self.closing = request.headers.get("connection", "").lower() == "close"
        self._writer = writer
        self._gone = asyncio.Event()
        self._watch = asyncio.create_task(self._watched(reader))

    async def _watched(self, reader: asyncio.StreamReader) -> None:
        """The caller asks one thing at a time, so that the next byte is either the end or nothing."""
        try:
            if not await reader.read(1):
                self._gone.set()
        except ConnectionError:
            self._gone.set()

    async def stop_watching(self) -> None:
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    @property
    def left(self) -> bool:
        return self._gone.is_set()

    async def until_left(self) -> None:
        await self._gone.wait()

    async def pause(self, seconds: float) -> None:
        """Raises `HungUp` as soon as the caller leaves."""
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except TimeoutError:
            return
        raise HungUp

    async def whole(
        self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        if len(body) > _BUFFERED:
            await self.begin(status, content_type, headers)
            await self.piece(body)
            await self.end()
            return
        length = {"Content-Length": str(len(body))} if status not in (204, 304) else {}
        self._head(status, content_type, {**(headers or {}), **length})
        self._writer.write(b"" if self.request.method == "HEAD" else body)
        await self._drained()

    async def begin(self, status: int, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, content_type, {**(headers or {}), "Transfer-Encoding": "chunked"})
        await self._drained()

    async def piece(self, content: bytes) -> None:
        if self.left:
            raise HungUp
        self._writer.write(b"%x\r\n%b\r\n" % (len(content), content))
        await self._drained()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._drained()

    def cut(self) -> None:
        """Closes in the middle of a chunked body."""
        self.closing = True
        self._writer.close()

    def reset(self) -> None:
        """Closes as a server that was killed."""
        self.closing = True
        raw: socket.socket = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self.started = True
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name == "Allow"]
        lines += [f"Content-Type: {content_type}"] if content_type else []
        lines += [f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name != "Allow"]
        lines += ["Connection: close"] if self.closing else []
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def _drained(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise HungUp from error


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """None where the caller has no more to say."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.split("\r\n")
        method, target, _ = line.split(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in rest) if name
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        return None
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, body)
