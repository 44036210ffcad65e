"""Stores a stream for the repetition of its call while it is sent.

The stream runs to its end whether its reader stays or not: a client that lost its connection gets the whole answer
under the same `Idempotency-Key`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from shared.idempotency.calls import LARGEST_ANSWER, IdempotentCall, StoredAnswer
from shared.redis.leases import renew_repeatedly
from shared.runtime.http.exchange import Exchange
from shared.runtime.http.responses import EVENT_STREAM
from shared.types.errors import StoreUnavailable

_RUNNING: set["asyncio.Task[None]"] = set()
"""An event loop holds its tasks by weak references alone."""


async def recorded(pieces: AsyncIterator[bytes], call: IdempotentCall, exchange: Exchange) -> AsyncIterator[bytes]:
    """The pieces of the stream, which is stored at its end."""
    recording = _Recording(pieces, call, exchange)
    task = asyncio.create_task(recording.run(), name="recorded stream")
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    try:
        async for piece in recording.read():
            yield piece
    finally:
        recording.leave()


class _Recording:
    """The pieces so far. Beyond the largest stored answer they are only passed on, no faster than they are read."""

    def __init__(self, pieces: AsyncIterator[bytes], call: IdempotentCall, exchange: Exchange) -> None:
        self._source = pieces
        self._call = call
        self._exchange = exchange
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False
        self._has_reader = True
        self._change = asyncio.Event()
        self._was_read = asyncio.Event()

    async def run(self) -> None:
        keeping = asyncio.create_task(
            renew_repeatedly(self._call.timeout_s, self._call.renew), name="lease of a recorded stream"
        )
        try:
            async for piece in self._source:
                self._pieces.append(piece)
                self._size += len(piece)
                self._change.set()
                while self._size > LARGEST_ANSWER and self._has_reader and self._pieces:
                    self._was_read.clear()
                    await self._was_read.wait()
                if self._size > LARGEST_ANSWER and not self._has_reader:
                    self._pieces.clear()
            keeping.cancel()
            await self._store()
        finally:
            keeping.cancel()
            self._ended = True
            self._change.set()

    async def read(self) -> AsyncIterator[bytes]:
        position = 0
        while True:
            self._change.clear()
            while position < len(self._pieces):
                position += 1
                yield self._pieces[position - 1]
            if self._size > LARGEST_ANSWER:
                self._pieces.clear()
                position = 0
            self._was_read.set()
            if self._ended and position == len(self._pieces):
                return
            await self._change.wait()

    def leave(self) -> None:
        self._has_reader = False
        self._was_read.set()

    async def _store(self) -> None:
        """A stream that broke off and cost nothing may be tried again."""
        with contextlib.suppress(StoreUnavailable):  # the answer was sent; only its repetition is not stored
            if self._exchange.is_broken and not self._exchange.charges.microusd:
                await self._call.release()
                return
            body = b"".join(piece for piece in self._pieces if not piece.startswith(b":"))
            is_stored = self._size <= LARGEST_ANSWER
            answer = StoredAnswer(200, EVENT_STREAM, body)
            await self._call.finish(answer, self._exchange.sources, is_stored=is_stored)
