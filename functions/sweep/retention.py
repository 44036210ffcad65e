"""Deletes documents that are older than their tenant keeps them."""

from datetime import timedelta

from shared.catalogue.catalogue import Catalogues
from shared.erasure.erase import bury
from shared.records.records import PlatformRecords
from shared.redis.client import RedisClient
from shared.types.clock import now

_LOOKED_S = 3600
"""How often a tenant's documents are gone through."""


async def retire(platform: PlatformRecords, catalogues: Catalogues, redis: RedisClient) -> None:
    """Buries them; what is buried is erased like any other deletion that was cut off."""
    for tenant_id in await platform.tenant_ids():
        records = platform.of(tenant_id)
        days = (await records.settings()).retention_days
        if days is None or not await _is_due(tenant_id, redis):
            continue
        oldest = now() - timedelta(days=days)
        async for record in records.documents():
            if record.created_at < oldest:
                await bury(record.document_id, record.generation, records, catalogues.of(tenant_id))


async def _is_due(tenant_id: str, redis: RedisClient) -> bool:
    return bool(await redis.call("SET", f"retention:{tenant_id}", "1", "NX", "EX", _LOOKED_S))
