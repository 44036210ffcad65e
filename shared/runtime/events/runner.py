"""Delivers events in one process: from queues to functions, with retries, dead letters and the clock."""

import asyncio
import contextlib
import time
from functools import partial
from itertools import chain
from secrets import token_hex

from events.envelope import Secrets, clock_tick
from shared.bus.retries import ATTEMPTS, pause
from shared.bus.streams import ReceivedEvent, StreamBus
from shared.runtime.events.delivery import DeliveryResult, EventDelivery
from shared.runtime.wiring.services import Services
from shared.table.table import DEAD_LETTER, Function, Table
from shared.telemetry.logs import log
from shared.types.errors import StoreUnavailable
from shared.types.tasks import cancel_all
from shared.types.undelivered import UndeliveredEvent

_SUSPECT_INTERRUPTIONS = 2
"""After so many deliveries that ended with a crash an event is suspected to cause it."""
_TICK_S = 30.0
TURN_S = 20.0
"""After so long a stage of many steps gives way to a tenant that waits for its turn."""
_WAIT_MS = 1000
_REDIS_RETRY_S = 2.0
"""Pause before the next call where Redis did not answer."""


class Runner:
    """Runs the event functions of a table over the embedded transport."""

    def __init__(self, table: Table, services: Services, bus: StreamBus, secrets: Secrets) -> None:
        self._bus = bus
        self._table = table
        self._delivery = {
            function.name: EventDelivery(function, services, secrets)
            for function in table.functions
            if any(not operation.is_route for operation in function.operations)
        }
        self._loops: list[asyncio.Task[None]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        functions = [
            function
            for function in self._table.functions
            if any(op.on.startswith("aegis.document.") for op in function.operations)
        ]
        left = {function.name: await self._bus.open(function.name) for function in functions}
        self._loops.append(asyncio.create_task(self._resume(functions, left), name="unfinished deliveries"))
        self._loops.append(asyncio.create_task(self._run_clock(), name="clock"))

    async def stop(self, grace_s: float) -> None:
        """Receives nothing more, and waits up to `grace_s` for running deliveries. The rest is delivered after a
        restart."""
        self._stopping = True
        await cancel_all(self._loops)
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        await cancel_all(self._running)

    async def _resume(self, functions: list[Function], left: dict[str, list[ReceivedEvent]]) -> None:
        """Delivers suspected events first, one at a time: where one crashes the process again, no other delivery is
        interrupted with it and suspected."""
        alone = asyncio.Semaphore(1)
        for received in chain.from_iterable(left.values()):
            if received.interruptions >= _SUSPECT_INTERRUPTIONS:
                await alone.acquire()
                self._start_delivery(received, alone)
        async with alone:
            for function in functions:
                others = [
                    received for received in left[function.name] if received.interruptions < _SUSPECT_INTERRUPTIONS
                ]
                self._loops.append(asyncio.create_task(self._run(function, others), name=function.name))

    async def _run(self, function: Function, left: list[ReceivedEvent]) -> None:
        """Delivers one function's queue, with as many deliveries at a time as its row allows, and one more for a tenant
        that has none."""
        self._bus.share_places(function.name, function.concurrency)
        places = asyncio.Semaphore(function.concurrency + 1)
        for received in left:
            await places.acquire()
            self._start_delivery(received, places)
        while not self._stopping:
            await places.acquire()
            found = await self._next(function.name)
            if found:
                self._start_delivery(found, places)
            else:
                places.release()

    async def _next(self, function: str) -> ReceivedEvent | None:
        try:
            found = await self._bus.receive(function, 1, _WAIT_MS)
        except StoreUnavailable:
            await asyncio.sleep(_REDIS_RETRY_S)
            return None
        except Exception:  # noqa: BLE001 - whatever it is, reading the queue has to go on
            log().exception("cannot read a queue", extra={"function": function})
            await asyncio.sleep(_REDIS_RETRY_S)
            return None
        return found[0] if found else None

    def _start_delivery(self, received: ReceivedEvent, places: asyncio.Semaphore) -> None:
        async def work() -> None:
            try:
                await self._deliver(received)
            except asyncio.CancelledError:
                with contextlib.suppress(StoreUnavailable):
                    await self._bus.release(received)
                raise
            finally:
                places.release()

        task = asyncio.create_task(work(), name=f"{received.function} {received.event.subject}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, received: ReceivedEvent) -> None:
        if received.interruptions:
            with contextlib.suppress(StoreUnavailable):
                await self._bus.mark_started(received)
        if received.attempts < ATTEMPTS:
            ends_early = partial(self._ends_early, received, time.monotonic() + TURN_S)
            result = await self._delivery[received.function].deliver(received.event, ends_early=ends_early)
        else:
            # 503: something else may have ended the process, so its dead letter is replayed later.
            result = DeliveryResult(503, detail="the process ended while it handled this event")
        while True:
            try:
                await self._settle(received, result)
                return
            except StoreUnavailable:  # the outcome is recorded; only its acknowledgement is missing
                await asyncio.sleep(_REDIS_RETRY_S)
            except Exception:  # noqa: BLE001 - for example a full disk: the event must not be lost
                log().exception("cannot conclude a delivery", extra={"function": received.function})
                await asyncio.sleep(_REDIS_RETRY_S)

    def _ends_early(self, received: ReceivedEvent, turn_until: float) -> bool:
        """Whether the process ends, or the turn is over and another tenant waits for its own."""
        if self._stopping:
            return True
        is_over = time.monotonic() > turn_until
        return is_over and self._bus.others_wait(received.function, received.event.aegistenant)

    async def _settle(self, received: ReceivedEvent, result: DeliveryResult) -> None:
        if result.status in (200, 204):
            await self._bus.acknowledge(received, result.reply)
        elif result.status == 401:
            log().error("dropped an event that is not signed by us", extra={"function": received.function})
            await self._bus.acknowledge(received, None)
        elif not result.is_final and received.attempts + 1 < ATTEMPTS:
            await self._bus.retry_later(received, max(pause(received.attempts), result.retry_after or 0))
        else:
            attempts = min(received.attempts + 1, ATTEMPTS)
            undelivered = UndeliveredEvent(received.event, received.function, result.status, result.detail, attempts)
            for function, _ in self._table.listeners(DEAD_LETTER):
                await self._delivery[function.name].dead_letter(undelivered)
            await self._bus.acknowledge(received, None)

    async def _run_clock(self) -> None:
        """Ticks every 30 s, and at once when the queues turn out to be deleted."""
        try:
            await self._bus.mark_queued_only()
        except Exception:  # noqa: BLE001 - the clock has to start whatever the queues hold
            log().exception("cannot look through the queues", extra={"function": "clock"})
        while not self._stopping:
            tick = clock_tick(token_hex(8))
            for function, _ in self._table.listeners(tick.type):
                await self._delivery[function.name].deliver(tick)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._bus.was_emptied.wait()
            self._bus.was_emptied.clear()
