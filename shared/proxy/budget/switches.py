"""Models that once cost more than their worst case: off, in every process, until an operator looks."""

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
    """`operation_id` is the call that cost more than was held for it."""

    model: str
    operation_id: str
    at: datetime


class Switches:
    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self._blobs = blobs
        self._redis = redis
        self._leases = Leases(redis)

    async def models(self) -> list[ModelOff]:
        """Those that are off."""
        found = await self._blobs.names(names.models_off(""))
        records = [await read_record(self._blobs, name, ModelOff) for name in found]
        return [record for record in records if record]

    async def switch_off(self, model: str, operation_id: str) -> None:
        """In the ledger, then in Redis, whose generation may be another one by now."""
        record = ModelOff(model, operation_id, now())
        await self._blobs.create(_place(model), msgspec.json.encode(record))
        await ask(self._redis, SWITCH, [model, operation_id])

    async def switch_on(self, model: str) -> None:
        async with self._leases.wait("models-off"):
            await ask(self._redis, SWITCH, [model, "on"])
            await self._blobs.erase(_place(model))

    async def keep(self) -> None:
        """Writes down what Redis says and the ledger does not: a process may have died between the two."""
        async with self._leases.wait("models-off"):
            kept = {record.model for record in await self.models()}
            for model, operation_id in await self._in_redis():
                if model not in kept:
                    await self.switch_off(model, operation_id)

    async def _in_redis(self) -> list[tuple[str, str]]:
        generation = await self._redis.call("GET", "budget:generation")
        flat = await self._redis.call("HGETALL", f"budget:{generation}:off")
        return list(zip(flat[::2], flat[1::2], strict=True))


def _place(model: str) -> str:
    """A model's name has characters that a blob's has not."""
    return names.models_off(sha256(model.encode()).hexdigest()[:32])
