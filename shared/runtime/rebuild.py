"""Makes an installation's indexes anew from its ledger: no model is called, nothing is charged."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import msgspec

from shared.catalogue.catalogue import Catalogues
from shared.ledger.ledger import Ledger, PlatformLedger
from shared.ledger.records import DocumentRecord
from shared.runtime.serve import Installation, embedded_settings
from shared.runtime.worlds import Worlds
from shared.vectors.kept import KeptPoint

INDEXES = ("catalogue", "counters", "vectors")
_BATCH = 256


def rebuild(data: Path, only: str | None = None) -> dict[str, Any]:
    """How many documents, keys and passages each index was made of.

    Raises `FolderTaken` while a server owns the folder, ValueError for an index that there is not.
    """
    if only is not None and only not in INDEXES:
        raise ValueError(f"there is no index {only!r} here; rebuild takes {', '.join(INDEXES)}")
    with Installation(embedded_settings(data)) as installation:
        if only in (None, "vectors"):
            shutil.rmtree(data / "vectors", ignore_errors=True)
        return asyncio.run(_rebuild(installation, (only,) if only else INDEXES))


async def _rebuild(installation: Installation, indexes: tuple[str, ...]) -> dict[str, Any]:
    worlds = await installation.open()
    try:
        steps = {"catalogue": catalogue, "counters": counters, "vectors": vectors}
        return {index: await steps[index](worlds) for index in indexes}
    finally:
        await installation.close(worlds)


async def catalogue(worlds: Worlds) -> dict[str, int]:
    """Every tenant's list of documents and how far each has come."""
    platform = PlatformLedger(worlds.blobs)
    catalogues = Catalogues(worlds.counters, platform)
    tenants = await platform.tenant_ids()
    return {"documents": sum([await catalogues.of(tenant_id).rebuild() for tenant_id in tenants])}


async def counters(worlds: Worlds) -> dict[str, int]:
    """The cached tenants and keys; whatever was cached and is not in the ledger is gone."""
    async for cached in worlds.counters.scan("key:*"):
        await worlds.counters.call("DEL", cached)
    async for cached in worlds.counters.scan("tenant:*"):
        await worlds.counters.call("DEL", cached)
    tenants = await worlds.accounts.tenants()
    keys = [key for tenant in tenants for key in await worlds.accounts.keys(tenant.tenant_id)]
    for key in [*keys, *await worlds.accounts.keys("")]:
        await worlds.accounts.load_key(key.key_hash)
    return {"tenants": len(tenants), "keys": len(keys)}


async def vectors(worlds: Worlds) -> dict[str, int]:
    """Every embedded passage, with the vectors that the ledger keeps."""
    await worlds.vectors.prepare()
    platform = PlatformLedger(worlds.blobs)
    passages = 0
    for tenant_id in await platform.tenant_ids():
        ledger = platform.of(tenant_id)
        async for record in ledger.documents():
            points = [kept.point() for kept in await _kept(ledger, record)]
            for first in range(0, len(points), _BATCH):
                await worlds.vectors.of(tenant_id).add(points[first : first + _BATCH])
            passages += len(points)
    return {"passages": passages}


async def _kept(ledger: Ledger, record: DocumentRecord) -> list[KeptPoint]:
    stage = await ledger.stage(record.document_id, record.epoch, "embed")
    if stage is None or stage.event is None:
        return []
    return msgspec.msgpack.decode(await ledger.read(stage.event["data"]["points"]), type=list[KeptPoint])
