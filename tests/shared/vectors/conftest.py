"""The worlds that the promises are tried on, by name."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from shared.vectors.edge import EdgeIndex
from shared.vectors.port import VectorIndex, Vectors

DIMENSIONS = 8
Open = Callable[[], VectorIndex]


def _embedded(folder: Path) -> VectorIndex:
    return EdgeIndex(folder / "vectors", DIMENSIONS, "model-a")


WORLDS: dict[str, Callable[[Path], VectorIndex]] = {"embedded": _embedded}
_TESTS = count()


class OwnTenants(VectorIndex):
    """An index that tests share, each with tenants that no other test has."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._test = next(_TESTS)

    def of(self, tenant_id: str) -> Vectors:
        return self._index.of(f"{tenant_id}_{self._test}" if tenant_id else "")

    async def prepare(self) -> None:
        await self._index.prepare()

    async def ping(self) -> None:
        await self._index.ping()

    async def close(self) -> None:
        raise AssertionError("other tests still need the index")


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens an index of its own; called again after a close it opens the same one."""
    return lambda: WORLDS[request.param](tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(WORLDS))
async def shared_index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[VectorIndex]:
    opened = WORLDS[request.param](tmp_path_factory.mktemp("index"))
    await opened.prepare()
    yield opened
    await opened.close()


@pytest.fixture
def index(shared_index: VectorIndex) -> VectorIndex:
    return OwnTenants(shared_index)
