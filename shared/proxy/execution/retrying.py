"""When one call is made again at the same server: with a wider window, or after a pause."""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from shared.proxy.execution import prompts
from shared.upstreams.port import ModelCall, UpstreamError

_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 8.0


class RetryPolicy(Protocol):
    """Lives as long as the call's slot."""

    def prepare(self, call: ModelCall) -> ModelCall:
        """The call as it is sent next."""
        ...

    async def may_retry(self, error: UpstreamError) -> bool:
        """Returns when the call may be sent again. False: the error is final."""
        ...


class WiderWindow:
    """The window is estimated from the prompt's bytes; where the server finds it too small, the next one is taken."""

    def __init__(self, steps: Sequence[int]) -> None:
        self._steps = steps
        self._tried = 0

    def prepare(self, call: ModelCall) -> ModelCall:
        sized = prompts.with_window(call, self._steps, self._tried)
        self._tried = sized.context_tokens or 0
        return sized

    async def may_retry(self, error: UpstreamError) -> bool:
        return error.fault == "too_long" and self._tried < self._steps[-1]


class RateLimitPause:
    """Where the cloud answers that it is asked too often, the call waits and keeps its slot, for `wait_s` in all. A
    call that was let in and may have run is charged, and is not made again."""

    def __init__(self, wait_s: float) -> None:
        self._until = time.monotonic() + wait_s
        self._pause_s = _PAUSE_S

    def prepare(self, call: ModelCall) -> ModelCall:
        return call

    async def may_retry(self, error: UpstreamError) -> bool:
        pause_s = error.retry_after or self._pause_s
        if error.fault != "rate_limited" or error.may_have_run or time.monotonic() + pause_s > self._until:
            return False
        await asyncio.sleep(pause_s)
        self._pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return True
