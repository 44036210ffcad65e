"""What each tenant keeps, metered once a day."""

from datetime import UTC, datetime, timedelta

from shared.records.records import PlatformRecords, TenantRecords
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.usage.concurrency import map_concurrently
from shared.usage.metering import Meter

_KEPT_S = 2 * 86400


async def meter_storage(platform: PlatformRecords, redis: RedisClient, meter: Meter) -> None:
    """Of the day before: what a tenant's originals take as that day is over. The mark in Redis saves the work; without
    it the same records are told again, and count once."""
    today = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    over = today - timedelta(seconds=1)
    mark = f"metered:storage:{over.date().isoformat()}"
    metered = set(await redis.call("SMEMBERS", mark))
    for tenant_id in await platform.tenant_ids():
        if tenant_id in metered:
            continue
        if size := await _stored(platform.of(tenant_id), over):
            await meter.record_storage(tenant_id, over, size)
        await redis.batch([("SADD", mark, tenant_id), ("EXPIRE", mark, _KEPT_S)])


async def _stored(records: TenantRecords, before: datetime) -> int:
    found = await map_concurrently(records.document, await records.document_ids())
    return sum(record.size for record in found if record and record.created_at <= before)
