"""A client that reads nothing of its answer is disconnected; one that reads slowly is not."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.runtime.http.abandoned import while_valid
from shared.runtime.http.connection_limits import ConnectionLimits
from shared.runtime.http.exchange import Asgi, Exchange, Exchanges, exchange_of
from shared.runtime.http.listening import http_server, listen, started

READER_S = 0.5
WITHIN_S = 20
PIECE = b"a" * 65_536


class Endless:
    """An application that answers without an end, and notes when its connection is gone."""

    def __init__(self) -> None:
        self.sent = 0
        self.gone = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        sending = asyncio.create_task(self._send(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()
        sending.cancel()

    async def _send(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            self.sent += len(PIECE)
            await asyncio.sleep(0)


@asynccontextmanager
async def connected(app: Asgi) -> AsyncIterator[socket.socket]:
    """A client that has sent its request and reads nothing by itself."""
    with listen("127.0.0.1", 0) as listener, socket.socket() as client:
        server = http_server(app, ConnectionLimits(reader_s=READER_S))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await started(server, serving)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, listener.getsockname())
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        yield client
        server.should_exit = server.force_exit = True
        await serving


async def test_a_client_that_reads_nothing_is_disconnected() -> None:
    app = Endless()
    async with connected(app) as client:
        async with asyncio.timeout(WITHIN_S):
            await app.gone.wait()
        sent = app.sent
        await asyncio.sleep(0.05)
        assert app.sent == sent
        read = b"-"
        while piece := await asyncio.get_running_loop().sock_recv(client, 1 << 20):
            read = piece
        assert not read.endswith(b"0\r\n\r\n")  # whoever reads again sees that it is not the whole answer


async def test_a_client_that_reads_slowly_keeps_its_answer() -> None:
    app = Endless()
    async with connected(app) as client:
        loop = asyncio.get_running_loop()
        until = loop.time() + 6 * READER_S
        while loop.time() < until:
            assert await loop.sock_recv(client, 65_536)
            await asyncio.sleep(0.02)
        assert not app.gone.is_set()
        client.close()
        async with asyncio.timeout(WITHIN_S):
            await app.gone.wait()


async def test_a_download_that_is_read_slowly_ends_soon_after_its_key_is_revoked() -> None:
    revoked: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield PIECE

    async def download(scope: Any, receive: Any, send: Any) -> None:
        exchange = exchange_of(scope)
        exchange.watching = lambda: contextlib.nullcontext(revoked)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for piece in while_valid(pieces(), exchange):
            await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def unlimited(exchange: Exchange) -> None:
        return

    async with connected(Exchanges(download, (), unlimited)) as client:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, revoked.set_result, None)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                while await loop.sock_recv(client, 4096):
                    await asyncio.sleep(0.05)
