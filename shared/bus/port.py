"""The transport that carries events from one function to the others."""

from typing import Protocol

from events import Message
from events.envelope import CloudEvent


class EventTransport(Protocol):
    """Carries events, at least once. Every method raises `StoreUnavailable` unless the event was accepted."""

    async def publish(self, event: Message, source: str) -> None:
        """Publishes to every function whose row listens, in the name of the function `source`."""
        ...

    async def publish_missing(self, event: Message, source: str) -> bool:
        """Publishes to the listeners that have no event of its document queued or in hand, and returns whether any
        had none. A broker, which cannot tell, delivers it to every listener."""
        ...

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """Sends an event to one function again: a dead letter, to the function that failed. A broker delivers
        it to every listener; those that have finished it emit their outcome again."""
        ...

    async def close(self) -> None: ...
