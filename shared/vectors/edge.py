"""The embedded backend: Qdrant's own engine, in a child process.

The engine is synchronous and holds Python's global lock during every call, which would stop an event loop beside it.
The child owns the folder, dies with us and is started again by the next call when it died.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import msgspec

from shared.processes.environment import child_environment
from shared.processes.frames import receive, send
from shared.processes.progress import activity, is_frozen
from shared.types.deadlines import answered_within
from shared.types.errors import StoreUnavailable
from shared.types.passage import Found, Passage
from shared.types.tasks import retrieve_failure
from shared.vectors import messages
from shared.vectors.errors import WrongModel
from shared.vectors.port import Point, Query, VectorIndex, Vectors

_READ_SECONDS = 10.0
_WRITE_SECONDS = 60.0
_START_SECONDS = 60.0
_FROZEN_SECONDS = 0.8
_BATCH = 32
"""Points a write: about 2 ms, the longest that a search waits for it."""


class EdgeIndex(VectorIndex):
    """One shard on disk for all tenants; `folder` is made when absent. `model` is recorded in it."""

    def __init__(self, folder: Path, dimensions: int, model: str) -> None:
        self._folder = folder
        self._dimensions = dimensions
        self._model = model
        self._child: _Child | None = None
        self._starting: asyncio.Task[_Child] | None = None
        self._closed = False

    def of(self, tenant_id: str) -> Vectors:
        if not tenant_id:
            raise ValueError("passages belong to a tenant; an empty one is none")
        return _TenantVectors(self, tenant_id)

    async def prepare(self) -> None:
        """Starts the child and opens the shard; raises `WrongModel` when it was made with another."""
        await self._running()

    async def compact(self, token: str) -> bool:
        """The child rewrites the shard in small steps that searches and writes pass (2 s for 5,000 passages)."""
        return bool((await self.ask(messages.Compact(token), _READ_SECONDS)).count)

    async def ping(self) -> None:
        await self.ask(messages.Ping(), _READ_SECONDS)

    async def close(self) -> None:
        self._closed = True
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._child is not None:
            await self._child.close()

    async def ask(self, call: messages.EngineCall, seconds: float) -> messages.EngineReply:
        """Waits so long for the child's start and its answer together; the start goes on for the next call."""
        until = time.monotonic() + seconds
        async with answered_within(seconds, "vectors"):
            child = await self._running()
        return await child.ask(call, max(until - time.monotonic(), 0))

    def check(self, dense: Sequence[float]) -> None:
        if len(dense) != self._dimensions:
            raise WrongModel(f"a vector of {len(dense)} dimensions for an index of {self._dimensions} ({self._model})")

    async def _running(self) -> "_Child":
        if self._child is not None and self._child.alive:
            return self._child
        if self._closed:
            raise StoreUnavailable("vectors", "the index is closed")
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start(), name="start of the vector index")
            self._starting.add_done_callback(retrieve_failure)
        return await asyncio.shield(self._starting)

    async def _start(self) -> "_Child":
        try:
            child = await _Child.start(self._folder)
        except OSError as error:
            raise StoreUnavailable("vectors", f"its process could not be started: {error}") from error
        try:
            await child.ask(messages.Open(self._dimensions, self._model), _START_SECONDS)
        except BaseException:  # whatever ended the start, a child that is not open must not stay
            await child.kill()
            raise
        self._child = child
        return child


class _TenantVectors(Vectors):
    def __init__(self, index: EdgeIndex, tenant_id: str) -> None:
        self._index = index
        self._tenant_id = tenant_id

    async def add(self, points: Sequence[Point]) -> None:
        for point in points:
            self._index.check(point.dense)
        for start in range(0, len(points), _BATCH):
            batch = messages.packed(points[start : start + _BATCH])
            await self._index.ask(messages.Add(self._tenant_id, batch), _WRITE_SECONDS)

    async def find(self, query: Query) -> list[Found]:
        if query.dense is not None:
            self._index.check(query.dense)
        reply = await self._index.ask(messages.find(self._tenant_id, query), _READ_SECONDS)
        return list(reply.found)

    async def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        reply = await self._index.ask(messages.Read(self._tenant_id, tuple(passage_ids)), _READ_SECONDS)
        return [found.passage for found in reply.found]

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        await self._index.ask(messages.Forget(self._tenant_id, document_id, up_to_generation), _WRITE_SECONDS)

    async def count(self, document_id: str | None = None) -> int:
        reply = await self._index.ask(messages.Count(self._tenant_id, document_id), _READ_SECONDS)
        return reply.count


class _Child:
    """One run of the owning process; several calls may be in flight."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[messages.EngineReply]] = {}
        self._listening = asyncio.create_task(self._listen())
        self.alive = True

    @classmethod
    async def start(cls, folder: Path) -> "_Child":
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as unused:
            unused.callback(ours.close)
            # -P: a folder called "shared" where the program was started must not be taken for ours.
            command = (sys.executable, "-P", "-m", "shared.vectors.edge_child")
            arguments = (str(theirs.fileno()), str(folder), str(os.getpid()))
            process = await asyncio.create_subprocess_exec(
                *command,
                *arguments,
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env=child_environment(),
            )
            unused.pop_all()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return cls(process, reader, writer)

    async def ask(self, call: messages.EngineCall, seconds: float) -> messages.EngineReply:
        number = next(self._numbers)
        answer: asyncio.Future[messages.EngineReply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(seconds):
                send(self._writer, messages.encode(messages.Request(number, call)))
                await self._writer.drain()
                await self._until_answered(answer)
                return _checked(await answer)
        except TimeoutError:
            raise StoreUnavailable("vectors", f"no answer within {seconds:.0f} s") from None
        except OSError as error:
            raise StoreUnavailable("vectors", "the process that owns the index has ended") from error
        finally:
            del self._waiting[number]

    async def _until_answered(self, answer: asyncio.Future[messages.EngineReply]) -> None:
        """Raises `StoreUnavailable` soon where the child is frozen; one that works is waited for."""
        before = activity(self._process.pid)
        while not (await asyncio.wait([answer], timeout=_FROZEN_SECONDS))[0]:
            after = activity(self._process.pid)
            if is_frozen(before, after):
                raise StoreUnavailable("vectors", f"its process stands still since {_FROZEN_SECONDS:g} s")
            before = after

    async def close(self) -> None:
        """Ends the child after its pending calls; it writes everything to its segments first."""
        try:
            if self.alive:
                await self.ask(messages.Close(), _WRITE_SECONDS)
                await asyncio.wait_for(self._process.wait(), _WRITE_SECONDS)
        except (StoreUnavailable, TimeoutError):
            pass  # it is gone or hangs: the log keeps what was acknowledged
        await self.kill()

    async def kill(self) -> None:
        self.alive = False
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._writer.close()
        await self._listening

    async def _listen(self) -> None:
        decoder = msgspec.msgpack.Decoder(messages.EngineReply)
        try:
            while True:
                reply = decoder.decode(await receive(self._reader))
                answer = self._waiting.get(reply.number)
                if answer is not None and not answer.done():
                    answer.set_result(reply)
        except (asyncio.IncompleteReadError, OSError):
            self._ended()

    def _ended(self) -> None:
        self.alive = False
        self._writer.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(StoreUnavailable("vectors", "the process that owns the index has ended"))


def _checked(reply: messages.EngineReply) -> messages.EngineReply:
    if reply.wrong_model is not None:
        raise WrongModel(reply.wrong_model)
    if reply.failure is not None:
        raise StoreUnavailable("vectors", reply.failure)
    return reply
