"""The services of a process are closed with it."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from shared.blobs.folder import FolderBlobs
from shared.graph.port import Graph, Mention, PassageGraph
from shared.runtime.wiring.cluster import MissingStore, check_backends
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.types.errors import SettingError
from tests.shared.runtime.odd import Serve
from tests.transports import RecordingTransport


class Nothing(Struct):
    pass


class Found(Struct):
    entities: int
    listed: int


class Closing(RecordingTransport):
    """Stands for a store or a transport, and counts how often it is closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_what_was_used_is_closed_once_and_what_was_not_is_never_made(tmp_path: Path) -> None:
    redis = Closing()
    transport = Closing()
    made: list[str] = []

    def vectors(_: Services) -> Any:
        made.append("vectors")

    services = Services(
        load(),
        Settings(),
        blobs=lambda: FolderBlobs(tmp_path),
        redis=lambda: redis,  # type: ignore[arg-type,return-value]
        transport=lambda: transport,
        vectors=vectors,
    )
    _ = services.redis
    services.publisher("upload")
    await services.close()
    assert (redis.closed, transport.closed, made) == (1, 1, [])


async def test_a_cluster_without_a_graph_has_an_empty_one_that_is_not_among_its_stores(serve_at: Serve) -> None:
    async def handle(request: Nothing, graph: Graph) -> Found:
        await graph.put([PassageGraph("psg_1", "doc_1", 1, 0, (Mention("Ada"),))])
        await graph.forget("doc_1", 1)
        return Found((await graph.size()).entities, len(await graph.list_entities("", 5)))

    async with serve_at("GET /thing", handle, needs=("graph",), optional=("graph",)) as client:
        answer, ready = await client.get("/thing"), await client.get("/health/ready")
    assert answer.json() == {"entities": 0, "listed": 0}
    assert (ready.json()["status"], ready.json()["stores"]) == ("ready", {})


def test_a_function_that_shows_the_graph_does_not_start_without_one() -> None:
    environ = {
        "AEGIS_S3_BUCKET": "b",
        "AEGIS_REDIS_URL": "redis://r",
        "AEGIS_EVENT_SECRET": "k:s",
        "K_SINK": "http://b",
    }
    with pytest.raises(MissingStore, match="AEGIS_NEO4J_URI is not set: function graph"):
        check_backends(load().function("graph"), environ)
    check_backends(load().function("graph"), {**environ, "AEGIS_NEO4J_URI": "neo4j://n:7687"})
    for name in ("link", "tenants"):
        check_backends(load().function(name), environ)


@pytest.mark.parametrize("uri", ["http://n:7474", "n:7687", "bolt://"])
def test_an_address_that_is_none_of_neo4j_is_refused_by_the_name_of_its_variable(uri: str) -> None:
    with pytest.raises(SettingError, match="AEGIS_NEO4J_URI"):
        Settings.from_environ({"AEGIS_NEO4J_URI": uri})
