"""Connections whose client does not read: one that takes nothing of its answer for a while is closed, so that what
works for the answer ends."""

import asyncio
import contextlib
import fcntl
import struct
import termios

from shared.runtime.http.protocol import HttpProtocol
from shared.telemetry.logs import log

_LOOKS = 4
"""In a row without a byte taken: a process that stood still itself has looked once."""


class ReaderProtocol(HttpProtocol):
    """Closes a connection of which the client takes no byte for so long, while there are bytes for it."""

    _look: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_again(_LOOKS)

    def resume_writing(self) -> None:
        self._stop_looking()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_looking()
        super().connection_lost(exc)

    def _look_again(self, looks: int) -> None:
        self._stop_looking()
        unread = unread_bytes(self.transport)
        self._look = self.loop.call_later(self.limits.reader_s / _LOOKS, self._close_unread, unread, looks)

    def _stop_looking(self) -> None:
        if self._look:
            self._look.cancel()
            self._look = None

    def _close_unread(self, unread_before: int, looks: int) -> None:
        if unread_bytes(self.transport) < unread_before:
            self._look_again(_LOOKS)
            return
        if looks > 1:
            self._look_again(looks - 1)
            return
        address, seconds = self.client[0] if self.client else "unknown", self.limits.reader_s
        log().warning(f"a client read nothing for {seconds:g} s and was disconnected", extra={"address": address})
        self.transport.abort()  # closing would wait until everything was read


def unread_bytes(transport: asyncio.Transport) -> int:
    """What the client has not taken, the kernel's part included: its buffer holds megabytes, so that for a slow client
    minutes can go by until it takes more of ours."""
    kernels = 0
    with contextlib.suppress(OSError, ValueError):  # not every platform says it, and a closed socket does not
        answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        (kernels,) = struct.unpack("i", answer)
    return transport.get_write_buffer_size() + kernels
