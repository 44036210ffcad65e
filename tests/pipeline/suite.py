"""The test pipeline over embedded stores, with the suite's own sweep, dead letters and document verbs around it."""

import random
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from events.document import DocumentEvent, DocumentStored
from events.envelope import Secrets, clock_tick
from shared.blobs.port import Blobs
from shared.bus.retries import ATTEMPTS
from shared.bus.streams import ReceivedEvent, StreamBus
from shared.catalogue.catalogue import Catalogue, Catalogues
from shared.catalogue.view import DocumentView, view
from shared.graph.sqlite import SqliteIndex
from shared.intake.intake import document_id_of
from shared.records.records import PlatformRecords, TenantRecords
from shared.records.structs import DocumentRecord, StageRecord
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.redis.leases import Leases
from shared.runtime.events.delivery import DeliveryResult, EventDelivery
from shared.runtime.wiring.injection import plan, provide
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.stages.resume import origin_of, stored_event
from shared.table.table import Table, load
from shared.types.call import Call
from shared.types.clock import now
from shared.types.principal import Principal, Role
from shared.types.undelivered import UndeliveredEvent
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import VectorIndex
from tests.pipeline.workshop import WORKSHOP, Workshop

TENANT = "ten_a"
SECRETS = Secrets.parse("k1:the-secret-of-these-tests")


def table() -> Table:
    """The stages of the tests, then every function of the product that is not a stage."""
    stages = load(Path(__file__).with_name("table.toml"), package="tests.pipeline").functions
    replaced = {*load().stages(), *(function.name for function in stages)}
    return Table((*stages, *(function for function in load().functions if function.name not in replaced)))


