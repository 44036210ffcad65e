"""Makes an installation's indexes anew from its ledger: no model is called, nothing is charged."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from shared.catalogue.catalogue import Catalogues
from shared.ledger.ledger import Ledger, PlatformLedger
from shared.ledger.records import DocumentRecord
from shared.runtime.cluster import VARIABLES, MissingStore, cluster_worlds
from shared.runtime.errors import AegisError
from shared.runtime.serve import Installation, embedded_settings
from shared.runtime.settings import Settings
from shared.runtime.table import Need, load
from shared.runtime.worlds import Worlds
from shared.vectors.kept import KeptPoint

INDEXES = ("catalogue", "counters", "vectors")
_BATCH = 256


def rebuild(data: Path, only: str | None = None) -> dict[str, Any]:
    """How many documents, keys and passages each index was made of; on a cluster where its variables are set.

    Raises `FolderTaken` while a server owns the folder, `NoSuchIndex` for an index that there is not.
    """
    if only is not None and only not in INDEXES:
        raise NoSuchIndex(f"there is no index {only!r} here; rebuild takes {', '.join(INDEXES)}")
    indexes = (only,) if only else INDEXES
    if os.environ.get("AEGIS_S3_BUCKET"):
        return asyncio.run(_rebuild_cluster(indexes))
    with Installation(embedded_settings(data)) as installation:
        if only in (None, "vectors"):
            shutil.rmtree(data / "vectors", ignore_errors=True)
        return asyncio.run(_rebuild_folder(installation, indexes))


class NoSuchIndex(AegisError):
    """An installation of this kind has no such index."""


async def _rebuild_folder(installation: Installation, indexes: tuple[str, ...]) -> dict[str, Any]:
    worlds = await installation.open()
    try:
        return await _rebuild(worlds, indexes)
    finally:
        await installation.close(worlds)


async def _rebuild_cluster(indexes: tuple[str, ...]) -> dict[str, Any]:
    table = load()
    needs: dict[str, Need] = {"catalogue": "counters", "counters": "counters", "vectors": "vectors"}
    wanted: list[Need] = ["blobs", *(needs[index] for index in indexes)]
    for need in wanted:
        if not os.environ.get(VARIABLES[need]):
            raise MissingStore(f"{VARIABLES[need]} is not set: what is rebuilt stands there.")
    worlds = cluster_worlds(table, Settings.from_environ(os.environ), os.environ)
    try:
        return await _rebuild(worlds, indexes)
    finally:
        await worlds.close()


async def _rebuild(worlds: Worlds, indexes: tuple[str, ...]) -> dict[str, Any]:
    steps = {"catalogue": catalogue, "counters": counters, "vectors": vectors}
    return {index: await steps[index](worlds) for index in indexes}


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
        ledger, index = platform.of(tenant_id), worlds.vectors.of(tenant_id)
        async for document_id, epoch in ledger.tombstones():
            await index.forget(document_id, epoch)
        async for record in ledger.documents():
            points = [kept.point() for kept in await _kept(ledger, record)]
            for first in range(0, len(points), _BATCH):
                await index.add(points[first : first + _BATCH])
            passages += len(points)
    return {"passages": passages}


async def _kept(ledger: Ledger, record: DocumentRecord) -> list[KeptPoint]:
    stage = await ledger.stage(record.document_id, record.epoch, "embed")
    if stage is None or stage.event is None:
        return []
    return msgspec.msgpack.decode(await ledger.read(stage.event["data"]["points"]), type=list[KeptPoint])
