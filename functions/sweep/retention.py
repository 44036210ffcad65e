"""Deletes documents that are older than their tenant's retention."""

from datetime import timedelta

from msgspec import Struct

from shared.catalogue.catalogue import Catalogues
from shared.erasure.erasure import hide_document
from shared.records.records import PlatformRecords
from shared.records.structs import DocumentRecord
from shared.redis.client import RedisClient
from shared.redis.marks import is_marked
from shared.types.clock import now
from shared.usage.journal import Journal
from shared.usage.records import ActionRecord

_CHECKED_S = 3600
"""How often a tenant's documents are gone through."""


class Retention(Struct, frozen=True):
    platform: PlatformRecords
    catalogues: Catalogues
    redis: RedisClient
    journal: Journal

    async def apply(self) -> None:
        """Hides the documents; the sweep erases them like those of any deletion that was interrupted."""
        for tenant_id in await self.platform.tenant_ids():
            records, catalogue = self.platform.of(tenant_id), self.catalogues.of(tenant_id)
            days = (await records.settings()).retention_days
            mark = f"retention:{tenant_id}"
            if days is None or await is_marked(self.redis, mark, _CHECKED_S):
                continue
            await self.redis.call("SET", mark, "1", "EX", _CHECKED_S)
            oldest = now() - timedelta(days=days)
            async for record in records.documents():
                if record.created_at < oldest:
                    await self.journal.append(_erasure(tenant_id, record))
                    await hide_document(record.document_id, record.generation, records, catalogue)


def _erasure(tenant_id: str, record: DocumentRecord) -> ActionRecord:
    return ActionRecord(
        action_id=f"retention-{record.document_id}-{record.generation}",
        kind="erasure",
        action="retention",
        at=now(),
        tenant_id=tenant_id,
        targets={"document_id": record.document_id},
    )
