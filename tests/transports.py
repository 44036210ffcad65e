"""An event transport that records what is published."""

from events import Message
from events.envelope import CloudEvent


class RecordingTransport:
    """Delivers to nobody. Raises `error` where a test has set one, after it has recorded the event."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self.error: Exception | None = None

    async def publish(self, event: Message, source: str) -> None:
        self.events.append(event)
        if self.error:
            raise self.error

    async def publish_missing(self, event: Message, source: str) -> bool:
        await self.publish(event, source)
        return True

    async def send_to(self, function: str, event: CloudEvent) -> None:
        raise NotImplementedError

    async def close(self) -> None: ...
