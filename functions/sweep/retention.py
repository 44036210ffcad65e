"""Deletes documents that are older than their tenant keeps them."""

from datetime import timedelta

from shared.catalogue.catalogue import Catalogues
from shared.counters.port import Counters
from shared.erasure.erase import bury
from shared.ledger.ledger import PlatformLedger
from shared.types.clock import now

_LOOKED_S = 3600
"""How often a tenant's documents are gone through."""


async def retire(platform: PlatformLedger, catalogues: Catalogues, counters: Counters) -> None:
    """Buries them; what is buried is erased like any other deletion that was cut off."""
    for tenant_id in await platform.tenant_ids():
        ledger = platform.of(tenant_id)
        days = (await ledger.settings()).retention_days
        if days is None or not await _is_due(tenant_id, counters):
            continue
        oldest = now() - timedelta(days=days)
        async for record in ledger.documents():
            if record.created_at < oldest:
                await bury(record.document_id, record.epoch, ledger, catalogues.of(tenant_id))


async def _is_due(tenant_id: str, counters: Counters) -> bool:
    return bool(await counters.call("SET", f"retention:{tenant_id}", "1", "NX", "EX", _LOOKED_S))
