"""A process that parses, seen from outside: its start, its pipes, its end."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from shared.parsing import messages
from shared.parsing.engine import BUILTIN, PdfEngine
from shared.parsing.limits import MEMORY_EXIT, MIB, ParsingLimits
from shared.parsing.messages import (
    Broken,
    Hello,
    ParseSlice,
    Preload,
    Ready,
    Sliced,
    WorkerAnswer,
    WorkerJob,
    encode,
)
from shared.processes.frames import FrameTooLong, receive, send
from shared.processes.progress import processor_time
from shared.processes.resident import resident_bound
from shared.types.errors import AegisError, Rejected, StoreUnavailable

START_SECONDS = 300.0
"""By the clock; a start takes a few seconds of processor time."""

PRELOAD_SECONDS = 900.0
"""By the clock; torch and its models take half a minute of processor time."""

_START_RETRY_S = 10
_ROOT = Path(__file__).resolve().parents[2]


class ParserUnavailable(AegisError):
    """A worker cannot be started, or lacks what a parser needs. The document is not at fault; it may be tried again."""


class ParserHung(ParserUnavailable):
    """A worker did not finish within several times its processor time. That is not the document's fault."""


class ParserNotStarted(ParserUnavailable, StoreUnavailable):
    """No process of a parser could be started: the machine is short of something. Its events are delivered again."""

    def __init__(self, detail: str) -> None:
        StoreUnavailable.__init__(self, "parser", detail, _START_RETRY_S)


class WorkerDied(Exception):
    """`status` is the exit status, negative for a signal; `seconds` is the processor time that its last job took."""

    def __init__(self, status: int, seconds: float = 0.0) -> None:
        super().__init__(f"a worker ended with status {status}")
        self.status = status
        self.seconds = seconds


class Worker:
    """One process with its pipes."""

    def __init__(self, process: Process, limits: ParsingLimits, model_bytes: int | None = None) -> None:
        self._process = process
        self._limits = limits
        self._most_resident = None if model_bytes is None else limits.memory_bytes + model_bytes
        self._documents = 0
        self._pages = 0
        self._memory_at_start = 0

    @classmethod
    async def start(cls, limits: ParsingLimits, engine: PdfEngine = BUILTIN) -> "Worker":
        """Raises `ParserNotStarted`."""
        command = (sys.executable, "-P", "-m", "shared.parsing.worker")
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environ()
            )
        except OSError as error:
            raise ParserNotStarted(f"a parser's process cannot be started: {error}") from error
        worker = cls(process, limits, engine.model_bytes)
        greeted = False
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await worker._exchange(encode(Hello(limits, os.getpid(), engine)))
            greeted = isinstance(answer, Ready)
            worker._memory_at_start = answer.memory if isinstance(answer, Ready) else 0
        except (TimeoutError, WorkerDied) as error:
            raise ParserNotStarted(f"a parser's process does not start: {error}") from error
        finally:
            if not greeted:
                await worker.end()
        return worker

    async def preload(self, parser: str) -> str:
        """Returns where the parser's models compute. Raises `ParserUnavailable`; the worker is of no use then."""
        try:
            async with asyncio.timeout(PRELOAD_SECONDS):
                answer = await self._exchange(encode(Preload(parser)))
        except (TimeoutError, WorkerDied) as error:
            raise ParserUnavailable(f"a parser cannot be loaded: {error}") from error
        if not isinstance(answer, Ready):
            raise ParserUnavailable(answer.detail if isinstance(answer, Broken) else "a worker answered out of turn")
        self._memory_at_start = answer.memory
        return answer.devices

    async def do(self, order: WorkerJob, content: bytes) -> WorkerAnswer:
        self._documents += 1
        async with processor_time(self.pid) as used, resident_bound(self.pid, self._most_resident) as is_exceeded:
            try:
                answer = await self._exchange(encode(order), content)
            except WorkerDied as died:
                raise WorkerDied(MEMORY_EXIT if is_exceeded() else died.status, used()) from None
        if isinstance(order, ParseSlice) and isinstance(answer, Sliced):
            self._pages += answer.slice.until - order.first + 1
        return answer

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.returncode is None

    def why_spent(self, answer: WorkerAnswer) -> str:
        """Why the worker is to be replaced after this answer; empty while it is good."""
        if isinstance(answer, Broken):
            return "broken"
        if self._documents >= self._limits.documents or self._pages >= self._limits.worker_pages:
            return "pages"
        return "memory" if answer.memory - self._memory_at_start > self._limits.growth_bytes else ""

    async def end(self) -> None:
        """Kills the process and returns when it is gone, even if the caller is cancelled."""
        if self.is_alive():
            self._process.kill()
        await asyncio.shield(self._process.wait())

    async def _exchange(self, *frames: bytes) -> WorkerAnswer:
        orders, answers = self._process.stdin, self._process.stdout
        assert orders
        assert answers
        try:
            for frame in frames:
                send(orders, frame)
            await orders.drain()
            return messages.answers.decode(await receive(answers, 4 * self._limits.expanded_bytes + MIB))
        except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
            raise WorkerDied(await self._process.wait()) from None
        except FrameTooLong:
            detail = f"its text exceeds {self._limits.expanded_bytes} bytes"
            raise Rejected("too-large-expanded", detail) from None


_INHERITED = ("LANG", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""A worker does one thing at a time; a pool of threads would only take up its address space."""


def _environ() -> dict[str, str]:
    """Nothing but where to find the code: a parser has no business with our secrets, nor with other programs."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    ours = {"PATH": "", "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "MALLOC_ARENA_MAX": "2"}
    # ONNX Runtime would call its maker, from threads of its own that no audit hook hears.
    ours |= {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return inherited | ours | dict.fromkeys(_ONE_THREAD, "1")
