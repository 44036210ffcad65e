"""A TCP proxy in front of a server whose connections can be slow, closed or silent."""

import asyncio
import contextlib
from types import TracebackType


class Proxy:
    """Listens on `port` of this machine and forwards to another port of it.

    `delay_s` delays every chunk from the server. `cut` closes all connections and refuses new ones; `drop_data` keeps
    them open and forwards nothing.
    """

    def __init__(self, target_port: int) -> None:
        self.delay_s = 0.0
        self.port = 0
        self._target_port = target_port
        self._forwarded = 0
        self._drops_data = False
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        await self.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def cut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await self._close_connections()

    async def wait_for_bytes(self, count: int) -> None:
        """Returns when so many bytes were forwarded, both directions together."""
        while self._forwarded < count:
            await asyncio.sleep(0.001)

    async def drop_data(self) -> None:
        self._drops_data = True

    async def restore(self) -> None:
        """Forwards everything again, on new connections."""
        self._drops_data, self.delay_s = False, 0.0
        await self._close_connections()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve_connection, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close_connections(self) -> None:
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection
        self._connections.add(connection)
        try:
            with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
                await self._forward(reader, writer)
        finally:
            self._connections.discard(connection)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        with contextlib.closing(server_writer):
            directions = [
                asyncio.create_task(self._copy(reader, server_writer, answers=False)),
                asyncio.create_task(self._copy(server_reader, writer, answers=True)),
            ]
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for direction in directions:
                    direction.cancel()
                await asyncio.gather(*directions, return_exceptions=True)

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers: bool) -> None:
        while chunk := await source.read(65536):
            if self._drops_data:
                continue
            if answers and self.delay_s:
                await asyncio.sleep(self.delay_s)
            target.write(chunk)
            self._forwarded += len(chunk)
            await target.drain()
