"""The embedded event transport: a queue for each function in Redis, with turns among tenants and delayed retries.

An event leaves a queue in the same script in which its reply enters the next ones, so a crash at any point repeats at
most one delivery and loses none.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from redis.exceptions import ResponseError

from events import Message
from events.document import DocumentEvent
from events.envelope import CloudEvent, Secrets, decode, encode, wrap
from shared.bus import turns
from shared.bus.recent import RECENT_S, quiet_mark, recent_mark
from shared.bus.turns import GROUP, Demand, EnteringEvent, LeavingEvent, QueueChange, WaitingEvent, stream_key
from shared.redis.client import RedisClient, RedisWord, pairs
from shared.table.table import Table

_NO_LIMIT = 1_000_000


class ReceivedEvent(Struct, frozen=True):
    """An event that was received and is not yet acknowledged. `failures` counts the attempts that failed before,
    `interruptions` those that a crash ended."""

    function: str
    entry: str
    event: CloudEvent
    failures: int
    interruptions: int = 0

    @property
    def attempts(self) -> int:
        """The number of earlier deliveries."""
        return self.failures + self.interruptions


class StreamBus:
    """Queues for the functions of a table, written by `redis` and read by `reader`, whose reads block. They have one
    reading process."""

    def __init__(self, redis: RedisClient, reader: RedisClient, table: Table, secrets: Secrets, consumer: str) -> None:
        self._redis = redis
        self._reader = reader
        self._table = table
        self._secrets = secrets
        self._consumer = consumer
        self._in_hand: dict[tuple[str, str], str] = {}
        self._readers: Counter[str] = Counter()
        self._places: dict[str, int] = {}
        self._waiting: dict[str, list[str]] = {}
        self._lost_answers: set[str] = set()
        self.was_emptied = asyncio.Event()

    async def publish(self, event: Message, source: str) -> None:
        await self.send(wrap(event, source, self._secrets))

    async def publish_missing(self, event: Message, source: str) -> bool:
        """Publishes to the listeners that have no event of the document queued or in hand; returns whether any had
        none."""
        wrapped = wrap(event, source, self._secrets)
        return await self._change(self._entering(self._listeners(wrapped), wrapped, unless_queued=True), wrapped) > 0

    async def send(self, event: CloudEvent) -> None:
        await self._change(self._entering(self._listeners(event), event), event)

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """Sends an event to one function alone: a dead letter that is replayed."""
        await self._change(self._entering([function], event), event)

    def share_places(self, function: str, places: int) -> None:
        """Sets how many events of a function are in hand at a time; one more is given to a tenant that has none."""
        self._places[function] = places

    def others_wait(self, function: str, tenant_id: str) -> bool:
        """Whether a tenant with fewer events in hand than this one waits for its turn."""
        waiting = self._waiting.get(function, [])
        held = self._held(function) if waiting else Counter[str]()
        return any(held[other] < held[tenant_id] for other in waiting)

    async def receive(self, function: str, count: int, wait_ms: int) -> list[ReceivedEvent]:
        """Up to `count` events; waits up to `wait_ms` for the first."""
        self._readers[function] += count
        try:
            await self._apply(QueueChange([self._demand(function, looks=True)]))
            if function in self._lost_answers and (recovered := await self._recover_lost(function, count)):
                return recovered
            found = await self._read_new(function, count, wait_ms)
            return [self._received(function, entry, fields, 0) for entry, fields in found]
        finally:
            self._readers[function] -= count

    async def _read_new(self, function: str, count: int, wait_ms: int) -> list[Any]:
        try:
            return await self._read(function, count, wait_ms, ">")
        except ResponseError as error:
            # The queue was deleted before the call, or during its wait (Redis 7.0).
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            self.was_emptied.set()
            await self._create(function)
            return []
        except BaseException:
            self._lost_answers.add(function)  # Redis may have delivered events in an answer that did not arrive
            raise

    async def _recover_lost(self, function: str, count: int) -> list[ReceivedEvent]:
        """Events that Redis delivered to us in an answer that was lost."""
        found = await self._read(function, 1000, 0, "0")
        lost = [(entry, fields) for entry, fields in found if fields and (function, entry) not in self._in_hand]
        if len(lost) <= count:
            self._lost_answers.discard(function)
        return [self._received(function, entry, fields, 0) for entry, fields in lost[:count]]

    async def _read(self, function: str, count: int, wait_ms: int, after: str) -> list[Any]:
        block: tuple[RedisWord, ...] = ("BLOCK", wait_ms) if wait_ms else ()
        group: tuple[RedisWord, ...] = ("XREADGROUP", "GROUP", GROUP, self._consumer, "COUNT", count, *block)
        found = await self._reader.call(*group, "STREAMS", stream_key(function), after)
        return [each for _, entries in found or [] for each in entries]

    async def acknowledge(self, received: ReceivedEvent, reply: DocumentEvent | None) -> None:
        """Removes the event, and publishes its reply in the same script."""
        leaving = LeavingEvent(received.function, received.entry, _document(received.event))
        event = wrap(reply, received.function, self._secrets) if reply else None
        entering = self._entering(self._listeners(event), event) if event else []
        await self._change(entering, event, received, leaving)

    async def retry_later(self, received: ReceivedEvent, after_s: float) -> None:
        """Schedules another delivery; this one counts as failed."""
        pause_ms = round(after_s * 1000)
        text, tenant = encode(received.event).decode(), received.event.aegistenant
        again = WaitingEvent(text, received.attempts + 1, tenant, pause_ms, received.entry)
        message = msgspec.json.encode(again).decode()
        leaving = LeavingEvent(received.function, received.entry, _document(received.event), message, pause_ms)
        await self._change([], None, received, leaving)

    async def open(self, function: str) -> list[ReceivedEvent]:
        """Creates the queue where it is missing; returns the events that its former consumer has not acknowledged."""
        await self._create(function)
        return await self._unfinished(function)

    async def _create(self, function: str) -> None:
        try:
            await self._redis.call("XGROUP", "CREATE", stream_key(function), GROUP, "0", "MKSTREAM")
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def mark_started(self, received: ReceivedEvent) -> None:
        """Counts a delivery that may be interrupted by a crash, as the one before it was."""
        await self._redis.call(*self._claim(received.function, received.entry, received.interruptions + 1))

    async def release(self, received: ReceivedEvent) -> None:
        """Leaves the event to the next consumer without counting this delivery: no crash ended it."""
        await self._redis.call(*self._claim(received.function, received.entry, received.interruptions))

    async def mark_queued_only(self) -> None:
        """Sets the marks of recent events to exactly what the queues hold, for their one consumer at its start.

        Any other event was lost with the former process; without its mark the sweep publishes it again at once."""
        kinds = (recent_mark("*", "*", "*"), quiet_mark("*", "*", "*"))
        marks = [mark for kind in kinds async for mark in self._redis.scan(kind)]
        texts = []
        for function in self._table.functions:
            entries = await self._redis.call("XRANGE", stream_key(function.name), "-", "+")
            texts += [dict(pairs(fields))["event"] for _, fields in entries or []]
            texts += [one.event for one in await turns.waiting_messages(self._redis, function.name)]
        queued = {_recent(decode(text.encode())) for text in texts}
        await self._redis.batch(
            [*(("DEL", mark) for mark in marks), *(("SET", mark, "1", "EX", RECENT_S) for mark in queued)]
        )

    async def depth(self, function: str) -> int:
        return await turns.depth(self._redis, function)

    async def close(self) -> None:
        await self._reader.close()

    async def _unfinished(self, function: str) -> list[ReceivedEvent]:
        pending = await self._redis.call("XPENDING", stream_key(function), GROUP, "-", "+", 10_000)
        delivered = {entry: int(times) for entry, _, _, times in pending}
        if not delivered:
            return []
        claims = [self._claim(function, entry, times) for entry, times in delivered.items()]
        claimed = [entry for answer in await self._redis.batch(claims) for entry in answer if entry]
        return [self._received(function, entry, fields, delivered[entry]) for entry, fields in claimed if fields]

    def _claim(self, function: str, entry: str, deliveries: int) -> tuple[RedisWord, ...]:
        return ("XCLAIM", stream_key(function), GROUP, self._consumer, 0, entry, "RETRYCOUNT", deliveries)

    def _received(self, function: str, entry: str, fields: Any, interruptions: int) -> ReceivedEvent:
        message = dict(pairs(fields))
        event = decode(message["event"].encode())
        self._in_hand[function, entry] = event.aegistenant
        return ReceivedEvent(function, entry, event, int(message.get("attempts", 0)), interruptions)

    def _listeners(self, event: CloudEvent) -> list[str]:
        return [
            function.name
            for function, operation in self._table.listeners(event.type)
            if all(getattr(event, name, None) == value for name, value in operation.filter.items())
        ]

    def _entering(
        self, functions: Iterable[str], event: CloudEvent, *, unless_queued: bool = False
    ) -> list[EnteringEvent]:
        message = msgspec.json.encode(WaitingEvent(encode(event).decode())).decode()
        return [
            EnteringEvent(function, event.aegistenant, _document(event), message, unless_queued)
            for function in functions
        ]

    async def _change(
        self,
        entering: list[EnteringEvent],
        event: CloudEvent | None,
        received: ReceivedEvent | None = None,
        leaving: LeavingEvent | None = None,
    ) -> int:
        """`event` enters queues, `received` leaves its own; readers that wait are given what is next then. Returns how
        many queues the event has entered."""
        functions = dict.fromkeys(
            [*(one.function_name for one in entering), *([received.function] if received else [])]
        )
        change = QueueChange(
            [self._demand(function, received) for function in functions],
            entering,
            [leaving] if leaving else [],
            _recent(event) if event else "",
            RECENT_S,
        )
        published = await self._apply(change)
        if received:
            self._in_hand.pop((received.function, received.entry), None)
        return published

    async def _apply(self, change: QueueChange) -> int:
        published, waiting = await turns.apply(self._redis, change)
        self._waiting.update(waiting)
        return published

    def _demand(self, function: str, leaving: ReceivedEvent | None = None, *, looks: bool = False) -> Demand:
        held = self._held(function)
        if leaving and leaving.function == function and (function, leaving.entry) in self._in_hand:
            held[leaving.event.aegistenant] -= 1
        free = self._places.get(function, _NO_LIMIT) - held.total()
        return Demand(function, self._readers[function], free, dict(+held), looks)

    def _held(self, function: str) -> Counter[str]:
        """How many events of each tenant are in hand."""
        return Counter(tenant for (name, _), tenant in self._in_hand.items() if name == function)


def _document(event: CloudEvent) -> str:
    """Names the document in the counts of a queue; empty where the event is about none."""
    return f"{event.aegistenant}:{event.subject}:{event.epoch}" if event.epoch else ""


def _recent(event: CloudEvent) -> str:
    """The mark that the event sets; empty where it is about no document."""
    return recent_mark(event.aegistenant, event.subject, event.epoch) if event.epoch else ""
