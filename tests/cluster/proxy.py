"""A TCP proxy that stands between us and a server and lets the line be slow, cut or dead."""

import asyncio
import contextlib
from types import TracebackType


class Proxy:
    """Listens on `port` of this machine and forwards to another port of it.

    `delay_s` holds up every piece that comes from the server. `cut` ends all connections and refuses new ones;
    `swallow` keeps them, takes what is sent, and lets nothing through.
    """

    def __init__(self, target_port: int) -> None:
        self.delay_s = 0.0
        self.port = 0
        self._target_port = target_port
        self._carried = 0
        self._swallows = False
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def cut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await self._hang_up()

    async def carried(self, count: int) -> None:
        """Returns when that many bytes have gone through, both ways together."""
        while self._carried < count:
            await asyncio.sleep(0.001)

    async def swallow(self) -> None:
        self._swallows = True

    async def mend(self) -> None:
        """Everything goes through again, on new connections."""
        self._swallows, self.delay_s = False, 0.0
        await self._hang_up()
        if self._server is None:
            self._server = await asyncio.start_server(self._line, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        lines = list(self._lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line
        self._lines.add(line)
        try:
            with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
                await self._forward(reader, writer)
        finally:
            self._lines.discard(line)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        with contextlib.closing(far_writer):
            ways = [
                asyncio.create_task(self._pass_on(reader, far_writer, answers=False)),
                asyncio.create_task(self._pass_on(far_reader, writer, answers=True)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers: bool) -> None:
        while piece := await source.read(65536):
            if self._swallows:
                continue
            if answers and self.delay_s:
                await asyncio.sleep(self.delay_s)
            target.write(piece)
            self._carried += len(piece)
            await target.drain()
