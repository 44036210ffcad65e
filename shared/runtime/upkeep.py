"""Opens an installation's stores for maintenance commands, beside a running server or without one."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import AegisError, StoreUnavailable

if TYPE_CHECKING:
    from shared.proxy.reconciling import Reconciled
    from shared.usage.verification import Verification


class NoInstallation(AegisError):
    """No stores were found; the message says what to set."""


async def verify(data: Path) -> "Verification":
    """Verifies the whole usage ledger, of the bucket whose variable is set or of the folder, while others may write.
    Raises `NoInstallation`, `StoreUnavailable`."""
    services = _cluster("AEGIS_S3_BUCKET") or _beside(data)
    try:
        return await services.usage_ledger.verify()
    finally:
        await services.close()


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
    services = _cluster("AEGIS_S3_BUCKET", "AEGIS_REDIS_URL") or (_beside(data) if is_served else None)
    if services is not None:
        try:
            yield services
        finally:
            await services.close()
        return
    from shared.runtime.serve import Installation, embedded_settings

    _check_folder(data)
    with Installation(embedded_settings(data)) as installation:
        opened = await installation.open()
        try:
            yield opened
        finally:
            await installation.close(opened)


def _cluster(*variables: str) -> Services | None:
    """The cluster's stores; None where the first variable is not set."""
    if not os.environ.get(variables[0]):
        return None
    for name in variables:
        if not os.environ.get(name):
            raise NoInstallation(f"{name} is not set: the command needs that store too.")
    from shared.runtime.wiring.cluster import cluster_services

    return cluster_services(load(), Settings.from_environ(os.environ), os.environ)


def _beside(data: Path) -> Services:
    from shared.blobs.folder import FolderBlobs
    from shared.redis.valkey import ValkeyServer

    _check_folder(data)
    return Services(
        load(),
        Settings.from_environ(os.environ),
        blobs=lambda: FolderBlobs(data / "blobs", is_owner=False),
        redis=lambda: ValkeyServer(data / "counters").redis(),
        transport=_none,
        vectors=lambda _: _none(),
    )


def _check_folder(data: Path) -> None:
    if not (data / "blobs").is_dir():
        raise NoInstallation(f"{data} is no data folder of a server, and AEGIS_S3_BUCKET is not set.")


def _none() -> NoReturn:
    raise StoreUnavailable("bus", "a command beside a server has no event transport")
