"""The warm pool: claims slices, parses them, stores their parts, and concludes a document with its last slice."""

import asyncio
import contextlib
from collections.abc import Callable
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
from shared.types.tasks import cancel_all

IDLE_S = 0.5
"""Poll interval for slices that another process has added."""

RENEWAL_S = 1.0
"""Renewal interval of leases: a deleted document's slice may be read for so long."""

_REDIS_RETRY_S = 2.0
_CONCLUDE_ATTEMPTS = 25
_CONCLUDE_PAUSE_S = 0.2


class Pool:
    """Parses as many slices at a time as there are `workers`."""

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
        self._slots = asyncio.Semaphore(workers)
        self._pause = pause
        self._loops: list[asyncio.Task[None]] = []
        self._running: dict[str, asyncio.Task[None]] = {}
        self._claimed: set[str] = set()

    def start(self) -> None:
        self._loops = [asyncio.create_task(loop) for loop in (self._feed(), self._renew())]

    async def stop(self, grace_s: float = 0) -> None:
        """Claims nothing more; slices that are not read within `grace_s` go back to the queue."""
        await cancel_all(self._loops[:1])
        if self._running and grace_s:
            await asyncio.wait(list(self._running.values()), timeout=grace_s)
        await cancel_all([*self._loops[1:], *self._running.values()])

    async def _feed(self) -> None:
        while True:
            await self._slots.acquire()
            claim = await self._next()
            self._claimed.add(claim.token)
            task = asyncio.create_task(self._work(claim), name=f"slice {claim.document_id}")
            self._running[claim.token] = task
            task.add_done_callback(partial(self._leave, claim.token))

    def _leave(self, token: str, _: object) -> None:
        self._claimed.discard(token)
        self._running.pop(token, None)
        self._slots.release()

    async def _next(self) -> Claim:
        while True:
            self._queue.changed.clear()
            try:
                if claim := await self._queue.claim():
                    return claim
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._queue.changed.wait()
            except StoreUnavailable:
                await asyncio.sleep(_REDIS_RETRY_S)
            except Exception:  # noqa: BLE001 - whatever it is, reading the queue has to go on
                log().exception("cannot claim a slice", extra={"function": self._stage.name})
                await asyncio.sleep(_REDIS_RETRY_S)

    async def _renew(self) -> None:
        """Renews the leases of running slices, and cancels those that are lost."""
        while True:
            await asyncio.sleep(min(RENEWAL_S, self._queue.lease_s / 3))
            claimed = list(self._claimed)
            with contextlib.suppress(StoreUnavailable):
                for token in await self._queue.renew(claimed):
                    if token in self._claimed:
                        self._claimed.discard(token)
                        self._running[token].cancel()

    async def _work(self, claim: Claim) -> None:
        try:
            await self._slice(claim)
        except asyncio.CancelledError:
            with contextlib.suppress(StoreUnavailable):
                await self._release(claim)
            raise
        except Exception as error:  # noqa: BLE001 - every failure is retried, and then a dead letter
            await self._failed(claim, error)

    async def _release(self, claim: Claim) -> None:
        """Gives a slice back that is still claimed: this process stops. Otherwise the claim was lost, perhaps because
        the document is deleted."""
        if claim.token in self._claimed:
            self._claimed.discard(claim.token)
            await self._queue.retry_later(claim, 0)
        else:
            await self._stage.mark_for_erasure(claim.event)

    async def _slice(self, claim: Claim) -> None:
        if claim.attempts >= ATTEMPTS:
            await self._dead_letter(claim, 503, "the process ended while it read this slice", claim.attempts)
            return
        if await self._stage.is_over(claim.event):
            await self._end(claim)
            return
        if claim.is_first or claim.attempts:
            await self._stage.show_running(claim.event, claim.started_at)
        if await self._is_last(claim):
            await self._conclude(claim)

    async def _is_last(self, claim: Claim) -> bool:
        """Reads the slice and stores its part; whether the document has no other slices."""
        work = self._stage.work(claim.event)
        parts = await parts_of(work)
        if not parts.is_refused:
            try:
                read, pages = await self._read(claim, work, parts)
            except Rejected as refused:
                await keep_refusal(work, refused)
            else:
                return await self._is_done(claim, len(read), _rest(claim, read, pages))
        return await self._queue.drop_other_slices(claim) or await self._lost(claim)

    async def _is_done(self, claim: Claim, read: int, more: list[PageRange]) -> bool:
        """Completes the slice; whether it was the document's last."""
        self._claimed.discard(claim.token)
        left = await self._queue.complete(claim, read, more)
        if left == 0:
            self._claimed.add(claim.token)
        return left == 0 if left is not None else await self._lost(claim)

    async def _read(self, claim: Claim, work: StageWork, parts: Parts) -> tuple[PageRange, int]:
        """The pages that the slice has, and how many the document has."""
        first = claim.pages.first
        if parts.pages and (stored := parts.beginning_at(first)):
            return stored, parts.pages
        original = await work.read(claim.event.original)
        last = None if claim.pages == OPENING else claim.pages.until
        read = await self._reader.parse_slice(claim.event.media_type, original, first, parts.seconds, last)
        await keep_slice(work, first, read)
        return PageRange(first, read.until), read.pages

    async def _lost(self, claim: Claim) -> bool:
        await self._stage.mark_for_erasure(claim.event)
        return False

    async def _conclude(self, claim: Claim) -> None:
        for _ in range(_CONCLUDE_ATTEMPTS):
            if await self._stage.conclude(claim.event, claim.started_at):
                await self._end(claim)
                return
            await asyncio.sleep(_CONCLUDE_PAUSE_S)
        await self._end(claim)  # parts are missing: a delivery adds their slices again
        await self._stage.conclude(claim.event, claim.started_at)

    async def _end(self, claim: Claim) -> None:
        self._claimed.discard(claim.token)
        await self._queue.end_document(claim)

    async def _dead_letter(self, claim: Claim, status: int, detail: str, attempts: int) -> None:
        await self._stage.dead_letter(claim.event, status, detail, attempts)
        await self._end(claim)

    async def _failed(self, claim: Claim, error: Exception) -> None:
        """Schedules a retry or a dead letter. Where that fails too, the lease expires and the slice is claimable."""
        if isinstance(error, OutcomeNotDelivered):
            status, reason = error.status, Reason("internal", str(error))
        else:
            status, reason = 503 if isinstance(error, StoreUnavailable) else 500, reason_of(error)
        about = {"function": self._stage.name, "tenant": claim.tenant_id, "document": claim.document_id}
        log().warning(f"a slice failed: {reason.detail}", extra=about, exc_info=error)
        self._claimed.discard(claim.token)
        with contextlib.suppress(StoreUnavailable):
            attempts = claim.attempts + 1
            if attempts < ATTEMPTS:
                await self._stage.show_trouble(claim.event, claim.started_at, attempts, reason)
                await self._queue.retry_later(claim, self._pause(claim.attempts))
            else:
                await self._dead_letter(claim, status, reason.detail, attempts)


def _rest(claim: Claim, read: PageRange, pages: int) -> list[PageRange]:
    """The slices that are left: the document's other slices, or the pages that there was no time for."""
    if claim.pages == OPENING:
        return Parts({read: ""}, pages).missing()
    return [PageRange(read.until + 1, claim.pages.until)] if read.until < claim.pages.until else []
