"""The warm pool: takes slices in turn, has them read, keeps them, and with a document's last one says how it ended."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from functools import partial

from shared.bus.retries import ATTEMPTS, pause
from shared.parsing.pages import OPENING, PageRange, Parts
from shared.pictures.sliced import keep_refusal, keep_slice, parts_of
from shared.pool.port import OutcomeNotDelivered, SlicedStage, SliceReader
from shared.pool.queue import Claim, SliceQueue
from shared.records.structs import Reason
from shared.stages.stages import StageWork, reason_of
from shared.telemetry.logs import log
from shared.types.errors import Rejected, StoreUnavailable

IDLE_S = 0.5
"""How long after it was put in a slice is found that came by another process."""

RENEWAL_S = 1.0
"""How long after its deletion a document's slice may still be read."""

_PATIENCE_S = 2.0
_CONCLUSIONS = 25
_BETWEEN_S = 0.2


class Pool:
    """Works on as many slices at a time as there are `workers`."""

    def __init__(
        self,
        queue: SliceQueue,
        reader: SliceReader,
        stage: SlicedStage,
        workers: int,
        pause: Callable[[int], float] = pause,
    ) -> None:
        self._queue = queue
        self._reader = reader
        self._stage = stage
        self._places = asyncio.Semaphore(workers)
        self._pause = pause
        self._loops: list[asyncio.Task[None]] = []
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._held: set[str] = set()

    def start(self) -> None:
        self._loops = [asyncio.create_task(loop) for loop in (self._feed(), self._renew())]

    async def stop(self, grace_s: float = 0) -> None:
        """Takes nothing more; what is not read in time goes back to the queue."""
        await _end(self._loops[:1])
        if self._at_work and grace_s:
            await asyncio.wait(list(self._at_work.values()), timeout=grace_s)
        await _end([*self._loops[1:], *self._at_work.values()])

    async def _feed(self) -> None:
        while True:
            await self._places.acquire()
            claim = await self._next()
            self._held.add(claim.token)
            task = asyncio.create_task(self._work(claim), name=f"slice {claim.document_id}")
            self._at_work[claim.token] = task
            task.add_done_callback(partial(self._leave, claim.token))

    def _leave(self, token: str, _: object) -> None:
        self._held.discard(token)
        self._at_work.pop(token, None)
        self._places.release()

    async def _next(self) -> Claim:
        while True:
            self._queue.bell.clear()
            try:
                if claim := await self._queue.claim():
                    return claim
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._queue.bell.wait()
            except StoreUnavailable:
                await asyncio.sleep(_PATIENCE_S)
            except Exception:  # noqa: BLE001 - whatever it is, a queue that nobody reads any more is worse
                log().exception("cannot claim a slice", extra={"function": self._stage.name})
                await asyncio.sleep(_PATIENCE_S)

    async def _renew(self) -> None:
        """Keeps what is at work ours, and ends what is so no longer."""
        while True:
            await asyncio.sleep(min(RENEWAL_S, self._queue.lease_s / 3))
            held = list(self._held)
            with contextlib.suppress(StoreUnavailable):
                for token in await self._queue.renew(held):
                    if token in self._held:
                        self._held.discard(token)
                        self._at_work[token].cancel()

    async def _work(self, claim: Claim) -> None:
        try:
            await self._slice(claim)
        except asyncio.CancelledError:
            with contextlib.suppress(StoreUnavailable):
                await self._give_up(claim)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the slice is tried again and then a dead letter
            await self._failed(claim, error)

    async def _give_up(self, claim: Claim) -> None:
        """Ours still: we are stopping, another may go on. Else its document is deleted, or somebody else's."""
        if claim.token in self._held:
            self._held.discard(claim.token)
            await self._queue.fail(claim, 0)
        else:
            await self._stage.leave_to_the_sweep(claim.event)

    async def _slice(self, claim: Claim) -> None:
        if claim.attempts >= ATTEMPTS:
            await self._bury(claim, 503, "the process ended while it was at work on this", claim.attempts)
            return
        if await self._stage.is_over(claim.event):
            await self._end(claim)
            return
        if claim.is_first or claim.attempts:
            await self._stage.show_running(claim.event, claim.began)
        if await self._is_last(claim):
            await self._conclude(claim)

    async def _is_last(self, claim: Claim) -> bool:
        """Reads the slice and keeps it; whether the document has no others."""
        work = self._stage.work(claim.event)
        parts = await parts_of(work)
        if not parts.is_refused:
            try:
                read, pages = await self._read(claim, work, parts)
            except Rejected as refused:
                await keep_refusal(work, refused)
            else:
                return await self._is_done(claim, len(read), _rest(claim, read, pages))
        return await self._queue.alone(claim) or await self._lost(claim)

    async def _is_done(self, claim: Claim, read: int, more: list[PageRange]) -> bool:
        """Passes the slice on as kept; whether the document is done with it."""
        self._held.discard(claim.token)
        left = await self._queue.done(claim, read, more)
        if left == 0:
            self._held.add(claim.token)
        return left == 0 if left is not None else await self._lost(claim)

    async def _read(self, claim: Claim, work: StageWork, parts: Parts) -> tuple[PageRange, int]:
        """The pages that the slice turned out to have, and how many the document has."""
        first = claim.pages.first
        if parts.pages and (kept := parts.beginning_at(first)):
            return kept, parts.pages
        original = await work.read(claim.event.original)
        last = None if claim.pages == OPENING else claim.pages.until
        read = await self._reader.parse_slice(claim.event.media_type, original, first, parts.seconds, last)
        await keep_slice(work, first, read)
        return PageRange(first, read.until), read.pages

    async def _lost(self, claim: Claim) -> bool:
        await self._stage.leave_to_the_sweep(claim.event)
        return False

    async def _conclude(self, claim: Claim) -> None:
        for _ in range(_CONCLUSIONS):
            if await self._stage.conclude(claim.event, claim.began):
                await self._end(claim)
                return
            await asyncio.sleep(_BETWEEN_S)
        await self._end(claim)  # parts are missing after all: a delivery puts them in again
        await self._stage.conclude(claim.event, claim.began)

    async def _end(self, claim: Claim) -> None:
        self._held.discard(claim.token)
        await self._queue.end(claim)

    async def _bury(self, claim: Claim, status: int, detail: str, attempts: int) -> None:
        await self._stage.dead_letter(claim.event, status, detail, attempts)
        await self._end(claim)

    async def _failed(self, claim: Claim, error: Exception) -> None:
        """Where this fails too, the lease runs out and the slice comes back."""
        reason = _reason(error)
        about = {"function": self._stage.name, "tenant": claim.tenant_id, "document": claim.document_id}
        log().warning(f"a slice failed: {reason.detail}", extra=about, exc_info=error)
        self._held.discard(claim.token)
        with contextlib.suppress(StoreUnavailable):
            attempts = claim.attempts + 1
            if attempts < ATTEMPTS:
                await self._stage.show_trouble(claim.event, claim.began, attempts, reason)
                await self._queue.fail(claim, self._pause(claim.attempts))
            else:
                await self._bury(claim, _status(error), reason.detail, attempts)


def _rest(claim: Claim, read: PageRange, pages: int) -> list[PageRange]:
    """What the slice leaves to others: a document's other slices, or the pages that it had no time for."""
    if claim.pages == OPENING:
        return Parts({read: ""}, pages).missing()
    return [PageRange(read.until + 1, claim.pages.until)] if read.until < claim.pages.until else []


def _reason(error: Exception) -> Reason:
    return Reason("internal", str(error)) if isinstance(error, OutcomeNotDelivered) else reason_of(error)


def _status(error: Exception) -> int:
    if isinstance(error, OutcomeNotDelivered):
        return error.status
    return 503 if isinstance(error, StoreUnavailable) else 500


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels again while one goes on: a cancellation that comes together with an answer can get lost on the way."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=1)
