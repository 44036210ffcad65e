"""The backends that the promises are tried on, by name.

`embedded`; with `--backends cluster` `wire`, our adapter against the wire server; and `qdrant`, the same against a real
server, where `--qdrant-url` or AEGIS_TEST_QDRANT_URL names one.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from shared.vectors.edge import EdgeIndex
from shared.vectors.port import VectorIndex, Vectors
from tests.backends import address, backends_of

DIMENSIONS = 8
Open = Callable[[], VectorIndex]
Opener = Callable[[str, Path], Open]
_TESTS = count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    services = _services(metafunc.config)
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", services, indirect=True)
    if "shared_index" in metafunc.fixturenames:
        metafunc.parametrize("shared_index", services, indirect=True, scope="module")


def _services(config: pytest.Config) -> list[str]:
    chosen = backends_of(config, "qdrant")
    embedded = [backend for backend in chosen if backend == "embedded"]
    wire = ["wire"] if "cluster" in str(config.getoption("--backends")) else []
    return [*embedded, *wire, *(["qdrant"] if address(config, "qdrant") else [])]


class OwnTenants(VectorIndex):
    """An index that tests share, each with tenants that no other test has."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._test = next(_TESTS)

    def of(self, tenant_id: str) -> Vectors:
        return self._index.of(f"{tenant_id}_{self._test}" if tenant_id else "")

    async def prepare(self) -> None:
        await self._index.prepare()

    async def compact(self, token: str) -> bool:
        return await self._index.compact(token)

    async def ping(self) -> None:
        await self._index.ping()

    async def close(self) -> None:
        raise AssertionError("other tests still need the index")


@pytest.fixture(scope="session")
def qdrant_urls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """By backend; the wire server runs only where it is asked for."""
    real = {"qdrant": address(request.config, "qdrant") or ""}
    if "cluster" not in str(request.config.getoption("--backends")):
        yield real
        return
    from tests.cluster.qdrant_running import WireServer

    server = WireServer(tmp_path_factory.mktemp("wire"))
    server.start()
    yield {"wire": server.url, **real}
    server.kill()


@pytest.fixture(scope="session")
def opener(qdrant_urls: dict[str, str]) -> Iterator[Opener]:
    """Gives what opens an index of its own; called again after a close, that opens the same one."""
    made: list[tuple[str, str]] = []

    def opener(backend: str, folder: Path) -> Open:
        if backend == "embedded":
            return lambda: EdgeIndex(folder / "vectors", DIMENSIONS, "model-a")
        made.append((qdrant_urls[backend], f"test-{secrets.token_hex(6)}"))
        return _in_cluster(*made[-1])

    yield opener
    for url, name in made:
        asyncio.run(_remove(url, name))


def _in_cluster(url: str, name: str) -> Open:
    from shared.vectors.qdrant import QdrantIndex

    api_key = os.environ.get("AEGIS_TEST_QDRANT_API_KEY") or None
    return lambda: QdrantIndex(url, api_key, DIMENSIONS, "model-a", name=name)


async def _remove(url: str, name: str) -> None:
    """Leaves a server that is not ours as it was."""
    from shared.vectors.qdrant import QdrantIndex

    index = QdrantIndex(url, os.environ.get("AEGIS_TEST_QDRANT_API_KEY") or None, DIMENSIONS, "model-a", name=name)
    async with index.use(30) as collection:
        await collection.drop()
    await index.close()


@pytest.fixture
def backend(request: pytest.FixtureRequest, opener: Opener, tmp_path: Path) -> Open:
    return opener(request.param, tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_index(
    request: pytest.FixtureRequest, opener: Opener, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[VectorIndex]:
    opened = opener(request.param, tmp_path_factory.mktemp("index"))()
    await opened.prepare()
    yield opened
    await opened.close()


@pytest.fixture
def index(shared_index: VectorIndex) -> VectorIndex:
    return OwnTenants(shared_index)
