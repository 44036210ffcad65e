"""The journal: what a process writes into the book, many records in one blob, acknowledged once they are durable."""

import asyncio
import secrets
from collections import deque

from msgspec import Struct

from shared.blobs.port import Blobs
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.usage.lines import encode, joined
from shared.usage.records import Record

UNSEALED = "book/unsealed/"
SOON_S = 1.0
_MOST_RECORDS = 1000
_MOST_BYTES = 900_000
_MOST_UNWRITTEN = 10_000
"""Records for which nobody waits, kept while the store is away; beyond, the oldest are dropped and the log says so."""


class _Entry(Struct, eq=False):
    """A record on its way; `waiter` hears how it went."""

    line: bytes
    waiter: asyncio.Future[None] | None = None


class Journal:
    """One for each process. Records that come while a blob is being written go together into the next one."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._nonce = secrets.token_hex(4)
        self._number = 0
        self._queue: deque[_Entry] = deque()
        self._flusher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def append(self, record: Record) -> None:
        """Durable when it returns. Raises what the blobs raise: then the record may stand in the book or not.

        A cancelled caller's record is written all the same.
        """
        waiter = asyncio.get_running_loop().create_future()
        self._put(_Entry(encode(record), waiter))
        self._flush_now()
        await waiter

    def append_soon(self, record: Record) -> None:
        """Durable within about a second, or with the next record that is waited for."""
        self._put(_Entry(encode(record)))
        self._flush_later()

    async def drain(self) -> None:
        """Returns when all that was appended is durable. Raises `StoreUnavailable`, `DiskFull`."""
        if self._queue or self._flusher:
            last = asyncio.get_running_loop().create_future()
            self._queue.append(_Entry(b"", last))
            self._flush_now()
            await last

    async def close(self) -> None:
        """Takes nothing more; what came before is written, or the log tells how much was lost."""
        self._closed = True
        try:
            await self.drain()
        except Exception:  # noqa: BLE001 - the process ends either way; waiters have heard
            log().exception(f"{len(self._queue)} records could not be written to the book")
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

    def _flush_later(self) -> None:
        if self._flusher is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_S, self._flush_due)

    def _flush_due(self) -> None:
        self._timer = None
        self._flush_now()

    def _flushed(self, _: "asyncio.Task[None]") -> None:
        self._flusher = None
        if self._queue:  # it was put back, or came while the task ended
            if any(entry.waiter for entry in self._queue):
                self._flush_now()
            else:
                self._flush_later()

    async def _flush(self) -> None:
        while self._queue:
            batch = self._take()
            try:
                await self._write([entry.line for entry in batch if entry.line])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is for those who wait to hear
                _tell(batch, error)
                self._put_back([entry for entry in batch if entry.waiter is None])
                if not any(entry.waiter for entry in self._queue):
                    return
            except BaseException:
                _tell(batch, StoreUnavailable("blobs", "the process ended before the record was written"))
                raise
            else:
                _tell(batch, None)

    def _take(self) -> list[_Entry]:
        """As much as fits into one blob, and at least one record."""
        batch, size = [self._queue.popleft()], 0
        size += len(batch[0].line)
        while self._queue and len(batch) < _MOST_RECORDS and size + len(self._queue[0].line) < _MOST_BYTES:
            batch.append(self._queue.popleft())
            size += len(batch[-1].line)
        return batch

    async def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        self._number += 1
        name = f"{UNSEALED}{now():%Y%m%dT%H%M%S.%fZ}-{self._nonce}-{self._number}"
        await self._blobs.write(name, joined(lines))

    def _put_back(self, entries: list[_Entry]) -> None:
        self._queue.extendleft(reversed(entries))
        unwaited = sum(entry.waiter is None for entry in self._queue)
        if unwaited > _MOST_UNWRITTEN:
            log().error(f"{unwaited - _MOST_UNWRITTEN} records of free work were dropped: the blob store is away")
            kept, over = deque[_Entry](), unwaited - _MOST_UNWRITTEN
            for entry in self._queue:
                if entry.waiter is None and over:
                    over -= 1
                else:
                    kept.append(entry)
            self._queue = kept


def _tell(batch: list[_Entry], error: Exception | None) -> None:
    for entry in batch:
        if entry.waiter is None or entry.waiter.done():
            continue
        if error is None:
            entry.waiter.set_result(None)
        else:
            entry.waiter.set_exception(error)
