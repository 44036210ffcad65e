"""Delivers events in one process: queues to functions, replies back to queues, retries, dead letters, the clock."""

import asyncio
import contextlib
import secrets
from collections.abc import Collection

from events.clock import ClockTicked
from events.envelope import CloudEvent, Secrets
from shared.bus.retries import ATTEMPTS, pause
from shared.bus.streams import StreamBus, Taken
from shared.runtime.events.delivery import DeliveryResult, EventDelivery
from shared.runtime.wiring.services import Services
from shared.table.table import DEAD_LETTER, Function, Table
from shared.telemetry.logs import log
from shared.types.errors import StoreUnavailable
from shared.types.tracing import new_request_id
from shared.types.undelivered import UndeliveredEvent

_SUSPECT = 2
"""EventDelivery cut short by a crash after which an event is suspected of it."""
_CLOCK_S = 30.0
_WAIT_MS = 1000
_PATIENCE_S = 2.0
"""Before Redis is asked again when it did not answer."""


class Runner:
    """Runs the event functions of a table over an embedded bus."""

    def __init__(self, table: Table, services: Services, bus: StreamBus, secrets: Secrets) -> None:
        self._bus = bus
        self._table = table
        self._deliveries = {
            function.name: EventDelivery(function, services, secrets)
            for function in table.functions
            if any(not operation.is_route for operation in function.operations)
        }
        self._loops: list[asyncio.Task[None]] = []
        self._at_work: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        functions = [
            function
            for function in self._table.functions
            if any(op.on.startswith("aegis.document.") for op in function.operations)
        ]
        left = {function.name: await self._bus.open(function.name) for function in functions}
        self._loops.append(asyncio.create_task(self._go_on(functions, left), name="what was left"))
        self._loops.append(asyncio.create_task(self._keep_time(), name="clock"))

    async def stop(self, grace_s: float) -> None:
        """Takes nothing more; lets what is at work finish for a while. The rest is delivered again after a start."""
        self._stopping = True
        await _end(self._loops)
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=grace_s)
        await _end(self._at_work)

    async def _go_on(self, functions: list[Function], left: dict[str, list[Taken]]) -> None:
        """What may have ended the process comes first and alone, one after the other: should it do so again, nothing
        else is cut short with it and suspected."""
        alone = asyncio.Semaphore(1)
        for taken in [taken for of_one in left.values() for taken in of_one if taken.cut_short >= _SUSPECT]:
            await alone.acquire()
            self._begin(taken, alone)
        async with alone:
            for function in functions:
                others = [taken for taken in left[function.name] if taken.cut_short < _SUSPECT]
                self._loops.append(asyncio.create_task(self._run(function, others), name=function.name))

    async def _run(self, function: Function, left: list[Taken]) -> None:
        """One function's queue, as many deliveries at a time as its row allows."""
        places = asyncio.Semaphore(function.concurrency)
        for taken in left:
            await places.acquire()
            self._begin(taken, places)
        while not self._stopping:
            await places.acquire()
            found = await self._next(function.name)
            if found:
                self._begin(found, places)
            else:
                places.release()

    async def _next(self, function: str) -> Taken | None:
        try:
            found = await self._bus.take(function, 1, _WAIT_MS)
        except StoreUnavailable:
            await asyncio.sleep(_PATIENCE_S)
            return None
        except Exception:  # noqa: BLE001 - whatever it is, a queue that nobody reads any more is worse
            log().exception("cannot read a queue", extra={"function": function})
            await asyncio.sleep(_PATIENCE_S)
            return None
        return found[0] if found else None

    def _begin(self, taken: Taken, places: asyncio.Semaphore) -> None:
        async def work() -> None:
            try:
                await self._deliver(taken)
            except asyncio.CancelledError:
                with contextlib.suppress(StoreUnavailable):
                    await self._bus.put_back(taken)
                raise
            finally:
                places.release()

        task = asyncio.create_task(work(), name=f"{taken.function} {taken.event.subject}")
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _deliver(self, taken: Taken) -> None:
        if taken.cut_short:
            with contextlib.suppress(StoreUnavailable):
                await self._bus.begin(taken)
        if taken.attempts < ATTEMPTS:
            delivered = await self._deliveries[taken.function].deliver(taken.event)
        else:
            # As if a store had been away: perhaps something else ended the process, and it is tried again in its time.
            delivered = DeliveryResult(503, detail="the process ended while it was at work on this")
        while True:
            try:
                await self._conclude(taken, delivered)
                return
            except StoreUnavailable:  # the outcome is in the ledger; here it is only passed on
                await asyncio.sleep(_PATIENCE_S)
            except Exception:  # noqa: BLE001 - a disk that is full, say: nothing may be lost by it
                log().exception("cannot conclude a delivery", extra={"function": taken.function})
                await asyncio.sleep(_PATIENCE_S)

    async def _conclude(self, taken: Taken, delivered: DeliveryResult) -> None:
        if delivered.status in (200, 204):
            await self._bus.done(taken, delivered.reply)
        elif delivered.status == 401:
            log().error("dropped an event that is not signed by us", extra={"function": taken.function})
            await self._bus.done(taken, None)
        elif not delivered.is_final and taken.attempts + 1 < ATTEMPTS:
            await self._bus.again(taken, max(pause(taken.attempts), delivered.retry_after or 0))
        else:
            await self._bury(taken, delivered)
            await self._bus.done(taken, None)

    async def _bury(self, taken: Taken, delivered: DeliveryResult) -> None:
        attempts = min(taken.attempts + 1, ATTEMPTS)
        letter = UndeliveredEvent(taken.event, taken.function, delivered.status, delivered.detail, attempts)
        for function, _ in self._table.listeners(DEAD_LETTER):
            await self._deliveries[function.name].dead_letter(letter)

    async def _keep_time(self) -> None:
        """Ticks every 30 s, and at once when the queues turn out to be gone."""
        await self._find_lost()
        while not self._stopping:
            await self._tick()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOCK_S):
                    await self._bus.was_emptied.wait()
            self._bus.was_emptied.clear()

    async def _find_lost(self) -> None:
        """At the start no event is on its way but those that stand in the queues."""
        try:
            await self._bus.mark_only_waiting()
        except Exception:  # noqa: BLE001 - the clock has to start whatever stands in the queues
            log().exception("cannot look through the queues", extra={"function": "clock"})

    async def _tick(self) -> None:
        event = CloudEvent(
            id=f"tick_{secrets.token_hex(8)}",
            source="/clock",
            type=ClockTicked.type_name(),
            requestid=new_request_id(),
        )
        for function, _ in self._table.listeners(event.type):
            await self._deliveries[function.name].deliver(event)


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancels again while one goes on: a cancellation that comes together with an answer can get lost on the way."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=1)
