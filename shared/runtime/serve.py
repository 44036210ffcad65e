"""`aegis serve`: runs the whole suite in one process, its state in one data folder."""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import uvloop

from events.envelope import Secrets
from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.bus.port import EventTransport
from shared.bus.streams import StreamBus
from shared.graph.port import GraphIndex
from shared.graph.sqlite import SqliteIndex
from shared.pool.queue import SliceQueue
from shared.processes.ending import exit_within
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient
from shared.redis.connection import check_server
from shared.redis.leases import Leases
from shared.redis.valkey import NoServerBinary, ValkeyServer
from shared.runtime.events.runner import Runner
from shared.runtime.http.listening import GRACE_S, LAST_S, PortTaken, http_server, listen, started, url_of
from shared.runtime.http.routes import application
from shared.runtime.wiring.check import check_wiring
from shared.runtime.wiring.cluster import (
    backend_names,
    cluster_blobs,
    cluster_graph,
    cluster_redis,
    cluster_transport,
    cluster_vectors,
    is_cluster,
)
from shared.runtime.wiring.data_folder import DataFolder, FolderTaken
from shared.runtime.wiring.engine import check_engine
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import Table, TableError, load
from shared.telemetry import metrics
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import AegisError, SettingError, StoreUnavailable
from shared.types.principal import Role
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import VectorIndex

DEFAULT_TENANT = "ten_default"
_CALL_TIMEOUT_S = 0.8
"""More than on a cluster: on one machine a slow answer mostly means that it is busy. A call to a frozen server still
ends in about a second."""
_READ_TIMEOUT_S = 10.0


