"""Publishes the events of a function."""

from events import Message
from events.envelope import CloudEvent
from shared.bus.port import EventTransport


class BoundPublisher:
    """Publishes in the name of one function."""

    def __init__(self, transport: EventTransport, source: str) -> None:
        self._transport = transport
        self._source = source

    async def publish(self, event: Message) -> None:
        """Every function whose row listens receives it, at least once. Raises `StoreUnavailable`."""
        await self._transport.publish(event, self._source)

    async def publish_missing(self, event: Message) -> bool:
        """Publishes to the listeners whose queue has no event of its document, where the transport can tell; returns
        whether any had none. Raises `StoreUnavailable`."""
        return await self._transport.publish_missing(event, self._source)

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """Sends an event to one function again: a dead letter, to the function that failed. Raises
        `StoreUnavailable`."""
        await self._transport.send_to(function, event)
