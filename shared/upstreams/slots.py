"""So many calls at a time, the others wait at our side, each tenant in turn."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.upstreams.port import UpstreamError


class Slots:
    """A slot that comes free goes to the tenant that has waited longest since its last turn, and there to the call
    that came first: a tenant with a thousand calls delays another's one call by one."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"the limit is {limit}; at least one call has to run")
        self._limit = limit
        self._held = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def held(self) -> int:
        return self._held

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    @asynccontextmanager
    async def hold(self, tenant_id: str, wait_s: float) -> AsyncIterator[None]:
        """Raises `UpstreamError` (`rate_limited`) when no slot came free in `wait_s`: nothing was sent."""
        await self._take(tenant_id, wait_s)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, tenant_id: str, wait_s: float) -> None:
        if self._held < self._limit:
            self._held += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(turn)
        try:
            async with asyncio.timeout(wait_s):
                await turn
        except BaseException as error:
            self._leave(tenant_id, turn)
            if isinstance(error, TimeoutError):
                detail = f"no slot came free in {wait_s:.1f} s"
                raise UpstreamError("rate_limited", detail, may_have_run=False, retry_after=1) from error
            raise

    def _leave(self, tenant_id: str, turn: "asyncio.Future[None]") -> None:
        """A turn that came in the same moment goes to the next."""
        if turn.done() and not turn.cancelled():
            self._pass_on()
            return
        queue = self._waiting.get(tenant_id)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[tenant_id]

    def _pass_on(self) -> None:
        """To the next that still waits, from hand to hand, so that a newcomer cannot slip in between."""
        while self._waiting:
            tenant_id, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[tenant_id] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._held -= 1
