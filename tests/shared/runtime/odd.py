"""A route of a test's own behind the suite's application."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from shared.counters.port import Counters
from shared.runtime.http import application
from shared.runtime.settings import Settings
from shared.runtime.table import Function, Operation, Table
from shared.runtime.worlds import Worlds

Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture
def serve_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, counters: Counters) -> Serve:
    """Puts a handler behind a route, `GET /thing` say; the client of it."""

    def behind(on: str, handle: Any, role: Any = "public", **function: Any) -> httpx.AsyncClient:
        module = ModuleType("odd.thing.handler")
        module.handle = handle  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "odd.thing.handler", module)
        operation = Operation(on=on, role=role, limit="none")
        row = Function("A thing.", (), (operation,), name="thing", package="odd", **function)
        worlds = Worlds(
            Table((row,)),
            Settings(data=tmp_path),
            blobs=None,  # type: ignore[arg-type]
            counters=lambda: counters,
            buses=None,  # type: ignore[arg-type]
            vectors=None,  # type: ignore[arg-type]
        )
        return httpx.AsyncClient(transport=httpx.ASGITransport(application([row], worlds)), base_url="http://test")

    return behind
