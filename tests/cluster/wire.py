"""A wire between the functions and one store, that can be cut and stretched."""

import asyncio
import contextlib


class Wire:
    """Forwards a TCP port to `port`; `down` refuses, `delay_s` holds back all that the store says."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self.port = 0
        self.delay_s = 0.0

    async def up(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Breaks every connection, and refuses new ones."""
        if self._server:
            self._server.close()
            self._server = None
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.create_task(self._join(reader, writer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.ExitStack() as ends, contextlib.suppress(OSError):
            ends.callback(writer.close)
            from_store, to_store = await asyncio.open_connection("127.0.0.1", self._target)
            ends.callback(to_store.close)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, to_store, delayed=False))
                both.create_task(self._carry(from_store, writer, delayed=True))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, delayed: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if delayed and self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
