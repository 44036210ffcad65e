"""Meters what each tenant stores, once a day."""

from datetime import UTC, timedelta

from msgspec import Struct

from shared.records.records import PlatformRecords
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.usage.concurrency import map_concurrently
from shared.usage.metering import Meter

_MARK_S = 2 * 86400


class StorageMetering(Struct, frozen=True):
    platform: PlatformRecords
    redis: RedisClient
    meter: Meter

    async def run(self) -> None:
        """Records how many bytes each tenant's originals took at the end of the day before.

        The mark in Redis saves the work; without it the same records are written again, and count once.
        """
        today = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = today - timedelta(seconds=1)
        mark = f"metered:storage:{end.date().isoformat()}"
        metered = set(await self.redis.call("SMEMBERS", mark))
        for tenant_id in await self.platform.tenant_ids():
            if tenant_id in metered:
                continue
            records = self.platform.of(tenant_id)
            found = await map_concurrently(records.document, await records.document_ids())
            if size := sum(record.size for record in found if record and record.created_at <= end):
                await self.meter.record_storage(tenant_id, end, size)
            await self.redis.batch([("SADD", mark, tenant_id), ("EXPIRE", mark, _MARK_S)])
