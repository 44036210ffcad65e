"""The cluster's bus: events are posted to a broker, which brings them to whoever listens."""

import httpx

from events.document import DocumentEvent
from events.envelope import CloudEvent, Secrets, encode, wrap
from shared.bus.recent import RECENT_S, recent_mark
from shared.counters.port import Counters
from shared.runtime.errors import StoreUnavailable

_STRUCTURED = "application/cloudevents+json"
_ANSWER_S = 5.0


class SinkBuses:
    """Posts to `url` (Knative's K_SINK)."""

    def __init__(self, url: str, secrets: Secrets, counters: Counters) -> None:
        self._url = url
        self._secrets = secrets
        self._counters = counters
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(_ANSWER_S, connect=0.5), trust_env=False)

    def of(self, source: str) -> "SinkBus":
        return SinkBus(self, source)

    async def publish(self, event: DocumentEvent, source: str) -> None:
        await self.post(wrap(event, source, self._secrets))

    async def post(self, event: CloudEvent) -> None:
        """Raises `StoreUnavailable` unless the broker has taken it."""
        try:
            answer = await self._client.post(self._url, content=encode(event), headers={"Content-Type": _STRUCTURED})
        except httpx.HTTPError as error:
            raise StoreUnavailable("bus", f"the broker does not answer ({type(error).__name__})") from error
        if answer.status_code >= 300:
            raise StoreUnavailable("bus", f"the broker answered {answer.status_code}")
        mark = recent_mark(event.aegistenant, event.subject, event.epoch)
        await self._counters.call("SET", mark, "1", "EX", RECENT_S)

    async def close(self) -> None:
        await self._client.aclose()


class SinkBus:
    """The bus in the name of one function."""

    def __init__(self, buses: SinkBuses, source: str) -> None:
        self._buses = buses
        self._source = source

    async def publish(self, event: DocumentEvent) -> None:
        await self._buses.publish(event, self._source)

    async def send_to(self, function: str, event: CloudEvent) -> None:
        """A broker brings it to every listener again; those who are done with it only say so."""
        await self._buses.post(event)
