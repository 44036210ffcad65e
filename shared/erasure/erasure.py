"""Deletes documents: for every reader at once, then from every store."""

import asyncio

from shared.catalogue.catalogue import Catalogue
from shared.erasure.compaction import request_compaction
from shared.erasure.places import PLACES, DeletedDocument, Stores
from shared.records.records import TenantRecords
from shared.redis.leases import Leases, document_lease
from shared.types.errors import DiskFull, StoreUnavailable

_REDIS_RECOVERS_S = 1.5
"""An embedded Redis tries its append-only file again each second."""


async def hide_document(document_id: str, generation: int, records: TenantRecords, catalogue: Catalogue) -> None:
    """Deletes the document for every reader; its marker lets the sweep erase it.

    The catalogue drops it before its tombstone is written: interrupted in between, it is not seen again. Raises
    `StoreUnavailable`, and nothing is promised then.
    """
    await records.mark_open(document_id, generation, "deleting")
    await catalogue.drop(document_id, generation)
    await records.write_tombstone(document_id, generation)


class Erasure(Stores, frozen=True):
    """Takes a tenant's documents out of every store."""

    leases: Leases

    async def delete(self, tenant_id: str, document_id: str, generation: int) -> bool:
        """Hides the document, then erases it. False where a store is away, and the sweep erases it later.

        Raises `StoreUnavailable` where it could not even be hidden.
        """
        try:
            await self._hide(tenant_id, document_id, generation)
        except (DiskFull, StoreUnavailable):
            if not await self.platform.make_room():
                raise
            await asyncio.sleep(_REDIS_RECOVERS_S)
            await self._hide(tenant_id, document_id, generation)
        try:
            await self.erase(tenant_id, document_id, generation)
        except (DiskFull, StoreUnavailable):
            return False
        return True

    async def _hide(self, tenant_id: str, document_id: str, generation: int) -> None:
        async with self.leases.wait(document_lease(tenant_id, document_id)):
            await hide_document(document_id, generation, self.platform.of(tenant_id), self.catalogues.of(tenant_id))

    async def erase(self, tenant_id: str, document_id: str, up_to_generation: int) -> None:
        """Erases the indexes and what was answered from the document first, its blobs next, its markers last:
        interrupted anywhere, it can be done again from the start.

        Only generations up to the given one are erased: bytes uploaded again meanwhile stay. Raises
        `StoreUnavailable`.
        """
        records = self.platform.of(tenant_id)
        generations = range(1, up_to_generation + 1)
        markers = [await records.open_marker(document_id, generation, "deleting") for generation in generations]
        gone = DeletedDocument(tenant_id, document_id, up_to_generation)
        for place in PLACES:
            if place.of_document:
                await place.of_document(self, gone)
        for generation, marker in zip(generations, markers, strict=True):
            await records.mark_closed(document_id, generation)
            # A stage that ended meanwhile has marked it again: what it wrote is erased in another turn.
            if await records.open_marker(document_id, generation, "deleting") == marker:
                await records.mark_closed(document_id, generation, "deleting")
        await request_compaction(self.redis)
        if await records.has_blobs(document_id, up_to_generation):  # a stage wrote while the markers were erased
            await records.mark_open(document_id, up_to_generation, "deleting")
