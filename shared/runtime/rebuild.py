"""Rebuilds an installation's indexes from its records: no model is called, nothing is charged."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from events.document import DocumentEmbedded, DocumentLinked
from shared.access.accounts import cached_tenant
from shared.access.cached_principals import cached_key
from shared.graph.port import DocumentGraph
from shared.runtime.serve import Installation, embedded_settings
from shared.runtime.wiring.cluster import cluster_services, is_cluster
from shared.runtime.wiring.data_folder import check_installation
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import Need, load
from shared.types.errors import AegisError
from shared.vectors.stored_point import StoredPoint

INDEXES = ("catalogue", "counters", "vectors", "graph")
_NEEDS: dict[str, Need] = {"catalogue": "counters", "counters": "counters", "vectors": "vectors", "graph": "graph"}
_OPTIONAL = {"graph"}
"""What a cluster can do without."""
_BATCH = 256


def rebuild(data: Path, only: str | None = None) -> dict[str, Any]:
    """Returns how many documents, keys and passages each index has; on a cluster where its variables are set.

    Raises `FolderTaken` while a server owns the folder, `NoInstallation` where there is none, `NoSuchIndex` for an
    unknown index.
    """
    if only is not None and only not in INDEXES:
        raise NoSuchIndex(f"there is no index {only!r} here; rebuild takes {', '.join(INDEXES)}")
    indexes = (only,) if only else INDEXES
    clustered = tuple(index for index in indexes if is_cluster(_NEEDS[index], os.environ))
    if is_cluster("blobs", os.environ) and set(indexes) - set(clustered) <= _OPTIONAL - {only}:
        return asyncio.run(_rebuild_cluster(clustered))
    check_installation(data)
    with Installation(embedded_settings(data)) as installation:
        for need in ("vectors", "graph"):
            if only in (None, need) and not is_cluster(need, os.environ):
                shutil.rmtree(data / need, ignore_errors=True)
        return asyncio.run(_rebuild_folder(installation, indexes))


class NoSuchIndex(AegisError):
    """There is no index of that name."""


async def _rebuild_folder(installation: Installation, indexes: tuple[str, ...]) -> dict[str, Any]:
    services = await installation.open()
    try:
        return await _rebuild(services, indexes)
    finally:
        await installation.close(services)


async def _rebuild_cluster(indexes: tuple[str, ...]) -> dict[str, Any]:
    services = cluster_services(load(), Settings.from_environ(os.environ), os.environ)
    try:
        return await _rebuild(services, indexes)
    finally:
        await services.close()


async def _rebuild(services: Services, indexes: tuple[str, ...]) -> dict[str, Any]:
    steps = {"catalogue": catalogue, "counters": redis, "vectors": vectors, "graph": graph}
    return {index: await steps[index](services) for index in indexes}


async def catalogue(services: Services) -> dict[str, int]:
    """Rebuilds every tenant's list of documents and their stages."""
    tenants = await services.platform_records.tenant_ids()
    return {"documents": sum([await services.catalogues.of(tenant_id).rebuild() for tenant_id in tenants])}


async def redis(services: Services) -> dict[str, int]:
    """Rebuilds the cached tenants and keys, without those that have no record, and the usage ledger's digests."""
    await services.usage_ledger.rebuild_digests()
    for pattern in (cached_key("*"), cached_tenant("*")):
        async for cached in services.redis.scan(pattern):
            await services.redis.call("DEL", cached)
    tenants = await services.accounts.tenants()
    keys = [key for tenant in tenants for key in await services.accounts.keys(tenant.tenant_id)]
    for key in [*keys, *await services.accounts.keys("")]:
        await services.accounts.load_key(key.key_hash)
    return {"tenants": len(tenants), "keys": len(keys)}


async def vectors(services: Services) -> dict[str, int]:
    """Rebuilds the index of embedded passages from the recorded vectors."""
    await services.vectors.prepare()
    platform = services.platform_records
    passages = 0
    for tenant_id in await platform.tenant_ids():
        records, index = platform.of(tenant_id), services.vectors.of(tenant_id)
        async for document_id, generation in records.deleted_documents():
            await index.forget(document_id, generation)
        async for record in records.documents():
            embedded = await records.outcome(record.document_id, record.generation, "embed", DocumentEmbedded)
            if embedded is None:
                continue
            stored = msgspec.msgpack.decode(await records.read(embedded.points), type=list[StoredPoint])
            points = [one.point() for one in stored]
            for first in range(0, len(points), _BATCH):
                await index.add(points[first : first + _BATCH])
            passages += len(points)
    return {"passages": passages}


async def graph(services: Services) -> dict[str, int]:
    """Writes again what was linked and what was imported into the graphs of the tenants, without what is deleted."""
    await services.graph.prepare()
    platform = services.platform_records
    for tenant_id in await platform.tenant_ids():
        records, graph = platform.of(tenant_id), services.graph.of(tenant_id)
        async for document_id, generation in records.deleted_documents():
            await graph.forget(document_id, generation)
        async for record in records.documents():
            if linked := await records.outcome(record.document_id, record.generation, "link", DocumentLinked):
                written = msgspec.msgpack.decode(await records.read(linked.graph), type=DocumentGraph)
                for first in range(0, len(written.passages), _BATCH):
                    await graph.put(written.passages[first : first + _BATCH])
                await graph.merge(written.merges)
        async for part in records.graphs():
            await graph.put(part.passages)
            await graph.merge(part.merges)
    sizes = [await services.graph.of(tenant_id).size() for tenant_id in await platform.tenant_ids()]
    return {"entities": sum(size.entities for size in sizes), "relations": sum(size.relations for size in sizes)}
