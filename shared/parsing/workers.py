"""Parsing in processes of its own: what a document does to its parser, it does to nobody else."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from shared.parsing import wire
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import MIB, Limits
from shared.parsing.wire import LENGTH, Answer, Broken, Hello, Parse, Parsed, Ready, Refused, encode
from shared.parsing.worker import MEMORY_EXIT
from shared.runtime.errors import AegisError, Rejected

START_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[2]
_KILLED = -9
"""By the kernel, which is short of memory, or by somebody's mistake: so it counts only the second time."""


class ParserUnavailable(AegisError):
    """A worker cannot be started, or lacks what a parser needs. The document is not at fault; it may be tried again."""


class _WorkerDied(Exception):
    """`status` is the exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a worker ended with status {status}")
        self.status = status


class ParserPool:
    """Up to `workers` processes, started when they are first needed and kept warm. It belongs to one event loop."""

    def __init__(self, limits: Limits, workers: int = 1) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False

    async def parse(self, parser: str, media_type: str, filename: str, content: bytes) -> ParsedDocument:
        """Raises Rejected for what is wrong with the document and ParserUnavailable for what is wrong with us.

        A worker that dies is replaced and the document tried once more. Cancelling ends the worker.
        """
        order = Parse(parser, media_type, filename)
        async with self._free:
            try:
                return await self._attempt(order, content)
            except _WorkerDied as died:
                if died.status == MEMORY_EXIT:
                    raise _out_of_memory(self._limits) from died
            try:
                return await self._attempt(order, content)
            except _WorkerDied as died:
                if died.status in {MEMORY_EXIT, _KILLED}:
                    raise _out_of_memory(self._limits) from died
                raise Rejected("corrupt", "its parser crashed on it, twice") from died

    async def close(self) -> None:
        """Ends every worker; what they are parsing is given up."""
        self._closed = True
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*(worker.end() for worker in workers))

    async def _attempt(self, order: Parse, content: bytes) -> ParsedDocument:
        worker = await self._worker()
        self._busy.add(worker)
        answer: Answer | None = None
        try:
            async with asyncio.timeout(self._limits.seconds):
                answer = await worker.parse(order, content)
        except _WorkerDied:
            self._refuse_when_closed()
            raise
        except TimeoutError:
            raise Rejected("time-limit", f"parsing took longer than {self._limits.seconds:g} s") from None
        finally:
            self._busy.discard(worker)
            if answer is None or self._closed or worker.is_spent(answer):
                await worker.end()
            else:
                self._idle.append(worker)
        return _document(answer)

    async def _worker(self) -> "_Worker":
        self._refuse_when_closed()
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive():
                return worker
        return await _Worker.start(self._limits)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise ParserUnavailable("the parsers are closed")


class _Worker:
    """One process with its pipes."""

    def __init__(self, process: Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._documents = 0
        self._memory_at_start = 0

    @classmethod
    async def start(cls, limits: Limits) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "shared.parsing.worker", stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environ()
        )
        worker = cls(process, limits)
        greeted = False
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await worker._exchange(encode(Hello(limits, os.getpid())))
            greeted = isinstance(answer, Ready)
            worker._memory_at_start = answer.memory if isinstance(answer, Ready) else 0
        except (TimeoutError, _WorkerDied) as error:
            raise ParserUnavailable(f"a parser's process does not start: {error}") from error
        finally:
            if not greeted:
                await worker.end()
        return worker

    async def parse(self, order: Parse, content: bytes) -> Answer:
        self._documents += 1
        return await self._exchange(encode(order), content)

    def is_alive(self) -> bool:
        return self._process.returncode is None

    def is_spent(self, answer: Answer) -> bool:
        if isinstance(answer, Broken) or self._documents >= self._limits.documents:
            return True
        return answer.memory - self._memory_at_start > self._limits.growth_bytes

    async def end(self) -> None:
        """At once, whatever it does; the process is gone when this returns, even if the caller is cancelled."""
        if self.is_alive():
            self._process.kill()
        await asyncio.shield(self._process.wait())

    async def _exchange(self, *frames: bytes) -> Answer:
        try:
            await self._send(frames)
            return wire.answers.decode(await self._receive())
        except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
            raise _WorkerDied(await self._process.wait()) from None

    async def _send(self, frames: tuple[bytes, ...]) -> None:
        orders = self._process.stdin
        assert orders
        for frame in frames:
            orders.write(LENGTH.pack(len(frame)))
            orders.write(frame)
        await orders.drain()

    async def _receive(self) -> bytes:
        answers = self._process.stdout
        assert answers
        (length,) = LENGTH.unpack(await answers.readexactly(LENGTH.size))
        if length > 4 * self._limits.expanded_bytes + MIB:
            raise Rejected("too-large-expanded", f"its text exceeds {self._limits.expanded_bytes} bytes")
        return await answers.readexactly(length)


def _environ() -> dict[str, str]:
    """Nothing but where to find the code: a parser has no business with our secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    return kept | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _document(answer: Answer) -> ParsedDocument:
    match answer:
        case Parsed(document=document):
            return document
        case Refused(code=code, detail=detail):
            raise Rejected(code, detail)
        case Broken(detail=detail):
            raise ParserUnavailable(detail)
        case Ready():
            raise ParserUnavailable("a parser's process answered out of turn")


def _out_of_memory(limits: Limits) -> Rejected:
    return Rejected("memory-limit", f"parsing needs more than {limits.memory_bytes} bytes of memory")
