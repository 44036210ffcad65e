"""The process that owns the shard: reads calls from a socket, answers searches before it goes on writing.

Started by `shared.vectors.edge` as `python -m shared.vectors.edge_child FD FOLDER PARENT`.
"""

import selectors
import signal
import socket
import sys
from collections import deque
from pathlib import Path

import msgspec

from shared.processes.frames import FrameBuffer, frame
from shared.processes.parent import die_with
from shared.vectors import messages
from shared.vectors.edge_shard import Shard
from shared.vectors.errors import WrongModel

_IDLE_SECONDS = 1.0
"""After a write and this much quiet the log is moved into the segments (about 0.1 s of work)."""

_UNFLUSHED_WRITES = 200
"""Writes after which that happens without quiet, so that a restart never has a long log to read."""


class Incoming:
    """Decodes requests from a stream of bytes, in their order."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = FrameBuffer()
        self._decoder = msgspec.msgpack.Decoder(messages.Request)
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)
        self.ended = False

    def wait(self, seconds: float | None) -> list[messages.Request] | None:
        """Returns the complete requests; None where nothing came within the time."""
        if not self._selector.select(seconds):
            return None
        received = self._connection.recv(1 << 20)
        self.ended = not received
        return [self._decoder.decode(message) for message in self._buffer.add(received)]


class Owner:
    """Serves one parent until it closes or goes."""

    def __init__(self, connection: socket.socket, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._incoming = Incoming(connection)
        self._reads: deque[messages.Request] = deque()
        self._writes: deque[messages.Request] = deque()
        self._shard: Shard | None = None
        self._unflushed = 0
        self._compacting: str | None = None
        self._compact_next: str | None = None
        self._compacted: str | None = None

    def serve(self) -> None:
        while not self._incoming.ended:
            is_busy = self._writes or self._compacting or self._compact_next
            requests = self._incoming.wait(0.0 if is_busy else _IDLE_SECONDS if self._unflushed else None)
            if requests is None and not is_busy:
                self._flush()
            for request in requests or []:
                (self._writes if isinstance(request.call, messages.Ordered) else self._reads).append(request)
            while self._reads:
                self._answer(self._reads.popleft())
            if self._writes:
                self._answer(self._writes.popleft())
            self._compact()
            if self._unflushed >= _UNFLUSHED_WRITES:
                self._flush()
        if self._shard is not None:
            self._shard.close()

    def _compact(self) -> None:
        """Does a step of the compaction that was asked for; it begins when all writes before it are done."""
        try:
            if self._compacting is None:
                if self._compact_next is None or self._writes:
                    return
                self._compacting, self._compact_next = self._compact_next, None
                self._open.begin_compaction()
            if self._open.compact_step():
                self._compacted, self._compacting = self._compacting, None
        except Exception:  # noqa: BLE001  the engine's errors are plain; the next request asks again
            self._compacting = None

    def _answer(self, request: messages.Request) -> None:
        self._connection.sendall(frame(messages.encode(self._reply(request))))

    def _reply(self, request: messages.Request) -> messages.EngineReply:
        try:
            return self._result(request.number, request.call)
        except WrongModel as error:
            return messages.EngineReply(request.number, wrong_model=str(error))
        except Exception as error:  # noqa: BLE001  the engine's errors are plain, and a bad call must not end the others
            return messages.EngineReply(request.number, failure=f"{type(error).__name__}: {error}")

    def _result(self, number: int, call: messages.EngineCall) -> messages.EngineReply:
        match call:
            case messages.Open():
                self._shard = Shard(self._folder, call.dimensions, call.model)
            case messages.Add():
                self._open.add(call)
                self._unflushed += 1
            case messages.Forget():
                self._open.forget(call)
                self._unflushed += 1
            case messages.Find():
                return messages.EngineReply(number, found=self._open.find(call))
            case messages.Read():
                return messages.EngineReply(number, found=self._open.read(call))
            case messages.Count():
                return messages.EngineReply(number, count=self._open.count(call.tenant_id, call.document_id))
            case messages.Close():
                self._incoming.ended = True
            case messages.Compact(token):
                if token not in (self._compacted, self._compacting):
                    self._compact_next = token
                return messages.EngineReply(number, count=int(token == self._compacted))
            case messages.Ping():
                pass
        return messages.EngineReply(number)

    @property
    def _open(self) -> Shard:
        if self._shard is None:
            raise RuntimeError("the shard is not open")
        return self._shard

    def _flush(self) -> None:
        if self._shard is not None and self._unflushed:
            self._shard.flush()
        self._unflushed = 0


def main() -> None:
    descriptor, folder, parent = sys.argv[1:]
    # A Ctrl-C reaches the whole group; our parent closes us when it has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with(int(parent))
    with socket.socket(fileno=int(descriptor)) as connection:
        Owner(connection, Path(folder)).serve()


if __name__ == "__main__":
    main()
