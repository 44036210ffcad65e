"""The deadline of an answer: the model's pieces come before it, or the extractive answer, which is ready by then."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from shared.answers.extractive import Extracted

_EXTRACTION_S = 2.0
"""How long before the deadline the extractive answer is begun: several times what it takes on an idle machine."""

_LEAST_RESERVE_S, _MOST_RESERVE_S, _RESERVE_SHARE = 0.05, 0.25, 0.1
"""What is left after the deadline of the model, to compose, store and send the answer."""

_Item = TypeVar("_Item")


class DeadlinePassed(Exception):
    """The time for the answer is over."""


class AnswerDeadline:
    """When a model has to be done, so that an answer begun at `started_s` of the monotonic clock takes at most
    `max_latency_ms`; None sets no limit."""

    def __init__(self, started_s: float, max_latency_ms: int | None) -> None:
        self._at: float | None = None
        if max_latency_ms is not None:
            latency_s = max_latency_ms / 1000
            reserve_s = min(_MOST_RESERVE_S, max(_LEAST_RESERVE_S, latency_s * _RESERVE_SHARE))
            self._at = started_s + latency_s - reserve_s

    @property
    def remaining_s(self) -> float | None:
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    async def next(self, items: AsyncIterator[_Item]) -> _Item:
        """Returns the next item; `items` is closed when the deadline passes first. Raises `DeadlinePassed`."""
        timeout = asyncio.timeout(self.remaining_s)
        try:
            async with timeout:
                return await anext(items)
        except TimeoutError:
            if not timeout.expired():
                raise
            raise DeadlinePassed from None


class TimelyExtraction:
    """The extractive answer to one question, computed once: when it is needed, or shortly before the deadline."""

    def __init__(self, compute: Callable[[], Awaitable[Extracted]], deadline: AnswerDeadline) -> None:
        self._compute = compute
        self._running: asyncio.Future[Extracted] | None = None
        self._timer: asyncio.TimerHandle | None = None
        if (remaining_s := deadline.remaining_s) is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, remaining_s - _EXTRACTION_S), self._start)

    async def result(self) -> Extracted:
        return await self._start()

    def close(self) -> None:
        """Ends what is not needed any more."""
        if self._timer:
            self._timer.cancel()
        if self._running:
            self._running.cancel()

    def _start(self) -> "asyncio.Future[Extracted]":
        if self._running is None:
            self._running = asyncio.ensure_future(self._compute())
        return self._running
