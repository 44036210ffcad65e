"""The routes of every process: health, readiness and metrics."""

import asyncio
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from msgspec import Struct

from shared.runtime.http.exchange import exchange_of
from shared.runtime.wiring.services import Services
from shared.table.table import Function, Need
from shared.telemetry import metrics
from shared.telemetry.logs import log
from shared.types.errors import AegisError, NotFound, StoreFull

_PROBE_S = 0.8
_FIRST_PROBE_S = 5.0
"""For the first answer of a store in a process: its client is imported then."""
_STORES: tuple[Need, ...] = ("blobs", "counters", "vectors", "graph")
_FORWARDED = frozenset(
    {
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "x-client-ip",
        "x-envoy-external-address",
        "true-client-ip",
        "cf-connecting-ip",
    }
)
"""Headers that fronts add."""
_version = cache(version)  # it reads files
PATHS = ("/health", "/health/ready", "/metrics")


class Health(Struct):
    status: Literal["ok"]
    version: str


class Store(Struct):
    """`ms` is how long it took to answer, or to fail to. A store that is full reads and deletes, and stores nothing."""

    status: Literal["ok", "full", "unavailable"]
    ms: float


class Readiness(Struct):
    """`backends` names what each need is served by, as `s3` or `folder` for blobs."""

    status: Literal["ready", "degraded", "unready"]
    stores: dict[str, Store]
    backends: dict[str, str]


def own_pages(functions: Sequence[Function], services: Services) -> list[HTTPRouteHandler]:
    needed = {need for function in functions for need in function.required}
    optional = {need for function in functions for need in function.optional}
    used = {need for need in needed | optional if services.has(need)}
    probed = [need for need in _STORES if need in used]
    known: set[Need] = set()

    @get("/health", status_code=200)
    async def health(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _json(request, "/health", Health("ok", _version("aegisrag")), 200)

    @get("/health/ready", status_code=200)
    async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:
        found = dict(
            zip(probed, await asyncio.gather(*(_probe(services, need, known) for need in probed)), strict=True)
        )
        away = {need for need, store in found.items() if store.status == "unavailable"}
        is_whole = all(store.status == "ok" for store in found.values())
        status: Literal["ready", "degraded", "unready"] = "ready" if is_whole else "degraded"
        if away & needed or services.stopping or services.warming:
            status = "unready"
        stores = {str(need): store for need, store in found.items()}
        backends = {str(need): name for need, name in services.backends.items() if need in used}
        readiness = Readiness(status, stores, backends)
        return _json(request, "/health/ready", readiness, 503 if status == "unready" else 200)

    @get("/metrics", status_code=200)
    async def exposition(request: Request[Any, Any, Any]) -> Response[bytes]:
        exchange = exchange_of(request.scope)
        exchange.route = "/metrics"
        is_forwarded = not _FORWARDED.isdisjoint(exchange.headers)
        if is_forwarded or request.scope.get("raw_path") != b"/metrics":  # another spelling passes a front's rule
            raise NotFound("There is nothing here.")  # metrics are for the pod's own network
        return Response(metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})

    return [health, ready, exposition]


async def _probe(services: Services, need: Need, known: set[Need]) -> Store:
    started = time.monotonic()
    try:
        async with asyncio.timeout(_PROBE_S if need in known else _FIRST_PROBE_S):
            await services.probe(need)
        known.add(need)
        status: Literal["ok", "full", "unavailable"] = "ok"
    except (AegisError, TimeoutError) as error:
        log().warning(f"{need} is not ready: {error or 'no answer in time'}")
        status = "full" if isinstance(error, StoreFull) else "unavailable"
    return Store(status, round((time.monotonic() - started) * 1000, 1))


def _json(request: Request[Any, Any, Any], route: str, body: Struct, status: int) -> Response[bytes]:
    exchange_of(request.scope).route = route
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "2"} if status == 503 else {})
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=headers)
