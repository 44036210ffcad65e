"""The process that owns the shard: reads calls from a socket, answers searches before it goes on writing.

Started by `shared.vectors.edge` as `python -m shared.vectors.edge_child FD FOLDER PARENT`.
"""

import ctypes
import os
import selectors
import signal
import socket
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from shared.vectors import frames
from shared.vectors.edge_shard import Shard
from shared.vectors.errors import WrongModel

_IDLE_SECONDS = 1.0
"""After a write and this much quiet the log is moved into the segments (about 0.1 s of work)."""

_UNFLUSHED_WRITES = 200
"""Writes after which that happens without quiet, so that a restart never has a long log to read."""

_PR_SET_PDEATHSIG = 1


class Incoming:
    """Requests in the order they came, cut out of a stream of bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._bytes = bytearray()
        self._decoder = msgspec.msgpack.Decoder(frames.Request)
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)
        self.ended = False

    def wait(self, seconds: float | None) -> list[frames.Request] | None:
        """What is complete by now; None when nothing came within the time."""
        if not self._selector.select(seconds):
            return None
        received = self._connection.recv(1 << 20)
        self.ended = not received
        self._bytes += received
        return list(self._complete())

    def _complete(self) -> Iterator[frames.Request]:
        while len(self._bytes) >= frames.PREFIX:
            end = frames.PREFIX + int.from_bytes(self._bytes[: frames.PREFIX], "big")
            if len(self._bytes) < end:
                return
            yield self._decoder.decode(memoryview(self._bytes)[frames.PREFIX : end].tobytes())
            del self._bytes[:end]


class Owner:
    """Serves one parent until it closes or goes."""

    def __init__(self, connection: socket.socket, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._incoming = Incoming(connection)
        self._reads: deque[frames.Request] = deque()
        self._writes: deque[frames.Request] = deque()
        self._shard: Shard | None = None
        self._unflushed = 0

    def serve(self) -> None:
        while not self._incoming.ended:
            requests = self._incoming.wait(self._patience())
            if requests is None and not self._writes:
                self._flush()
            self._sort(requests or [])
            while self._reads:
                self._answer(self._reads.popleft())
            if self._writes:
                self._answer(self._writes.popleft())
            if self._unflushed >= _UNFLUSHED_WRITES:
                self._flush()
        if self._shard is not None:
            self._shard.close()

    def _patience(self) -> float | None:
        if self._writes:
            return 0.0
        return _IDLE_SECONDS if self._unflushed else None

    def _sort(self, requests: list[frames.Request]) -> None:
        for request in requests:
            (self._writes if isinstance(request.call, frames.Ordered) else self._reads).append(request)

    def _answer(self, request: frames.Request) -> None:
        self._connection.sendall(frames.frame(self._reply(request)))

    def _reply(self, request: frames.Request) -> frames.EngineReply:
        try:
            return self._result(request.number, request.call)
        except WrongModel as error:
            return frames.EngineReply(request.number, wrong_model=str(error))
        except Exception as error:  # noqa: BLE001  the engine's errors are plain, and a bad call must not end the others
            return frames.EngineReply(request.number, failure=f"{type(error).__name__}: {error}")

    def _result(self, number: int, call: frames.EngineCall) -> frames.EngineReply:
        match call:
            case frames.Open():
                self._shard = Shard(self._folder, call.dimensions, call.model)
            case frames.Add():
                self._open.add(call)
                self._unflushed += 1
            case frames.Forget():
                self._open.forget(call)
                self._unflushed += 1
            case frames.Find():
                return frames.EngineReply(number, found=self._open.find(call))
            case frames.Count():
                return frames.EngineReply(number, count=self._open.count(call.tenant_id, call.document_id))
            case frames.Close():
                self._incoming.ended = True
            case frames.Ping():
                pass
        return frames.EngineReply(number)

    @property
    def _open(self) -> Shard:
        if self._shard is None:
            raise RuntimeError("the shard is not open")
        return self._shard

    def _flush(self) -> None:
        if self._shard is not None and self._unflushed:
            self._shard.flush()
        self._unflushed = 0


def _die_with(parent: int) -> None:
    """The kernel ends us with our parent; elsewhere, and if it is gone already, the closed socket does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


def main() -> None:
    descriptor, folder, parent = sys.argv[1:]
    # A Ctrl-C reaches the whole group; our parent closes us when it has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(int(parent))
    with socket.socket(fileno=int(descriptor)) as connection:
        Owner(connection, Path(folder)).serve()


if __name__ == "__main__":
    main()
