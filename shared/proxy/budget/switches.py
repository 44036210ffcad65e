"""Models that are switched off in every process: they cost more than their worst case, or an operator did it."""

from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from shared.blobs.port import Blobs
from shared.proxy.budget.asking import ask
from shared.proxy.budget.scripts import SWITCH
from shared.records import names
from shared.records.records import read_record
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.types.clock import now


class ModelOff(Struct, frozen=True):
    """`operation_id` is the call that cost more than was reserved for it; empty where an operator switched it off."""

    model: str
    operation_id: str
    at: datetime


class ModelSwitches:
    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self._blobs = blobs
        self._redis = redis
        self._leases = Leases(redis)

    async def models(self) -> list[ModelOff]:
        """Returns the models that are off."""
        found = await self._blobs.names(names.models_off(""))
        records = [await read_record(self._blobs, name, ModelOff) for name in found]
        return [record for record in records if record]

    async def switch_off(self, model: str, operation_id: str = "") -> ModelOff:
        """Writes to the blob store, then to Redis, whose generation may be another one by now. The record of a model
        that is off already stays."""
        record, place = ModelOff(model, operation_id, now()), _place(model)
        if not await self._blobs.create(place, msgspec.json.encode(record)):
            record = await read_record(self._blobs, place, ModelOff) or record
        await ask(self._redis, SWITCH, [model, record.operation_id])
        return record

    async def switch_on(self, model: str) -> None:
        """Removes from Redis, then from the blob store: after a crash between the two a restart leaves it off."""
        async with self._leases.wait("models-off"):
            await ask(self._redis, SWITCH, [model, "on"])
            await self._blobs.erase(_place(model))

    async def store(self) -> None:
        """Stores what Redis has and the blob store lacks: a process may have died between the two writes."""
        async with self._leases.wait("models-off"):
            stored = {record.model for record in await self.models()}
            generation = await self._redis.call("GET", "budget:generation")
            flat = await self._redis.call("HGETALL", f"budget:{generation}:off")
            for model, operation_id in zip(flat[::2], flat[1::2], strict=True):
                if model not in stored:
                    await self.switch_off(model, operation_id)


def _place(model: str) -> str:
    """Returns a model's blob; the name is encoded, as it may have characters that a blob's name must not."""
    return names.models_off(sha256(model.encode()).hexdigest()[:32])
