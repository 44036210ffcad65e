"""Opens an installation's stores for maintenance commands, beside a running server or without one."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from shared.runtime.wiring.cluster import cluster_blobs, cluster_redis, cluster_services, is_cluster
from shared.runtime.wiring.data_folder import check_installation
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import StoreUnavailable

if TYPE_CHECKING:
    from shared.blobs.port import Blobs
    from shared.proxy.reconciling import Reconciled
    from shared.redis.client import RedisClient
    from shared.usage.verification import Verification


async def verify(data: Path) -> "Verification":
    """Verifies the whole usage ledger, of the bucket whose variable is set or of the folder, while others may write.
    Raises `NoInstallation`, `StoreUnavailable`."""
    if not is_cluster("blobs", os.environ):
        check_installation(data)
    async with _closing(_beside(data)) as services:
        return await services.usage_ledger.verify()


async def reconcile(data: Path, bills: Mapping[date, int], *, is_served: bool) -> "Reconciled":
    """Compares the ledger, Redis and the provider's bills. `is_served` says that a server runs on the folder. Without
    `bills` the cloud is asked for them, where it is used.

    Raises `NoInstallation`, `StoreUnavailable`, `FolderTaken`.
    """
    from shared.proxy.reconciling import reconcile as hold

    async with _stores(data, is_served=is_served) as services:
        billed = bills or await _provider_bills(services)
        return await hold(services.budget, services.redis, services.usage_ledger, services.journal, billed)


async def _provider_bills(services: Services) -> Mapping[date, int]:
    """Empty where the cloud does not report them: Redis and the ledger are compared all the same."""
    from shared.proxy.provider import bills
    from shared.upstreams.port import UpstreamError

    cloud = services.proxy_config.ollama_cloud
    if not cloud.is_usable:
        return {}
    try:
        return await bills(cloud, now())
    except UpstreamError as error:
        log().warning(f"the cloud does not report its bills ({error.fault})")
        return {}


@asynccontextmanager
async def _stores(data: Path, *, is_served: bool) -> AsyncIterator[Services]:
    if all(is_cluster(need, os.environ) for need in ("blobs", "counters")):
        async with _closing(cluster_services(load(), Settings.from_environ(os.environ), os.environ)) as services:
            yield services
        return
    check_installation(data)
    if is_served:
        async with _closing(_beside(data)) as services:
            yield services
        return
    from shared.runtime.serve import Installation, embedded_settings

    with Installation(embedded_settings(data)) as installation:
        opened = await installation.open()
        try:
            yield opened
        finally:
            await installation.close(opened)


@asynccontextmanager
async def _closing(services: Services) -> AsyncIterator[Services]:
    try:
        yield services
    finally:
        await services.close()


def _beside(data: Path) -> Services:
    """The stores of a server that runs on the folder; what is written there is its owner's alone, as the server's."""
    os.umask(0o077)
    from shared.blobs.folder import FolderBlobs
    from shared.redis.valkey import ValkeyServer

    def blobs() -> "Blobs":
        is_s3 = is_cluster("blobs", os.environ)
        return cluster_blobs(os.environ) if is_s3 else FolderBlobs(data / "blobs", is_owner=False)

    def redis() -> "RedisClient":
        is_url = is_cluster("counters", os.environ)
        return cluster_redis(os.environ) if is_url else ValkeyServer(data / "counters").redis()

    return Services(
        load(),
        Settings.from_environ(os.environ),
        blobs=blobs,
        redis=redis,
        transport=_none,
        vectors=lambda _: _none(),
    )


def _none() -> NoReturn:
    raise StoreUnavailable("bus", "a command beside a server has no event transport")
