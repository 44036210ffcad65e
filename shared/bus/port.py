"""The need to tell other functions what happened."""

from typing import Protocol

from events import Message
from events.envelope import CloudEvent


class Bus(Protocol):
    """Speaks in the name of one function."""

    async def publish(self, event: Message) -> None:
        """Every function whose row listens gets it, at least once. Raises `StoreUnavailable`."""
        ...


class Redelivery(Protocol):
    """Brings one event to one function again, which for dead letters is the one that failed."""

    async def send_to(self, function: str, event: CloudEvent) -> None: ...
