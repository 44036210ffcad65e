"""Publishes events to a place outside that delivers them: a broker, an event bus, a queue."""

from typing import Protocol

from events import Message
from events.envelope import CloudEvent, Secrets, encode, wrap
from shared.bus.recent import RECENT_S, recent_mark
from shared.redis.client import RedisClient


class EventSink(Protocol):
    """A place outside that accepts events and delivers them to whoever listens."""

    async def put(self, event: CloudEvent, body: bytes) -> None:
        """Sends `body`, the event in its structured form. Raises `StoreUnavailable` unless it is accepted."""
        ...

    async def close(self) -> None: ...


class SinkTransport:
    """Sends every event to a sink, and marks its document as one with a recent event."""

    def __init__(self, sink: EventSink, secrets: Secrets, redis: RedisClient) -> None:
        self.sink = sink
        self._secrets = secrets
        self._redis = redis

    async def publish(self, event: Message, source: str) -> None:
        await self._put(wrap(event, source, self._secrets))

    async def publish_missing(self, event: Message, source: str) -> bool:
        """Every listener receives it again; those that have finished it, or are at work on it, end at once."""
        await self.publish(event, source)
        return True

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """Every listener receives it again; those that have finished it emit their outcome again."""
        await self._put(event)

    async def close(self) -> None:
        await self.sink.close()

    async def _put(self, event: CloudEvent) -> None:
        await self.sink.put(event, encode(event))
        if event.epoch:  # only an event about a document has one
            mark = recent_mark(event.aegistenant, event.subject, event.epoch)
            await self._redis.call("SET", mark, "1", "EX", RECENT_S)
