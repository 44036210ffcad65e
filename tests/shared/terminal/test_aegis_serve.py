"""What the commands that run here hand to the runtime, and how its results become exit codes."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shared.types.errors import StoreUnavailable
from tests.shared.terminal.conftest import Aegis


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The runtime's three entrances, which remember how they were called."""
    calls: list[tuple[Any, ...]] = []

    def serve(*arguments: Any) -> int:
        calls.append(arguments)
        return 6

    def rebuild(data: Path, only: str | None) -> dict[str, int]:
        calls.append((data, only))
        if only == "graph":
            raise StoreUnavailable("graph", "does not answer")
        return {"vectors": 3}

    for name, entrance in (("serve", serve), ("function", serve), ("rebuild", rebuild)):
        module = ModuleType(f"shared.runtime.{name}")
        setattr(module, "run" if name == "function" else name, entrance)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return calls


def test_serve_takes_its_place_from_options_variables_or_defaults(
    aegis: Aegis, called: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aegis("serve").exit == 6, "the runtime's exit code is the command's"
    for name, value in (("AEGIS_DATA", "elsewhere"), ("HOST", "0.0.0.0"), ("PORT", "9000")):
        monkeypatch.setenv(name, value)
    aegis("serve")
    aegis("serve", "--data", "here", "--host", "::1", "--port", "0")
    assert called == [
        (Path(".aegis"), "127.0.0.1", 8000),
        (Path("elsewhere"), "0.0.0.0", 9000),
        (Path("here"), "::1", 0),
    ]


def test_function_runs_the_one_that_is_named(aegis: Aegis, called: list[tuple[Any, ...]]) -> None:
    assert aegis("function", "chunk").exit == 6
    assert called == [("chunk",)]


def test_rebuild_tells_what_it_made(aegis: Aegis, called: list[tuple[Any, ...]]) -> None:
    assert aegis("rebuild", "--only", "vectors", "--json").json == {"vectors": 3}
    assert aegis("rebuild").out == "vectors  3\n"
    assert called == [(Path(".aegis"), "vectors"), (Path(".aegis"), None)]


def test_a_rebuild_without_its_store_is_unavailable(aegis: Aegis, called: list[tuple[Any, ...]]) -> None:
    ended = aegis("rebuild", "--only", "graph")
    assert (ended.exit, ended.out) == (6, "")
    assert "error: graph: does not answer" in ended.err