class Suite:
    """What a test does with the pipeline, step by step: nothing runs by itself."""

    def __init__(self, blobs: Blobs, redis: RedisClient, reader: RedisClient, data: Path, table: Table) -> None:
        self.blobs = blobs
        self.redis = redis
        self.table = table
        self.bus = StreamBus(redis, reader, table, SECRETS, "a test")
        self.services = Services(
            table,
            Settings(data=data),
            blobs=lambda: blobs,
            redis=lambda: redis,
            transport=lambda: self.bus,
            vectors=lambda services: self._index(data / "vectors"),
            graph=lambda: SqliteIndex(data / "graph"),
        )
        self.records = TenantRecords(blobs, TENANT)
        self.platform = PlatformRecords(blobs)
        self.catalogue = Catalogue(redis, self.records)
        self.catalogues = Catalogues(redis, self.platform)
        self.leases = Leases(redis)
        self.workshop: Workshop = WORKSHOP

    def _index(self, folder: Path) -> VectorIndex:
        return EdgeIndex(folder, 4, "of-these-tests")

    async def open(self) -> None:
        for function in self.table.functions:
            await self.bus.open(function.name)

    async def store(
        self, text: str | bytes = "a text", tenant_id: str = TENANT, at: Any = None, **fields: Any
    ) -> DocumentRecord:
        """A document as an upload leaves it in the ledger and the catalogue; nothing is said of it yet. `fields` are
        what its record says of it besides."""
        content = text.encode() if isinstance(text, str) else text
        content_hash = sha256(content).hexdigest()
        document_id = document_id_of(tenant_id, content_hash)
        records = self.platform.of(tenant_id)
        record = DocumentRecord(
            document_id=document_id,
            generation=await records.deleted_generation(document_id) + 1,
            title="",
            filename="note.txt",
            media_type="text/plain",
            parser="text",
            route="cpu",
            size=len(content),
            content_hash=content_hash,
            classification="internal",
            created_at=at or now(),
            uploader="key_member",
            request_id="req_1",
        )
        file = self.services.settings.data / "spooled"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        stored = await records.store(structs.replace(record, **fields), file)
        await self.catalogues.of(tenant_id).put(stored)
        return stored

    def stored(self, record: DocumentRecord, tenant_id: str = TENANT) -> DocumentStored:
        return stored_event(record, self.platform.of(tenant_id), origin_of(record, tenant_id))

    async def upload(self, text: str = "a text") -> DocumentRecord:
        record = await self.store(text)
        await self.bus.publish(self.stored(record), "upload")
        return record

    async def run(self, stage: str, event: DocumentEvent) -> DeliveryResult:
        """Delivers an event to a stage; the reply is not published."""
        from events.envelope import wrap

        return await EventDelivery(self.table.function(stage), self.services, SECRETS).deliver(
            wrap(event, "test", SECRETS)
        )

    async def receive(self, function: str) -> ReceivedEvent | None:
        found = await self.bus.receive(function, 1, 1)
        return found[0] if found else None

    async def deliver(self, received: ReceivedEvent) -> DeliveryResult:
        return await EventDelivery(self.table.function(received.function), self.services, SECRETS).deliver(
            received.event
        )

    async def step(self, function: str) -> DeliveryResult | None:
        """One delivery as the runner settles it, without its pauses; None where the queue is empty."""
        received = await self.receive(function)
        if received is None:
            return None
        delivered = await self.deliver(received)
        if delivered.status in (200, 204):
            await self.bus.acknowledge(received, delivered.reply)
        elif received.attempts + 1 < ATTEMPTS and not delivered.is_final:
            await self.bus.retry_later(received, 0)
        else:
            dead_letter = UndeliveredEvent(
                received.event, received.function, delivered.status, delivered.detail, received.attempts + 1
            )
            await EventDelivery(self.table.function("failed"), self.services, SECRETS).dead_letter(dead_letter)
            await self.bus.acknowledge(received, None)
        return delivered

    async def run_dry(self, order: random.Random | None = None) -> None:
        """Delivers until no queue holds anything, stages in the order of the table or in any."""
        stages = list(self.table.stages())
        while True:
            if order:
                order.shuffle(stages)
            if not any([await self.step(stage) is not None for stage in stages]):
                return

    async def tick(self) -> DeliveryResult:
        return await EventDelivery(self.table.function("sweep"), self.services, SECRETS).deliver(clock_tick("1"))

    async def call(self, function: str, verb: str, request: Any, role: Role = "admin") -> Any:
        """A verb as its route calls it."""
        row = self.table.function(function)
        operation = next(operation for operation in row.operations if operation.verb == verb)
        tenant_id = "" if role == "operator" else TENANT
        principal = Principal(tenant_id, f"key_{role}", role)
        needs = provide(self.services, plan(row, operation)[1], Call(function, tenant_id, principal, "req_2"))
        return await row.handler(operation)(request, **needs)

    async def view(self, document_id: str) -> DocumentView | None:
        entry = await self.catalogue.entry(document_id)
        return view(entry, self.table.stages(entry.record.route)) if entry else None

    async def status(self, document_id: str) -> str | None:
        view = await self.view(document_id)
        return view.status if view else None

    async def stage(self, record: DocumentRecord, stage: str) -> StageRecord | None:
        return await self.records.stage(record.document_id, record.generation, stage)

    async def markers(self) -> list[str]:
        """What the sweep would look at: documents and why."""
        return [name.removeprefix("open/") for name in await self.blobs.names("open/")]

    async def queued(self) -> dict[str, int]:
        """How many events wait for each function, empty queues left out."""
        depths = {function.name: await self.bus.depth(function.name) for function in self.table.functions}
        return {name: depth for name, depth in depths.items() if depth}

    async def forget_recent(self) -> None:
        """As a minute does: no event is young any more, and the sweep may speak again."""
        for pattern in ("recent:*", "sweep:quiet:*"):
            for key in [key async for key in self.redis.scan(pattern)]:
                await self.redis.call("DEL", key)


@pytest.fixture
async def suite(blobs: Blobs, redis: RedisClient, redis_url: str, tmp_path: Path) -> AsyncIterator[Suite]:
    reader = over_url(redis_url, answer_s=5)
    opened = Suite(blobs, redis, reader, tmp_path / "data", table())
    await opened.open()
    yield opened
    WORKSHOP.clear()
    for store in ("vectors", "graph"):
        if store in vars(opened.services):
            await getattr(opened.services, store).close()
    await reader.close()
