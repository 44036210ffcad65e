"""The same request again and again over kept connections, at as little cost as Python allows."""

import asyncio
import time
from functools import partial
from typing import cast

from msgspec import Struct


class Loaded(Struct, frozen=True):
    """`latencies` of the answers with 200, in seconds, sorted; `seconds` is how long it went on."""

    seconds: float
    latencies: list[float]
    failures: int

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * percent / 100))]


class _Caller(asyncio.Protocol):
    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._read = b""
        self._started = 0.0
        self._transport: asyncio.Transport | None = None
        self.latencies: list[float] = []
        self.failures = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not _is_whole(self._read):
            return
        if self._read.startswith(b"HTTP/1.1 200"):
            self.latencies.append(time.perf_counter() - self._started)
        else:
            self.failures += 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self.failures += 0 if self.ended.done() else 1
        self._end()

    def _ask(self) -> None:
        assert self._transport
        self._read = b""
        self._started = time.perf_counter()
        if self._started >= self._until:
            self._end()
            self._transport.close()
            return
        self._transport.write(self._request)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def _is_whole(read: bytes) -> bool:
    end = read.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = read[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return read.endswith(b"0\r\n\r\n")
    return len(read) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])


async def load(port: int, path: str, key: str, body: bytes, connections: int, seconds: float) -> Loaded:
    """`connections` callers at a time on this machine, each asking again as soon as it is answered."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    callers = []
    for _ in range(connections):
        make = partial(_Caller, head.encode() + body, started + seconds)
        callers.append((await loop.create_connection(make, "127.0.0.1", port))[1])
    await asyncio.gather(*(caller.ended for caller in callers))
    latencies = sorted(latency for caller in callers for latency in caller.latencies)
    return Loaded(time.perf_counter() - started, latencies, sum(caller.failures for caller in callers))
