"""A function imports what its row needs, and nothing heavier: cold starts are paid for by every tenant."""

import json
import subprocess
import sys

import pytest

from shared.table.table import Function, load

HEAVY = {
    "redis": {"counters", "bus"},
    "boto3": {"blobs"},
    "qdrant_client": {"vectors"},
    "qdrant_edge": {"vectors", "embedding"},
    "numpy": {"vectors", "embedding"},
    "onnxruntime": {"embedding"},
    "tokenizers": {"embedding"},
    "httpx": {"bus"},
    "grpc": {"vectors"},
    "pydantic": {"vectors"},
    "lxml": {"parsing"},
    "markdown_it": {"parsing"},
    "charset_normalizer": {"parsing"},
    "rich_click": set[str](),
    "aws_lambda_powertools.utilities.batch": set[str](),
    "mangum": set[str](),
    "docling": set[str](),
    "neo4j": {"graph"},
    "sqlite3": {"graph"},
    "torch": set[str](),
    "pandas": set[str](),
}
"""Modules that cost, and the needs that justify them."""

_PROGRAM = """
import json, os, sys
from shared.runtime.wiring.cluster import cluster_services
from shared.runtime.function import _entrances
from shared.runtime.http.routes import application
from shared.runtime.wiring.settings import Settings
from shared.runtime.wiring.check import check_wiring
from shared.table.table import load
from events.envelope import Secrets

table = load()
for function in table.functions:
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.exit(function.name + " does not start")
        continue
    check_wiring((function,))
    services = cluster_services(table, Settings(), os.environ)
    secrets = Secrets.parse("test:0123456789abcdef")
    application((function,), services, _entrances(function, services, secrets))
    print(json.dumps([function.name, sorted(sys.modules)]), flush=True)
    os._exit(0)
"""
"""Makes every function ready in a process of its own; what all of them import first is imported once."""


AT_FIRST_USE = {"boto3", "qdrant_client", "qdrant_edge", "onnxruntime", "tokenizers", "numpy", "neo4j"}


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """The modules of each function's process, by its name."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    return {name: set(modules) for name, modules in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("function", load().functions, ids=lambda function: function.name)
def test_a_function_that_is_ready_has_imported_only_what_its_row_needs(
    function: Function, imported: dict[str, set[str]]
) -> None:
    modules = imported[function.name]
    needless = {name for name, needs in HEAVY.items() if name in modules and not needs & set(function.needs)}
    assert not needless, f"{function.name} imports {', '.join(sorted(needless))}"
    early = modules & AT_FIRST_USE
    assert not early, f"{function.name} imports {', '.join(sorted(early))} before anybody asks"
