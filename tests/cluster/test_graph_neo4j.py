"""The graph on a real Neo4j server: equal to the embedded one, away and back, and behind `aegis serve`."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.graph.neo4j import Neo4jIndex
from shared.graph.port import Graph, Merge, PassageGraph, StatedRelation
from shared.graph.sqlite import SqliteIndex
from shared.types.errors import StoreUnavailable
from tests.backends import address
from tests.cluster.neo4j_server import PASSWORD, USER, Neo4jServer
from tests.cluster.proxy import Proxy
from tests.shared.graph.samples import contents, passage, prepared
from tests.suite.running import Caller, Running
from tests.timing import within

_ANSWER_S = 20.0


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    if address(request.config, "neo4j"):
        pytest.skip("stops its server, and so takes one of its own")
    started = Neo4jServer(tmp_path_factory.mktemp("neo4j"))
    started.start()
    yield started
    started.kill()


@pytest.fixture
async def index(server: Neo4jServer) -> AsyncIterator[Neo4jIndex]:
    opened = Neo4jIndex(server.uri, USER, PASSWORD, answer_s=_ANSWER_S)
    await prepared(opened)
    yield opened
    await opened.close()


async def write_some(graph: Graph, seed: int) -> None:
    """Documents, merges and deletions, in an order of its own for each seed."""
    draw = random.Random(5)
    names = [f"Entity {number}" for number in range(25)]
    pages = [
        passage(
            f"doc_{number % 9}",
            number,
            draw.sample(names, 5),
            generation=1 + number % 2,
            statements=[StatedRelation(0, draw.choice(["knows", "leads"]), 1, draw.random(), "2020-01-01")],
        )
        for number in range(60)
    ]
    pairs = [draw.sample(names, 2) for _ in range(6)]
    merges = [Merge(one, other, document_id=f"doc_{at}", generation=1) for at, (one, other) in enumerate(pairs)]
    order = random.Random(seed)
    order.shuffle(pages)
    for first in range(0, len(pages), 7):
        await graph.put(pages[first : first + 7])
        if merges:
            await graph.merge([merges.pop(order.randrange(len(merges)))])
    await graph.forget("doc_2", 1)
    await graph.forget("doc_5", 2)


async def read_all(graph: Graph) -> list[object]:
    listed = await graph.list_entities("", 100)
    ids = [one.entity_id for one in listed]
    passages = [one.passage_id for one in await contents(graph) if isinstance(one, PassageGraph)]
    return [
        listed,
        [await graph.list_entities(query, 3, (listed[0].created_at, ids[9])) for query in ("", "entity 1", "none")],
        [await graph.neighbourhood(ids[:4], passages_per_entity=most, with_sentences=True) for most in (2, 50)],
        await graph.neighbourhood(ids[-3:], passages[:5], passages_per_entity=1),
        [await graph.relations(ids, relations_per_entity=most, as_of="2021-01-01") for most in (1, 2, 99)],
        await graph.relations(ids, relations_per_entity=9, as_of="2019-01-01"),
        await graph.entities([*ids[5:8], "ent_none", ids[0]]),
        await graph.find(["ENTITY 3", "Entity 24", "nobody"]),
        await graph.size(),
        [await graph.count_entities(f"doc_{number}") for number in range(9)],
        await contents(graph),
    ]


async def test_both_backends_answer_alike_whatever_the_order_of_writing(index: Neo4jIndex, tmp_path: Path) -> None:
    embedded = SqliteIndex(tmp_path / "graph")
    read = []
    for backend, seed in ((embedded, 1), (index, 2)):
        graph = backend.of("ten_alike")
        await write_some(graph, seed)
        read.append(await read_all(graph))
    for one, other in zip(*read, strict=True):
        assert one == other
    await embedded.close()


async def test_a_server_that_is_cut_off_fails_soon_and_is_used_again_when_it_is_back(server: Neo4jServer) -> None:
    async with Proxy(server.port) as line:
        index = Neo4jIndex(f"bolt://127.0.0.1:{line.port}", USER, PASSWORD)
        await prepared(index)
        graph = index.of("ten_cut")
        await graph.put([passage("doc_a", 0, ["Ada"])])
        server.freeze()
        try:
            with within(30), pytest.raises(StoreUnavailable) as caught:
                await graph.find(["Ada"])
            assert caught.value.store == "graph"
        finally:
            server.thaw()
        async with asyncio.timeout(60):
            while True:
                try:
                    assert await graph.find(["Ada"])
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.1)
        await index.close()


async def test_a_wrong_password_is_a_store_that_refuses_and_shows_no_secret(server: Neo4jServer) -> None:
    index = Neo4jIndex(server.uri, USER, "not-the-password", answer_s=_ANSWER_S)
    with pytest.raises(StoreUnavailable) as caught:
        await index.ping()
    assert "not-the-password" not in str(caught.value)
    await index.close()


def test_serve_uses_the_neo4j_whose_address_is_set_and_goes_on_without_it(server: Neo4jServer, tmp_path: Path) -> None:
    line = {
        "kind": "passage",
        "passage_id": "psg_1",
        "document_id": "doc_1",
        "generation": 1,
        "position": 0,
        "mentions": [{"name": "Ada"}, {"name": "Turin"}],
    }
    running = Running(tmp_path / "data", **server.environ).start()
    key = (running.data / "initial-api-key").read_text().strip()
    with Caller(running.url, key) as admin:
        headers = {"Content-Type": "application/x-ndjson"}
        admin.post("/graph/import", content=json.dumps(line), headers=headers).raise_for_status()
        names = {one["name"] for one in admin.get("/graph/entities").raise_for_status().json()["items"]}
        assert names == {"Ada", "Turin"}
        assert admin.get("/health/ready").json()["backends"]["graph"] == "neo4j"
        assert not (running.data / "graph").exists()
        paths = admin.get("/graph/paths", params={"from": "Ada", "to": "Turin"}).raise_for_status().json()["paths"]
        assert [one["type"] for one in paths[0]["relations"]] == ["mentioned_with"]
        server.kill()
        ready = admin.get("/health/ready")
        assert ready.json()["stores"]["graph"]["status"] == "unavailable"
        admin.comes_again = False
        assert admin.get("/graph/entities").status_code == 503
        assert admin.get("/documents").status_code == 200
        server.start()
    assert running.stop() == 0
