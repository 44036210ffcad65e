"""A route of a test's own behind the suite's application."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from shared.redis.client import RedisClient
from shared.runtime.http.routes import application
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import Function, Operation, Table

Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture
def serve_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis: RedisClient) -> Serve:
    """Puts a handler behind a route, `GET /thing` say; the client of it."""

    def behind(on: str, handle: Any, role: Any = "public", needs: Any = (), **function: Any) -> httpx.AsyncClient:
        module = ModuleType("odd.thing.handler")
        module.handle = handle  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "odd.thing.handler", module)
        operation = Operation(on=on, role=role, limit="none")
        row = Function("A thing.", needs, (operation,), name="thing", package="odd", **function)
        services = Services(
            Table((row,)),
            Settings(data=tmp_path),
            blobs=None,  # type: ignore[arg-type]
            redis=lambda: redis,
            transport=None,  # type: ignore[arg-type]
            vectors=None,  # type: ignore[arg-type]
        )
        return httpx.AsyncClient(transport=httpx.ASGITransport(application([row], services)), base_url="http://test")

    return behind