def serve(data: Path, host: str, port: int) -> int:
    """Runs until SIGTERM or Ctrl-C; returns the exit code."""
    try:
        check_wiring(load().functions)
        settings = embedded_settings(data, host=host, port=port)
        check_engine(load().functions, settings.pdf_engine)
        with Installation(settings) as installation, listen(host, port) as listener:
            return uvloop.run(_serve(installation, listener))
    except (FolderTaken, NoServerBinary, PortTaken, StoreUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - before there is a log to speak of
        return 6
    except (AegisError, SettingError, TableError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2


def embedded_settings(data: Path, **given: Any) -> Settings:
    """The environment's settings for an installation in a data folder. Raises `SettingError`."""
    return msgspec.structs.replace(Settings.from_environ(os.environ), data=data, spool=data / "spool", **given)


class Installation:
    """A data folder and its stores, owned by this process. A store whose variable is set is the cluster's."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.table: Table = load()
        self.folder = DataFolder(settings.data)
        self.event_secrets = self.folder.secrets(os.environ.get("AEGIS_EVENT_SECRET"))
        self._valkey = (
            None if is_cluster("counters", os.environ) else ValkeyServer(settings.data / "counters", _log_restart)
        )

    def __enter__(self) -> "Installation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.folder.close()

    async def open(self) -> Services:
        """Starts or connects the stores; the first time it also creates the tenant `default` and the first keys.

        Raises `StoreUnavailable`, and `UnfitServer` or `UnfitBucket` for a store that cannot be used as it is set.
        """
        shutil.rmtree(self.settings.data / "spool", ignore_errors=True)  # uploads that a crash interrupted
        try:
            redis = await self._started_redis()
        except AegisError:  # nothing is stored yet
            self.folder.abandon()
            raise
        reader = self._redis(_READ_TIMEOUT_S)
        self.bus = StreamBus(redis, reader, self.table, self.event_secrets, consumer=secrets.token_hex(4))
        services = Services(
            self.table,
            self.settings,
            blobs=self._blobs,
            redis=lambda: redis,
            transport=lambda: self._transport(redis),
            vectors=self._vectors,
            graph=self._graph,
            backends=backend_names(os.environ),
        )
        await services.blobs.prepare()
        await self._first_keys(services)
        return services

    async def close(self, services: Services) -> None:
        await services.close()
        await self.bus.close()
        if self._valkey:
            await self._valkey.close()

    def _blobs(self) -> Blobs:
        is_s3 = is_cluster("blobs", os.environ)
        return cluster_blobs(os.environ) if is_s3 else FolderBlobs(self.settings.data / "blobs")

    def _redis(self, answer_s: float) -> RedisClient:
        return self._valkey.redis(answer_s=answer_s) if self._valkey else cluster_redis(os.environ, answer_s=answer_s)

    async def _started_redis(self) -> RedisClient:
        """What other processes hold in a Redis of the cluster is left alone."""
        redis = self._redis(_CALL_TIMEOUT_S)
        if self._valkey:
            await self._valkey.start()
            await Leases(redis).void_all()
            await SliceQueue(redis).void_claims()
        else:
            await check_server(redis)
        return redis

    def _transport(self, redis: RedisClient) -> EventTransport:
        is_broker = is_cluster("bus", os.environ)
        return cluster_transport(os.environ, self.event_secrets, redis) if is_broker else self.bus

    def _vectors(self, services: Services) -> VectorIndex:
        if is_cluster("vectors", os.environ):
            return cluster_vectors(os.environ, services)
        return EdgeIndex(self.settings.data / "vectors", services.embedding.dimensions, services.embedding.name)

    def _graph(self) -> GraphIndex:
        if is_cluster("graph", os.environ):
            return cluster_graph(os.environ)
        return SqliteIndex(self.settings.data / "graph")

    async def _first_keys(self, services: Services) -> None:
        """Creates the tenant `default` with an admin's key, unless it was deleted, and an operator's; safe to repeat
        after a crash."""
        is_new = not await services.accounts.keys("")
        if not await services.accounts.is_deleted(DEFAULT_TENANT):
            if await services.accounts.tenant(DEFAULT_TENANT) is None:
                await services.accounts.keep_tenant(TenantRecord(DEFAULT_TENANT, "default", "enterprise", now()))
            await self._first_key(services, "initial-api-key", DEFAULT_TENANT, "admin", is_new)
        await self._first_key(services, "initial-operator-key", "", "operator", is_new)

    async def _first_key(self, services: Services, file: str, tenant_id: str, role: Role, is_new: bool) -> None:
        """Writes the file last: where it exists its key was created, and a revoked key is not created again. A new
        store, as a bucket for a folder that had none, gets the key that the folder has."""
        path = self.folder.path / file
        if is_new or not path.exists():
            given = path.read_text().strip() if path.exists() else None
            _, key = await services.accounts.create_key(tenant_id, "initial key", role, secret=given)
            await services.accounts.cache_new_key(key)
            self.folder.secret(file, lambda: key)


def _log_restart(error: Exception | None) -> None:
    if error is None:
        log().warning("the embedded Valkey ended and was started again")
    else:
        log().error("the embedded Valkey ended and cannot be started again yet", exc_info=error)


async def _serve(installation: Installation, listener: socket.socket) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    services = await installation.open()
    runner = Runner(installation.table, services, installation.bus, installation.event_secrets)
    server = http_server(application(installation.table.functions, services), services.settings.connections)
    try:
        await services.vectors.prepare()
        await services.graph.prepare()
        await runner.start()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await started(server, serving)
        url = url_of(listener)
        installation.folder.announce(url)
        metrics.started(_process_age_s())
        print(f"ready {url} key in {installation.folder.path / 'initial-api-key'}", flush=True)  # noqa: T201
        async with _pool(services, installation.event_secrets):
            await asyncio.wait([serving, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
            services.stopping = True
            exit_within(LAST_S)
            server.should_exit = True
            await asyncio.gather(runner.stop(GRACE_S), serving)
    finally:
        await installation.close(services)
    return 0


@asynccontextmanager
async def _pool(services: Services, secrets: Secrets) -> AsyncIterator[None]:
    """Runs the warm pool where one is configured; the start does not wait for its workers."""
    if not services.settings.pool_workers:
        yield
        return
    from shared.runtime.pool.host import pool_running

    async with pool_running(services, secrets):
        yield


def _process_age_s() -> float:
    """Seconds since this process started; 0 where the platform does not say."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return 0.0
