"""The backends that the promises of the graph are tried on, by name: `embedded`, and `neo4j` where there is one."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest_asyncio

from shared.graph.port import GraphIndex
from shared.graph.sqlite import SqliteIndex

_TENANTS = count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def index(tmp_path_factory) -> AsyncIterator[GraphIndex]:  # type: ignore[no-untyped-def]
    opened = SqliteIndex(Path(tmp_path_factory.mktemp("graph")))
    await opened.prepare()
    yield opened
    await opened.close()
