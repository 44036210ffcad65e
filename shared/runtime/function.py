"""`aegis function NAME`: runs one function in a process of its own, as in its container."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvloop

from shared.processes.ending import exit_within
from shared.runtime.http.listening import LAST_S, PortTaken, http_server, listen, started, url_of
from shared.runtime.http.routes import application
from shared.runtime.wiring.check import check_wiring
from shared.runtime.wiring.cluster import check_backends, cluster_services
from shared.runtime.wiring.engine import check_engine
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import Function, Table, TableError, load
from shared.types.errors import AegisError, SettingError, StoreUnavailable

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from events.envelope import Secrets

_PORT = 8080


def run(name: str) -> int:
    """Runs until SIGTERM; returns the exit code."""
    try:
        settings = Settings.from_environ(os.environ, port=_PORT)
        table = load()
        function = table.function(name)
        check_wiring((function,))
        check_backends(function, os.environ)
        check_engine((function,), settings.pdf_engine)
        with listen(settings.host, settings.port) as listener:
            return uvloop.run(_run(function, table, settings, listener))
    except (PortTaken, StoreUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - before there is a log to speak of
        return 6
    except (AegisError, SettingError, TableError, ValueError) as error:
        from shared.runtime.wiring.data_folder import FolderTaken

        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 6 if isinstance(error, FolderTaken) else 2


async def _run(function: Function, table: Table, settings: Settings, listener: socket.socket) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    ending = asyncio.create_task(stop.wait())
    async with (
        _services(function, table, settings) as (services, secrets),
        _pool(function, services, secrets) as warm,
    ):
        server = http_server(
            application((function,), services, _entrances(function, services, secrets)), settings.connections
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await started(server, serving)
        ends: list[asyncio.Future[Any]] = [serving, ending]
        await asyncio.wait([warm, *ends], return_when=asyncio.FIRST_COMPLETED)
        services.warming = False
        print(f"ready {url_of(listener)} function {function.name}", flush=True)  # noqa: T201
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        services.stopping = True
        exit_within(LAST_S)
        server.should_exit = True
        await serving
    return 0


@asynccontextmanager
async def _services(
    function: Function, table: Table, settings: Settings
) -> "AsyncIterator[tuple[Services, Secrets | None]]":
    if os.environ.get("AEGIS_EMBEDDED") == "1" and function.needs:
        from shared.runtime.serve import Installation, embedded_settings

        with Installation(embedded_settings(settings.data)) as installation:
            services = await installation.open()
            try:
                yield services, installation.event_secrets
            finally:
                await installation.close(services)
        return
    from shared.runtime.wiring.cluster import event_secrets

    services = cluster_services(table, settings, os.environ)
    secrets = event_secrets(os.environ) if os.environ.get("AEGIS_EVENT_SECRET") else None
    with contextlib.suppress(asyncio.CancelledError):
        try:
            yield services, secrets
        finally:
            await services.close()


@asynccontextmanager
async def _pool(
    function: Function, services: Services, secrets: "Secrets | None"
) -> "AsyncIterator[asyncio.Future[None]]":
    """Runs the warm pool in the process of its function; the future completes when its workers are warm."""
    if "pool" not in function.needs or not services.settings.pool_workers or secrets is None:
        none: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        none.set_result(None)
        yield none
        return
    from shared.runtime.pool.host import pool_running

    async with pool_running(services, secrets) as warming:
        services.warming = True
        yield warming


def _entrances(function: Function, services: Services, secrets: "Secrets | None") -> "list[HTTPRouteHandler]":
    if secrets is None or all(operation.is_route for operation in function.operations):
        return []
    from shared.runtime.events.cloudevents import event_entrance
    from shared.runtime.events.delivery import EventDelivery

    return [event_entrance(function, EventDelivery(function, services, secrets), secrets)]


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else ""))
