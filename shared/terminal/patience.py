"""Goes on where going on helps: waits as long as a limit asks, and a few times for a server that is away."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from shared.terminal.failure import Refused, Unreachable

T = TypeVar("T")

FIRST_PAUSE = 0.5
RETRIES = 5
# A minute's window always ends before this; a day's may not, and nobody waits a day at a prompt.
LONGEST_WAIT = 3600.0


class WaitLimit:
    """Shared by all calls of a command, so that one limit is met once and not by each of them."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._until = 0.0

    async def of(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The attempt's result. Raises its failure when no repetition helps, or none has helped."""
        losses = 0
        while True:
            await self._turn()
            try:
                return await attempt()
            except (Refused, Unreachable) as failure:
                wait = _wait(failure, losses)
                if wait is None:
                    raise
                if not _is_limit(failure):
                    losses += 1
                self._rest(wait, failure)

    async def _turn(self) -> None:
        import asyncio

        # The end may have moved while this call slept.
        while (left := self._until - monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    def _rest(self, wait: float, failure: Refused | Unreachable) -> None:
        now = monotonic()
        if now + wait > self._until + FIRST_PAUSE:
            self._told(f"{failure}; going on in {wait:.0f} s" if wait >= 1 else f"{failure}; trying again")
        self._until = max(self._until, now + wait)


def _is_limit(failure: Refused | Unreachable) -> bool:
    return isinstance(failure, Refused) and failure.status == 429


def _wait(failure: Refused | Unreachable, losses: int) -> float | None:
    """Seconds until the next attempt, None when there is to be none."""
    named = failure.retry_after if isinstance(failure, Refused) else None
    if _is_limit(failure):
        wait = max(FIRST_PAUSE, 1.0 if named is None else named)
        return wait if wait <= LONGEST_WAIT else None
    again = isinstance(failure, Unreachable) or (failure.status >= 500 and failure.status != 507)
    if not again or losses >= RETRIES:
        return None
    backoff = FIRST_PAUSE * 2.0**losses
    return backoff if named is None else min(max(named, backoff), 60.0)
