"""Retries requests: after the wait that a limit asks for, and a few times while a server is unavailable."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from shared.terminal.errors import RequestRefused, Unreachable

T = TypeVar("T")

FIRST_PAUSE = 0.5
MAX_RETRIES = 5
# A limit per minute always ends before this; a limit per day may not, and nobody waits a day at a prompt.
LONGEST_WAIT = 3600.0


class RequestRetrier:
    """Shared by all calls of a command, so that one limit makes all of them wait once."""

    def __init__(self, on_wait: Callable[[str], None]) -> None:
        self._on_wait = on_wait
        self._until = 0.0

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The attempt's result. Raises its error when a retry cannot help, or none has helped."""
        failures = 0
        while True:
            await self._wait()
            try:
                return await attempt()
            except (RequestRefused, Unreachable) as error:
                pause = _pause(error, failures)
                if pause is None:
                    raise
                if not _is_limit(error):
                    failures += 1
                self._extend(pause, error)

    async def _wait(self) -> None:
        import asyncio

        # The end may have moved while this call slept.
        while (remaining := self._until - monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(remaining)

    def _extend(self, pause: float, error: RequestRefused | Unreachable) -> None:
        """Reports the wait only where it is longer than the one under way."""
        now = monotonic()
        if now + pause > self._until + FIRST_PAUSE:
            self._on_wait(f"{error}; retrying in {pause:.0f} s" if pause >= 1 else f"{error}; retrying")
        self._until = max(self._until, now + pause)


def _is_limit(error: RequestRefused | Unreachable) -> bool:
    return isinstance(error, RequestRefused) and error.status == 429


def _pause(error: RequestRefused | Unreachable, failures: int) -> float | None:
    """Seconds until the next attempt; None for no further attempt."""
    retry_after = error.retry_after if isinstance(error, RequestRefused) else None
    if _is_limit(error):
        pause = max(FIRST_PAUSE, 1.0 if retry_after is None else retry_after)
        return pause if pause <= LONGEST_WAIT else None
    can_retry = isinstance(error, Unreachable) or (error.status >= 500 and error.status != 507)
    if not can_retry or failures >= MAX_RETRIES:
        return None
    backoff = FIRST_PAUSE * 2.0**failures
    return backoff if retry_after is None else min(max(retry_after, backoff), 60.0)
