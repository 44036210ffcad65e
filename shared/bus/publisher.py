"""A bus in the name of one function, and buses that hand each event to one place outside."""

from typing import Protocol

from events import Message
from events.envelope import CloudEvent, Secrets, encode, wrap
from shared.bus.recent import RECENT_S, recent_mark
from shared.redis.client import RedisClient


class EventTransport(Protocol):
    """What speakers speak through."""

    async def publish(self, event: Message, source: str) -> None: ...

    async def send_to(self, function: str, event: CloudEvent) -> None: ...


class BoundPublisher:
    """Says what one function has to say."""

    def __init__(self, transport: EventTransport, source: str) -> None:
        self._transport = transport
        self._source = source

    async def publish(self, event: Message) -> None:
        await self._transport.publish(event, self._source)

    async def send_to(self, function: str, event: CloudEvent) -> None:
        await self._transport.send_to(function, event)


class EventSink(Protocol):
    """A place outside that takes events and brings them to whoever listens."""

    async def put(self, event: CloudEvent, body: bytes) -> None:
        """Takes `body`, the event in its structured form. Raises `StoreUnavailable` unless it has been taken."""
        ...

    async def close(self) -> None: ...


class SinkTransport:
    """Hands every event to a sink, and marks its document as one that is on its way."""

    def __init__(self, sink: EventSink, secrets: Secrets, redis: RedisClient) -> None:
        self.sink = sink
        self._secrets = secrets
        self._redis = redis

    def of(self, source: str) -> BoundPublisher:
        return BoundPublisher(self, source)

    async def publish(self, event: Message, source: str) -> None:
        await self._put(wrap(event, source, self._secrets))

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """Every listener gets it again; those who are done with it only say so."""
        await self._put(event)

    async def close(self) -> None:
        await self.sink.close()

    async def _put(self, event: CloudEvent) -> None:
        await self.sink.put(event, encode(event))
        if event.epoch:  # it speaks of a document
            mark = recent_mark(event.aegistenant, event.subject, event.epoch)
            await self._redis.call("SET", mark, "1", "EX", RECENT_S)
