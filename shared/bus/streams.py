"""The embedded bus: a queue for each function in Redis Streams, with retries and what Redis keeps of them.

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


class Taken(Struct, frozen=True):
    """A delivery in hand. Before it were `failures`, and deliveries that a crash `cut_short`."""

    function: str
    entry: str
    event: CloudEvent
    failures: int
    cut_short: int = 0

    @property
    def attempts(self) -> int:
        """Those before this one."""
        return self.failures + self.cut_short


class StreamBus:
    """Queues for the functions of a table, written by `counters` and read by `reader`, whose answers may take long."""

    def __init__(self, redis: RedisClient, reader: RedisClient, table: Table, secrets: Secrets, consumer: str) -> None:
        self._redis = redis
        self._reader = reader
        self._table = table
        self._secrets = secrets
        self._consumer = consumer
        self._in_hand: set[tuple[str, str]] = set()
        self._unsure: set[str] = set()
        self.was_emptied = asyncio.Event()

    async def publish(self, event: Message, source: str) -> None:
        await self.send(wrap(event, source, self._secrets))

    async def send(self, event: CloudEvent) -> None:
        await self._redis.batch(self._sending(event))

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """To one function alone: a dead letter that is tried again."""
        await self._redis.batch([_enqueue(function, event), _recent(event)])

    async def take(self, function: str, count: int, wait_ms: int) -> list[Taken]:
        """Up to `count` deliveries, waiting for the first."""
        await self._redis.run(_MOVE_DUE, [_later(function), _queue(function)], [_milliseconds()])
        if function in self._unsure and (unheard := await self._unheard(function, count)):
            return unheard
        try:
            found = await self._read(function, count, wait_ms, ">")
        except ResponseError as error:
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):  # emptied before, or while it waited on Redis 7.0
                raise
            self.was_emptied.set()
            await self._create(function)
            return []
        except BaseException:
            self._unsure.add(function)  # perhaps Redis has given out what we never heard of
            raise
        return [self._taken(function, entry, fields, 0) for entry, fields in found]

    async def _unheard(self, function: str, count: int) -> list[Taken]:
        """What Redis has given out to us in an answer that was lost."""
        found = await self._read(function, 1000, 0, "0")
        lost = [(entry, fields) for entry, fields in found if fields and (function, entry) not in self._in_hand]
        if len(lost) <= count:
            self._unsure.discard(function)
        return [self._taken(function, entry, fields, 0) for entry, fields in lost[:count]]

    async def _read(self, function: str, count: int, wait_ms: int, after: str) -> list[Any]:
        block: tuple[RedisWord, ...] = ("BLOCK", wait_ms) if wait_ms else ()
        group: tuple[RedisWord, ...] = ("XREADGROUP", "GROUP", _GROUP, self._consumer, "COUNT", count, *block)
        found = await self._reader.call(*group, "STREAMS", _queue(function), after)
        return [each for _, entries in found or [] for each in entries]

    async def done(self, taken: Taken, reply: DocumentEvent | None) -> None:
        """The delivery is over; its reply, if any, is on its way."""
        sending = self._sending(wrap(reply, taken.function, self._secrets)) if reply else []
        await self._redis.batch([*sending, *_acknowledge(taken)])
        self._in_hand.discard((taken.function, taken.entry))

    async def again(self, taken: Taken, after_s: float) -> None:
        """Delivers it once more, later."""
        fields = {"event": encode(taken.event).decode(), "attempts": taken.attempts + 1}
        message = msgspec.json.encode(fields).decode()
        due = _milliseconds() + round(after_s * 1000)
        await self._redis.batch([("ZADD", _later(taken.function), due, message), *_acknowledge(taken)])
        self._in_hand.discard((taken.function, taken.entry))

    async def open(self, function: str) -> list[Taken]:
        """Makes the queue where it is missing, and returns what a former owner of it left unfinished."""
        await self._create(function)
        return await self._left_behind(function)

    async def _create(self, function: str) -> None:
        try:
            await self._redis.call("XGROUP", "CREATE", _queue(function), _GROUP, "0", "MKSTREAM")
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def begin(self, taken: Taken) -> None:
        """Counts the delivery of what was left behind, should a crash cut this one short too."""
        await self._redis.call(*self._claim(taken.function, taken.entry, taken.cut_short + 1))

    async def put_back(self, taken: Taken) -> None:
        """Leaves it to the next owner, uncounted: it was not a crash that ended this delivery."""
        await self._redis.call(*self._claim(taken.function, taken.entry, taken.cut_short))

    async def mark_only_waiting(self) -> None:
        """For the one owner of the queues at its start: only what stands in them is on its way, and whatever else was
        said has died with its hearer, so that there is nothing to wait for before it is said again."""
        kinds = (recent_mark("*", "*", "*"), quiet_mark("*", "*", "*"))
        marks = [mark for kind in kinds async for mark in self._redis.scan(kind)]
        queued = [event for function in self._table.functions for event in await self._queued(function.name)]
        await self._redis.batch([("DEL", mark) for mark in marks] + [_recent(event) for event in queued])

    async def depth(self, function: str) -> int:
        queued, later = await self._redis.batch([("XLEN", _queue(function)), ("ZCARD", _later(function))])
        return int(queued) + int(later)

    async def close(self) -> None:
        await self._reader.close()

    async def _queued(self, function: str) -> list[CloudEvent]:
        entries = await self._redis.call("XRANGE", _queue(function), "-", "+")
        later = await self._redis.call("ZRANGE", _later(function), 0, -1)
        texts = [dict(pairs(fields))["event"] for _, fields in entries or []]
        return [decode(text.encode()) for text in [*texts, *(msgspec.json.decode(m)["event"] for m in later)]]

    async def _left_behind(self, function: str) -> list[Taken]:
        pending = await self._redis.call("XPENDING", _queue(function), _GROUP, "-", "+", 10_000)
        delivered = {entry: int(times) for entry, _, _, times in pending}
        if not delivered:
            return []
        claims = [self._claim(function, entry, times) for entry, times in delivered.items()]
        claimed = [entry for answer in await self._redis.batch(claims) for entry in answer if entry]
        return [self._taken(function, entry, fields, delivered[entry]) for entry, fields in claimed if fields]

    def _claim(self, function: str, entry: str, deliveries: int) -> tuple[RedisWord, ...]:
        return ("XCLAIM", _queue(function), _GROUP, self._consumer, 0, entry, "RETRYCOUNT", deliveries)

    def _taken(self, function: str, entry: str, fields: Any, cut_short: int) -> Taken:
        message = dict(pairs(fields))
        self._in_hand.add((function, entry))
        return Taken(function, entry, decode(message["event"].encode()), int(message.get("attempts", 0)), cut_short)

    def _sending(self, event: CloudEvent) -> list[tuple[RedisWord, ...]]:
        return [
            *(
                _enqueue(function.name, event)
                for function, operation in self._table.listeners(event.type)
                if all(getattr(event, name, None) == value for name, value in operation.filter.items())
            ),
            *([_recent(event)] if event.epoch else []),  # only a document has one
        ]


def _queue(function: str) -> str:
    return f"queue:{function}"


def _later(function: str) -> str:
    return f"queue:{function}:later"


def _enqueue(function: str, event: CloudEvent) -> tuple[RedisWord, ...]:
    return ("XADD", _queue(function), "*", "event", encode(event).decode(), "attempts", 0)


def _recent(event: CloudEvent) -> tuple[RedisWord, ...]:
    return ("SET", recent_mark(event.aegistenant, event.subject, event.epoch), "1", "EX", RECENT_S)


def _acknowledge(taken: Taken) -> list[tuple[RedisWord, ...]]:
    queue = _queue(taken.function)
    return [("XACK", queue, _GROUP, taken.entry), ("XDEL", queue, taken.entry)]


def _milliseconds() -> int:
    return round(time.time() * 1000)
