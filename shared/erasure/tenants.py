"""Deletes tenants: first nothing enters any more, then all that they had is erased, until no call can be late."""

from datetime import timedelta

import msgspec
from msgspec import Struct

from shared.access.accounts import Accounts
from shared.catalogue.catalogue import Catalogues
from shared.erasure.erasure import hide_document
from shared.erasure.places import PLACES
from shared.graph.port import GraphIndex
from shared.records.records import PlatformRecords
from shared.records.structs import TenantDeletion
from shared.redis.client import RedisClient
from shared.types.clock import now

_LATE = timedelta(hours=1)
"""Longer than any call that began before the deletion."""


class TenantErasure(Struct, frozen=True):
    """Deletes a tenant and what it had, but for its usage. Raises `StoreUnavailable`."""

    platform: PlatformRecords
    accounts: Accounts
    catalogues: Catalogues
    redis: RedisClient
    graph: GraphIndex

    async def is_interrupted(self, tenant_id: str) -> bool:
        """Whether a deletion of this tenant began, and has not hidden all its documents."""
        return any(
            one == tenant_id and not deletion.is_hidden for one, deletion in await self.platform.tenant_deletions()
        )

    async def delete(self, tenant_id: str) -> None:
        """Closes the tenant, ends its keys and hides its documents; the sweep erases them. Safe to repeat."""
        await self.accounts.delete_tenant(tenant_id)
        deletions = dict(await self.platform.tenant_deletions())
        if tenant_id in deletions:
            await self._erase(tenant_id, deletions[tenant_id])

    async def erase_all(self) -> None:
        """Erases what late calls wrote for deleted tenants, until an hour after the deletion."""
        for tenant_id, deletion in await self.platform.tenant_deletions():
            await self._erase(tenant_id, deletion)
            await self.graph.forget_tenant(tenant_id)
            if now() - deletion.at > _LATE and not await self.platform.of(tenant_id).document_ids():
                await self.platform.end_tenant_deletion(tenant_id)

    async def _erase(self, tenant_id: str, deletion: TenantDeletion) -> None:
        await self.accounts.delete_tenant(tenant_id)
        for place in PLACES:
            if place.of_tenant:
                await place.of_tenant(self.platform, self.redis, tenant_id)
        records, catalogue = self.platform.of(tenant_id), self.catalogues.of(tenant_id)
        async for record in records.documents():
            await hide_document(record.document_id, record.generation, records, catalogue)
        if not deletion.is_hidden:
            await self.platform.keep_tenant_deletion(tenant_id, msgspec.structs.replace(deletion, is_hidden=True))
