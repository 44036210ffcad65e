"""Posts events to a broker over HTTP: Knative's, by its `K_SINK`, or any other that accepts CloudEvents."""

import httpx

from events.envelope import CloudEvent
from shared.types.errors import StoreUnavailable

_STRUCTURED = "application/cloudevents+json"
_TIMEOUT_S = 5.0


class BrokerSink:
    """Posts events in their structured form."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(_TIMEOUT_S, connect=0.5), trust_env=False)

    async def put(self, event: CloudEvent, body: bytes) -> None:
        """Raises `StoreUnavailable` unless the broker has accepted it."""
        try:
            answer = await self._client.post(self._url, content=body, headers={"Content-Type": _STRUCTURED})
        except httpx.HTTPError as error:
            raise StoreUnavailable("bus", f"the broker does not answer ({type(error).__name__})") from error
        if answer.status_code >= 300:
            raise StoreUnavailable("bus", f"the broker answered {answer.status_code}")

    async def close(self) -> None:
        await self._client.aclose()
