"""The embedded event transport: a queue for each function in Redis Streams, with delayed retries.

An event leaves a queue in the same transaction in which its reply enters the next ones, so a crash at any point
repeats at most one delivery and loses none.
"""

import asyncio
import time
from typing import Any

import msgspec
from msgspec import Struct
from redis.exceptions import ResponseError

from events import Message
from events.document import DocumentEvent
from events.envelope import CloudEvent, Secrets, decode, encode, wrap
from shared.bus.recent import RECENT_S, quiet_mark, recent_mark
from shared.redis.client import RedisClient, RedisWord, Script, pairs
from shared.table.table import Table

_GROUP = "function"
_MOVE_DUE = Script("""
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 100)
for _, message in ipairs(due) do
  local fields = cjson.decode(message)
  redis.call('XADD', KEYS[2], '*', 'event', fields.event, 'attempts', fields.attempts)
  redis.call('ZREM', KEYS[1], message)
end
return #due
""")


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
    """Queues for the functions of a table, written by `redis` and read by `reader`, whose reads block."""

    def __init__(self, redis: RedisClient, reader: RedisClient, table: Table, secrets: Secrets, consumer: str) -> None:
        self._redis = redis
        self._reader = reader
        self._table = table
        self._secrets = secrets
        self._consumer = consumer
        self._unacknowledged: set[tuple[str, str]] = set()
        self._lost_answers: set[str] = set()
        self.was_emptied = asyncio.Event()

    async def publish(self, event: Message, source: str) -> None:
        await self.send(wrap(event, source, self._secrets))

    async def send(self, event: CloudEvent) -> None:
        await self._redis.batch(self._enqueue_all(event))

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """Sends an event to one function alone: a dead letter that is replayed."""
        await self._redis.batch([_enqueue(function, event), _recent(event)])

    async def receive(self, function: str, count: int, wait_ms: int) -> list[ReceivedEvent]:
        """Up to `count` events; waits up to `wait_ms` for the first."""
        await self._redis.run(_MOVE_DUE, [_retry_queue(function), _queue(function)], [_milliseconds()])
        if function in self._lost_answers and (recovered := await self._recover_lost(function, count)):
            return recovered
        try:
            found = await self._read(function, count, wait_ms, ">")
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
        return [self._received(function, entry, fields, 0) for entry, fields in found]

    async def _recover_lost(self, function: str, count: int) -> list[ReceivedEvent]:
        """Events that Redis delivered to us in an answer that was lost."""
        found = await self._read(function, 1000, 0, "0")
        lost = [(entry, fields) for entry, fields in found if fields and (function, entry) not in self._unacknowledged]
        if len(lost) <= count:
            self._lost_answers.discard(function)
        return [self._received(function, entry, fields, 0) for entry, fields in lost[:count]]

    async def _read(self, function: str, count: int, wait_ms: int, after: str) -> list[Any]:
        block: tuple[RedisWord, ...] = ("BLOCK", wait_ms) if wait_ms else ()
        group: tuple[RedisWord, ...] = ("XREADGROUP", "GROUP", _GROUP, self._consumer, "COUNT", count, *block)
        found = await self._reader.call(*group, "STREAMS", _queue(function), after)
        return [each for _, entries in found or [] for each in entries]

    async def acknowledge(self, received: ReceivedEvent, reply: DocumentEvent | None) -> None:
        """Removes the event, and publishes its reply in the same transaction."""
        publishing = self._enqueue_all(wrap(reply, received.function, self._secrets)) if reply else []
        await self._redis.batch([*publishing, *_acknowledge(received)])
        self._unacknowledged.discard((received.function, received.entry))

    async def retry_later(self, received: ReceivedEvent, after_s: float) -> None:
        """Schedules another delivery; this one counts as failed."""
        fields = {"event": encode(received.event).decode(), "attempts": received.attempts + 1}
        message = msgspec.json.encode(fields).decode()
        due = _milliseconds() + round(after_s * 1000)
        await self._redis.batch([("ZADD", _retry_queue(received.function), due, message), *_acknowledge(received)])
        self._unacknowledged.discard((received.function, received.entry))

    async def open(self, function: str) -> list[ReceivedEvent]:
        """Creates the queue where it is missing; returns the events that its former consumer has not acknowledged."""
        await self._create(function)
        return await self._unfinished(function)

    async def _create(self, function: str) -> None:
        try:
            await self._redis.call("XGROUP", "CREATE", _queue(function), _GROUP, "0", "MKSTREAM")
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
            entries = await self._redis.call("XRANGE", _queue(function.name), "-", "+")
            retries = await self._redis.call("ZRANGE", _retry_queue(function.name), 0, -1)
            texts += [dict(pairs(fields))["event"] for _, fields in entries or []]
            texts += [msgspec.json.decode(message)["event"] for message in retries]
        queued = [_recent(decode(text.encode())) for text in texts]
        await self._redis.batch([*(("DEL", mark) for mark in marks), *queued])

    async def depth(self, function: str) -> int:
        queued, later = await self._redis.batch([("XLEN", _queue(function)), ("ZCARD", _retry_queue(function))])
        return int(queued) + int(later)

    async def close(self) -> None:
        await self._reader.close()

    async def _unfinished(self, function: str) -> list[ReceivedEvent]:
        pending = await self._redis.call("XPENDING", _queue(function), _GROUP, "-", "+", 10_000)
        delivered = {entry: int(times) for entry, _, _, times in pending}
        if not delivered:
            return []
        claims = [self._claim(function, entry, times) for entry, times in delivered.items()]
        claimed = [entry for answer in await self._redis.batch(claims) for entry in answer if entry]
        return [self._received(function, entry, fields, delivered[entry]) for entry, fields in claimed if fields]

    def _claim(self, function: str, entry: str, deliveries: int) -> tuple[RedisWord, ...]:
        return ("XCLAIM", _queue(function), _GROUP, self._consumer, 0, entry, "RETRYCOUNT", deliveries)

    def _received(self, function: str, entry: str, fields: Any, interruptions: int) -> ReceivedEvent:
        message = dict(pairs(fields))
        self._unacknowledged.add((function, entry))
        failures = int(message.get("attempts", 0))
        return ReceivedEvent(function, entry, decode(message["event"].encode()), failures, interruptions)

    def _enqueue_all(self, event: CloudEvent) -> list[tuple[RedisWord, ...]]:
        return [
            *(
                _enqueue(function.name, event)
                for function, operation in self._table.listeners(event.type)
                if all(getattr(event, name, None) == value for name, value in operation.filter.items())
            ),
            *([_recent(event)] if event.epoch else []),  # only an event about a document has one
        ]


def _queue(function: str) -> str:
    return f"queue:{function}"


def _retry_queue(function: str) -> str:
    return f"queue:{function}:later"


def _enqueue(function: str, event: CloudEvent) -> tuple[RedisWord, ...]:
    return ("XADD", _queue(function), "*", "event", encode(event).decode(), "attempts", 0)


def _recent(event: CloudEvent) -> tuple[RedisWord, ...]:
    return ("SET", recent_mark(event.aegistenant, event.subject, event.epoch), "1", "EX", RECENT_S)


def _acknowledge(received: ReceivedEvent) -> list[tuple[RedisWord, ...]]:
    queue = _queue(received.function)
    return [("XACK", queue, _GROUP, received.entry), ("XDEL", queue, received.entry)]


def _milliseconds() -> int:
    return round(time.time() * 1000)
