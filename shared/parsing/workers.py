"""Parsing in processes of its own: what a document does to its parser, it does to nobody else."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from shared.parsing import wire
from shared.parsing.document import Look, ParsedDocument, PicturePlace, Slice
from shared.parsing.limits import MIB, Limits
from shared.parsing.office.conversion import converted
from shared.parsing.office.targets import OFFICE, TARGETS
from shared.parsing.wire import (
    LENGTH,
    Answer,
    Broken,
    Crop,
    Draw,
    Drawn,
    FindPictures,
    Hello,
    LookAt,
    Looked,
    Order,
    Parse,
    Parsed,
    ParseSlice,
    Placed,
    Ready,
    Refused,
    Sliced,
    encode,
)
from shared.parsing.worker import MEMORY_EXIT
from shared.runtime.errors import AegisError, Rejected
from shared.types.passage import Box

START_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[2]
_KILLED = -9
"""By the kernel, which is short of memory, or by somebody's mistake: so it counts only the second time."""


_OUT_OF_TIME = -signal.SIGALRM
"""By the clock that a worker sets itself for each page."""


class ParserUnavailable(AegisError):
    """A worker cannot be started, or lacks what a parser needs. The document is not at fault; it may be tried again."""


class _WorkerDied(Exception):
    """`status` is the exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a worker ended with status {status}")
        self.status = status


class ParserPool:
    """Up to `workers` processes that parse and as many that draw, started when they are first needed and kept warm. It
    belongs to one event loop.

    A worker serves one parser only, so that one that holds a large library is never in the way of a small document.
    """

    def __init__(self, limits: Limits, workers: int = 1) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(workers)
        self._quick = asyncio.Semaphore(workers)
        self._idle: dict[str, list[_Worker]] = {}
        self._busy: set[_Worker] = set()
        self._closed = False

    async def parse(self, parser: str, media_type: str, filename: str, content: bytes) -> ParsedDocument:
        """Raises Rejected for what is wrong with the document and ParserUnavailable for what is wrong with us.

        A worker that dies is replaced and the document tried once more. Cancelling ends the worker.
        """
        if parser == OFFICE:
            target = TARGETS[media_type]
            async with self._free:
                content = await converted(target, content, self._limits)
            parser, media_type = target.parser, target.media_type
        answer = await self._ask(Parse(parser, media_type, filename), content, self._free)
        assert isinstance(answer, Parsed)
        return answer.document

    async def parse_slice(self, media_type: str, content: bytes, first: int, spent: float = 0.0) -> Slice:
        """Pages from `first` on, as many as one slice holds; raises like `parse`. `spent` are the seconds that the
        document's other slices took: it has the rest of its time."""
        answer = await self._ask(ParseSlice(media_type, first), content, self._free, spent)
        assert isinstance(answer, Sliced)
        return answer.slice

    async def draw(self, media_type: str, content: bytes, page: int, box: Box | None = None) -> bytes | None:
        """A page as PNG; None where the document has no such page. Raises like `parse`."""
        answer = await self._ask(Draw(media_type, page, box), content, self._quick)
        assert isinstance(answer, Drawn)
        return answer.picture

    async def look(self, media_type: str, content: bytes) -> Look:
        """The extent of what has pages. Raises like `parse`."""
        answer = await self._ask(LookAt(media_type), content, self._quick)
        assert isinstance(answer, Looked)
        return answer.look

    async def pictures(self, media_type: str, content: bytes, most: int) -> tuple[PicturePlace, ...]:
        """Where the first pictures of a document stand. Raises like `parse`."""
        answer = await self._ask(FindPictures(media_type, most), content, self._quick)
        assert isinstance(answer, Placed)
        return answer.places

    async def crop(self, media_type: str, content: bytes, place: PicturePlace) -> bytes | None:
        """A picture by itself, as PNG; None where it cannot be shown. Raises like `parse`."""
        answer = await self._ask(Crop(media_type, place), content, self._quick)
        assert isinstance(answer, Drawn)
        return answer.picture

    async def _ask(self, order: Order, content: bytes, free: asyncio.Semaphore, spent: float = 0.0) -> Answer:
        async with free:
            try:
                return await self._attempt(order, content, spent)
            except _WorkerDied as died:
                self._blame(died, {MEMORY_EXIT})
            try:
                return await self._attempt(order, content, spent)
            except _WorkerDied as died:
                self._blame(died, {MEMORY_EXIT, _KILLED})
                raise Rejected("corrupt", "its parser crashed on it, twice") from died

    def _blame(self, died: "_WorkerDied", short_of_memory: set[int]) -> None:
        """Raises what a worker's death says of the document, where it says something."""
        if died.status in short_of_memory:
            raise _out_of_memory(self._limits) from died
        if died.status == _OUT_OF_TIME:
            seconds = self._limits.page_seconds
            raise Rejected("time-limit", f"a page took longer than {seconds:g} s, or three times that as a picture")

    async def close(self) -> None:
        """Ends every worker; what they are parsing is given up."""
        self._closed = True
        workers = [*(worker for idle in self._idle.values() for worker in idle), *self._busy]
        self._idle.clear()
        await asyncio.gather(*(worker.end() for worker in workers))

    async def _attempt(self, order: Order, content: bytes, spent: float) -> Answer:
        worker = await self._worker(order.parser)
        self._busy.add(worker)
        answer: Answer | None = None
        try:
            async with asyncio.timeout(max(self._limits.seconds - spent, 0.0)):
                answer = await worker.do(order, content)
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
                self._idle.setdefault(order.parser, []).append(worker)
        return _judged(answer)

    async def _worker(self, parser: str) -> "_Worker":
        self._refuse_when_closed()
        idle = self._idle.get(parser, [])
        while idle:
            worker = idle.pop()
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

    async def do(self, order: Order, content: bytes) -> Answer:
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


_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""A worker does one thing at a time; a pool of threads would only take up its address space."""


def _environ() -> dict[str, str]:
    """Nothing but where to find the code: a parser has no business with our secrets, nor with other programs."""
    kept = {name: os.environ[name] for name in ("LANG", "LD_LIBRARY_PATH") if name in os.environ}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    ours = {"PATH": "", "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "MALLOC_ARENA_MAX": "2"}
    # ONNX Runtime would call its maker, from threads of its own that no audit hook hears.
    ours["ORT_DISABLE_TELEMETRY"] = "1"
    return kept | ours | dict.fromkeys(_ONE_THREAD, "1")


def _judged(answer: Answer) -> Answer:
    match answer:
        case Refused(code=code, detail=detail):
            raise Rejected(code, detail)
        case Broken(detail=detail):
            raise ParserUnavailable(detail)
        case Ready():
            raise ParserUnavailable("a parser's process answered out of turn")
        case _:
            return answer


def _out_of_memory(limits: Limits) -> Rejected:
    return Rejected("memory-limit", f"parsing needs more than {limits.memory_bytes} bytes of memory")
