"""What the index on a Qdrant server promises beyond the port, tried on the wire server."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from shared.types.errors import StoreUnavailable
from shared.types.passage import Passage
from shared.types.sparse import Sparse
from shared.vectors.edge import EdgeIndex
from shared.vectors.errors import UnsuitableServer, WrongModel
from shared.vectors.port import Point, Query
from shared.vectors.qdrant import QdrantIndex
from tests.cluster.qdrant_running import WireServer

DIMENSIONS = 32
DRAW = random.Random(1)


def dense() -> tuple[float, ...]:
    numbers = [DRAW.gauss(0, 1) for _ in range(DIMENSIONS)]
    length = sum(number * number for number in numbers) ** 0.5
    return tuple(number / length for number in numbers)


def words(count: int = 6) -> Sparse:
    tokens = sorted(DRAW.sample(range(1, 60), count))
    return Sparse(tuple(tokens), tuple(1 + DRAW.random() for _ in tokens))


def points(count: int, text: str = "text") -> list[Point]:
    return [
        Point(Passage(f"psg_{number}", f"doc_{number % 7}", 1, number, f"{text} {number}"), dense(), words())
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireServer]:
    server = WireServer(tmp_path_factory.mktemp("wire"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def opened(wire: WireServer, request: pytest.FixtureRequest) -> AsyncIterator["Opened"]:
    made = Opened(wire, f"t{abs(hash(request.node.name))}")
    yield made
    for index in made.indexes:
        await index.close()


class Opened:
    """Opens indexes under a name that no other test has, each as a process of its own would."""

    def __init__(self, wire: WireServer, name: str) -> None:
        self.url = wire.url
        self.name = name
        self.indexes: list[QdrantIndex] = []

    def __call__(self, model: str = "model-a", dimensions: int = DIMENSIONS) -> QdrantIndex:
        self.indexes.append(QdrantIndex(self.url, None, dimensions, model, name=self.name))
        return self.indexes[-1]

    def get(self, path: str) -> dict[str, object]:
        result: dict[str, object] = httpx.get(self.url + path).json()["result"]
        return result


async def test_it_answers_as_the_embedded_world_does(opened: Opened, tmp_path: Path) -> None:
    here, there = opened(), EdgeIndex(tmp_path, DIMENSIONS, "model-a")
    given = points(400)
    for index in (here, there):
        await index.of("ten_a").add(given)
        await index.of("ten_b").add(points(50))
    for _ in range(30):
        meaning, asked = dense(), words(3)
        for query in (Query(8, meaning), Query(8, sparse=asked), Query(8, meaning, asked, dense_weight=0.3)):
            ours, theirs = [await index.of("ten_a").find(query) for index in (here, there)]
            assert [hit.passage for hit in ours] == [hit.passage for hit in theirs]
            assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], rel=1e-6)
    await there.close()


async def test_the_collection_is_named_for_its_model_and_made_for_tenants(opened: Opened) -> None:
    index = opened("All-MiniLM_L6 v2/int8", 384)
    await index.prepare()
    assert index.collection == f"{opened.name}-all-minilm-l6-v2-int8-384"
    config = opened.get(f"/collections/{index.collection}")["config"]
    assert isinstance(config, dict)
    assert config["metadata"] == {"model": "All-MiniLM_L6 v2/int8", "dimensions": 384}
    assert (config["hnsw_config"]["m"], config["hnsw_config"]["payload_m"]) == (0, 16)
    assert config["strict_mode_config"]["enabled"] is True


async def test_a_filter_without_an_index_is_refused_by_the_server(opened: Opened) -> None:
    index = opened()
    await index.prepare()
    body = {"filter": {"must": [{"key": "language", "match": {"value": "en"}}]}}
    answer = httpx.post(f"{opened.url}/collections/{index.collection}/points/count", json=body)
    assert (answer.status_code, "Index required" in answer.text) == (400, True)


async def test_many_processes_prepare_at_once(opened: Opened) -> None:
    indexes = [opened() for _ in range(6)]
    await asyncio.gather(*(index.prepare() for index in indexes))
    info = opened.get(f"/collections/{indexes[0].collection}")
    schema = info["payload_schema"]
    assert isinstance(schema, dict)
    assert {key: inner["data_type"] for key, inner in schema.items()} == {
        "tenant": "keyword",
        "document_id": "keyword",
        "epoch": "integer",
    }
    assert schema["tenant"]["params"]["is_tenant"] is True


@pytest.mark.parametrize(("model", "dimensions"), [("model-b", DIMENSIONS), ("model-a", 8)])
async def test_another_model_is_refused_and_leaves_everything_as_it_was(
    opened: Opened, model: str, dimensions: int
) -> None:
    ours = opened()
    await ours.of("ten_a").add(points(3))
    with pytest.raises(WrongModel, match=r"model-a-32.*aegis rebuild --only vectors"):
        await opened(model, dimensions).prepare()
    with pytest.raises(WrongModel):
        await opened(model, dimensions).of("ten_a").count()
    assert await opened().of("ten_a").count() == 3


async def test_two_names_that_look_alike_are_two_models(opened: Opened) -> None:
    await opened("model a").prepare()
    with pytest.raises(WrongModel, match="was not made for model-a"):
        await opened("model-a").prepare()


async def test_another_model_takes_over_without_a_gap(opened: Opened) -> None:
    old = opened()
    await old.of("ten_a").add(points(5))
    new = opened("model-b")
    await new.renew()
    with pytest.raises(StoreUnavailable):
        async with new.use(1):
            raise StoreUnavailable("vectors", "away in the middle of it")
    await new.of("ten_a").add(points(4))
    assert await opened().of("ten_a").count() == 5
    await new.adopt()
    assert await opened("model-b").of("ten_a").count() == 4
    assert await old.of("ten_a").count() == 5
    with pytest.raises(WrongModel):
        await opened().prepare()


async def test_making_it_anew_empties_it(opened: Opened) -> None:
    index = opened()
    await index.of("ten_a").add(points(3))
    await index.renew()
    await index.adopt()
    assert await opened().of("ten_a").count() == 0


async def test_a_vector_of_another_length_is_refused(opened: Opened) -> None:
    with pytest.raises(WrongModel):
        await opened().of("ten_a").find(Query(1, dense=(1.0,)))


async def test_passages_too_large_for_one_body_are_sent_in_several(opened: Opened) -> None:
    index = opened()
    escaped = "\x01" * 900_000
    await index.of("ten_a").add(points(8, text=escaped))
    assert await index.of("ten_a").count() == 8


async def test_a_tenant_with_many_passages_is_searched_by_the_index(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shared.vectors.qdrant_collection as collection

    monkeypatch.setattr(collection, "_EXACT_BELOW", 10)
    index = opened()
    await index.of("ten_a").add(points(30))
    await index.of("ten_b").add(points(3))
    async with index.use(10) as held:
        assert [await index.few(held, tenant) for tenant in ("ten_a", "ten_b", "ten_c")] == [False, True, True]
    assert len(await index.of("ten_a").find(Query(5, dense=dense()))) == 5


async def test_forgetting_takes_one_document_of_one_tenant(opened: Opened) -> None:
    index = opened()
    for tenant in ("ten_a", "ten_b"):
        await index.of(tenant).add(points(14))
    await index.of("ten_a").forget("doc_1", 1)
    await index.of("ten_a").forget("doc_none", 1)
    assert (await index.of("ten_a").count(), await index.of("ten_b").count()) == (12, 14)


async def test_an_older_server_is_refused(tmp_path: Path) -> None:
    old = WireServer(tmp_path, version="1.18.3")
    old.start()
    index = QdrantIndex(old.url, None, DIMENSIONS, "model-a")
    try:
        with pytest.raises(UnsuitableServer, match=r"1\.18\.3.*1\.19 or newer"):
            await index.prepare()
        with pytest.raises(UnsuitableServer):
            await index.of("ten_a").find(Query(1, dense=dense()))
        assert httpx.get(f"{old.url}/collections").json()["result"]["collections"] == []
    finally:
        await index.close()
        old.kill()


async def test_the_key_is_sent_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    locked = WireServer(tmp_path, "key", "reader")
    locked.start()
    right, wrong, none = (QdrantIndex(locked.url, key, DIMENSIONS, "model-a") for key in ("key", "neither", None))
    try:
        await right.of("ten_a").add(points(2))
        with pytest.raises(StoreUnavailable, match="401: Invalid API key"):
            await wrong.ping()
        with pytest.raises(StoreUnavailable, match="401: Must provide"):
            await none.of("ten_a").count()
    finally:
        for index in (right, wrong, none):
            await index.close()
        locked.kill()


def test_the_client_library_comes_in_at_the_first_call() -> None:
    program = (
        "import sys, asyncio\n"
        "from shared.vectors.qdrant import QdrantIndex\n"
        "index = QdrantIndex('http://127.0.0.1:9', None, 4, 'model-a')\n"
        "index.of('ten_a')\n"
        "asyncio.run(index.close())\n"
        "print(*{'qdrant_client', 'httpx', 'pydantic', 'numpy', 'grpc'} & set(sys.modules))"
    )
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == ""
