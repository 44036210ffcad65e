"""Writes the records of a process to the ledger: many in one blob, acknowledged once they are durable."""

import asyncio
import secrets
from collections import deque

from msgspec import Struct

from shared.blobs.port import Blobs
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.usage.codec import encode, join_lines
from shared.usage.records import Record

UNSEALED = "book/unsealed/"
FLUSH_DELAY_S = 1.0
_MAX_BATCH_RECORDS = 1000
_MAX_BATCH_BYTES = 900_000
_MAX_UNAWAITED = 10_000
"""Records that no caller waits for, held while the store is unavailable; beyond, the oldest are dropped and logged."""


class _Entry(Struct, eq=False):
    """A record to be written; `waiter` receives the outcome."""

    line: bytes
    waiter: asyncio.Future[None] | None = None


class Journal:
    """The writer of a process. Records that arrive during a write share the next blob."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._nonce = secrets.token_hex(4)
        self._number = 0
        self._queue: deque[_Entry] = deque()
        self._flusher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def append(self, record: Record) -> None:
        """Durable when it returns. Raises what the blob store raises: then the record may be written or not.

        The record of a cancelled caller is written all the same.
        """
        waiter = asyncio.get_running_loop().create_future()
        self._put(_Entry(encode(record), waiter))
        self._flush_now()
        await waiter

    def append_soon(self, record: Record) -> None:
        """Durable within about a second, or with the next awaited record."""
        self._put(_Entry(encode(record)))
        self._schedule_flush()

    async def drain(self) -> None:
        """Waits until everything appended is durable. Raises `StoreUnavailable`, `DiskFull`."""
        if self._queue or self._flusher:
            last = asyncio.get_running_loop().create_future()
            self._queue.append(_Entry(b"", last))
            self._flush_now()
            await last

    async def close(self) -> None:
        """Refuses further records and writes the pending ones, or logs how many were lost."""
        self._closed = True
        try:
            await self.drain()
        except Exception:  # noqa: BLE001 - the process ends either way; the waiters have the error
            log().exception(f"{len(self._queue)} records could not be written to the usage ledger")
        if self._timer:
            self._timer.cancel()

    def _put(self, entry: _Entry) -> None:
        if self._closed:
            raise StoreUnavailable("blobs", "the journal is closed")
        self._queue.append(entry)

    def _flush_now(self) -> None:
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush(), name="journal")
            self._flusher.add_done_callback(self._flushed)

    def _schedule_flush(self) -> None:
        def due() -> None:
            self._timer = None
            self._flush_now()

        if self._flusher is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_DELAY_S, due)

    def _flushed(self, _: "asyncio.Task[None]") -> None:
        self._flusher = None
        if self._queue:  # put back, or appended while the task ended
            if any(entry.waiter for entry in self._queue):
                self._flush_now()
            else:
                self._schedule_flush()

    async def _flush(self) -> None:
        while self._queue:
            batch = self._next_batch()
            try:
                await self._write([entry.line for entry in batch if entry.line])
            except Exception as error:  # noqa: BLE001 - passed on to those who wait for the record
                _resolve(batch, error)
                self._put_back([entry for entry in batch if entry.waiter is None])
                if not any(entry.waiter for entry in self._queue):
                    return
            except BaseException:
                _resolve(batch, StoreUnavailable("blobs", "the process ended before the record was written"))
                raise
            else:
                _resolve(batch, None)

    def _next_batch(self) -> list[_Entry]:
        """As many records as fit into one blob, at least one."""
        batch, size = [self._queue.popleft()], 0
        size += len(batch[0].line)
        while self._queue and len(batch) < _MAX_BATCH_RECORDS and size + len(self._queue[0].line) < _MAX_BATCH_BYTES:
            batch.append(self._queue.popleft())
            size += len(batch[-1].line)
        return batch

    async def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        self._number += 1
        name = f"{UNSEALED}{now():%Y%m%dT%H%M%S.%fZ}-{self._nonce}-{self._number}"
        await self._blobs.write(name, join_lines(lines))

    def _put_back(self, entries: list[_Entry]) -> None:
        self._queue.extendleft(reversed(entries))
        excess = sum(entry.waiter is None for entry in self._queue) - _MAX_UNAWAITED
        if excess > 0:
            log().error(f"{excess} records of free work were dropped: the blob store is unavailable")
            remaining = deque[_Entry]()
            for entry in self._queue:
                if entry.waiter is None and excess:
                    excess -= 1
                else:
                    remaining.append(entry)
            self._queue = remaining


def _resolve(batch: list[_Entry], error: Exception | None) -> None:
    for entry in batch:
        if entry.waiter is None or entry.waiter.done():
            continue
        if error is None:
            entry.waiter.set_result(None)
        else:
            entry.waiter.set_exception(error)
