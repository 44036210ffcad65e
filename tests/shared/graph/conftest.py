"""The backends that the promises of the graph are tried on: `embedded`, and `neo4j` with `--backends cluster` or an
address of your own."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.graph.port import Graph, GraphIndex
from shared.graph.sqlite import SqliteIndex
from tests.backends import backends_of
from tests.shared.graph.samples import prepared

_ANSWER_S = 20.0
"""The machine may have other work."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "opened_index" in metafunc.fixturenames:
        backends = backends_of(metafunc.config, "neo4j")
        metafunc.parametrize("opened_index", backends, indirect=True, scope="module")


class OwnTenants(GraphIndex):
    """An index that tests share, each with tenants that no other test has."""

    def __init__(self, index: GraphIndex) -> None:
        self._index = index
        self._suffix = secrets.token_hex(4)
        self._tenants = set[str]()

    def of(self, tenant_id: str) -> Graph:
        self._tenants.add(tenant_id)
        return self._index.of(f"{tenant_id}_{self._suffix}")

    async def prepare(self) -> None:
        await self._index.prepare()

    async def forget_tenant(self, tenant_id: str) -> None:
        await self._index.forget_tenant(f"{tenant_id}_{self._suffix}")

    async def forget_tenants(self) -> None:
        for tenant_id in self._tenants:
            await self.forget_tenant(tenant_id)

    async def compact(self, token: str) -> bool:
        return await self._index.compact(token)

    async def ping(self) -> None:
        await self._index.ping()

    async def close(self) -> None:
        raise AssertionError("other tests still need the index")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened_index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GraphIndex]:
    opened: GraphIndex
    if request.param == "embedded":
        opened = SqliteIndex(tmp_path_factory.mktemp("graph") / "graph")
    else:
        from shared.graph.neo4j import Neo4jIndex

        environ = request.getfixturevalue("cluster_neo4j")
        names = ("AEGIS_NEO4J_URI", "AEGIS_NEO4J_USER", "AEGIS_NEO4J_PASSWORD")
        opened = Neo4jIndex(*(environ[name] for name in names), answer_s=_ANSWER_S)
    await prepared(opened)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def index(opened_index: GraphIndex) -> AsyncIterator[GraphIndex]:
    own = OwnTenants(opened_index)
    yield own
    await own.forget_tenants()
