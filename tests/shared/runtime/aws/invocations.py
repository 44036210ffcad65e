"""A suite of Lambdas over the embedded stores."""

import asyncio
import json
import secrets
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from events.document import DocumentEvent
from events.envelope import CloudEvent, encode, wrap
from shared.bus.aws import AwsSink
from shared.bus.streams import ReceivedEvent
from shared.records.records import TenantRecords
from shared.records.structs import StageRecord
from shared.runtime.lambda_binding import Binding
from shared.runtime.serve import DEFAULT_TENANT, Installation, embedded_settings
from tests.shared.runtime.aws.messages import Context, batch, message, object_created

PIPELINE = ("parse", "chunk", "embed", "extract", "link", "finish")
_Result = TypeVar("_Result")


class Lambdas:
    """Each function of the table in a Lambda; the stores are those of an installation."""

    def __init__(self, data: Path, loop: asyncio.AbstractEventLoop, dead_letters: AwsSink | None = None) -> None:
        self.loop = loop
        self.installation = Installation(embedded_settings(data))
        self.services = self.run(self.installation.open())
        self.run(self.services.vectors.prepare())
        self.bus = self.installation.bus
        self.table = self.installation.table
        for function in self.table.functions:
            self.run(self.bus.open(function.name))
        self._dead_letters = dead_letters
        self._bindings: dict[str, Binding] = {}

    def run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        return self.loop.run_until_complete(coroutine)

    def close(self) -> None:
        self.run(self.installation.close(self.services))
        self.installation.folder.close()

    def binding(self, function: str) -> Binding:
        if function not in self._bindings:
            secrets = self.installation.event_secrets
            row = self.table.function(function)
            self._bindings[function] = Binding(row, self.services, secrets, self.loop, self._dead_letters)
        return self._bindings[function]

    def invoke(self, function: str, event: Any, context: Any = None) -> Any:
        return self.binding(function).handle(json.loads(json.dumps(event)), context or Context())

    @property
    def api_key(self) -> str:
        return (self.installation.folder.path / "initial-api-key").read_text().strip()

    @property
    def records(self) -> TenantRecords:
        return TenantRecords(self.services.blobs, DEFAULT_TENANT)

    def put(self, name: str, content: bytes) -> str:
        """Writes an object into the inbox of the tenant `default`; returns its key."""
        key = f"t/{DEFAULT_TENANT}/inbox/{name}"
        self.run(self.services.blobs.write(key, content))
        return key

    def intake(self, name: str, content: bytes) -> CloudEvent:
        """Submits a document by a notification; returns its first event."""
        assert self.invoke("intake", object_created(self.put(name, content))) == {"statuses": [204]}
        [event] = self.emitted("parse")
        return event

    def emitted(self, function: str) -> list[CloudEvent]:
        """What stands in the queue of a function, which is empty afterwards."""
        received: list[ReceivedEvent] = self.run(self.bus.receive(function, 10, 10))
        for one in received:
            self.run(self.bus.acknowledge(one, None))
        return [one.event for one in received]

    def travel(self, event: CloudEvent) -> list[CloudEvent]:
        """Delivers the event to the functions of the pipeline in order; returns the event of each."""
        delivered = [event]
        for function, following in zip(PIPELINE, (*PIPELINE[1:], None), strict=True):
            assert self.invoke(function, batch(message(encode(delivered[-1])))) == {"batchItemFailures": []}
            if following:
                delivered += self.emitted(following)
        return delivered

    def signed(self, event: DocumentEvent, source: str = "upload") -> CloudEvent:
        return wrap(event, source, self.installation.event_secrets)

    def stages(self, document_id: str) -> list[StageRecord]:
        return self.run(self.records.stages(document_id, 1))


def unique_note() -> bytes:
    """Bytes that no test has used."""
    return f"# Note {secrets.token_hex(8)}\n\nThe harbour of Aarhus froze over in the winter of 1963.\n".encode()
