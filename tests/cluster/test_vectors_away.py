"""A Qdrant server that is gone, frozen, slow or mad: searches say so at once, and work again soon after."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib import import_module
from itertools import count

import pytest

from shared.types.errors import StoreUnavailable
from shared.types.passage import Passage
from shared.types.sparse import Sparse
from shared.vectors.port import Point, Query
from shared.vectors.qdrant import QdrantIndex
from tests.cluster.proxy import Proxy
from tests.cluster.qdrant_running import WireServer
from tests.timing import within

DENSE = (1.0, 0.0, 0.0, 0.0)
QUESTION = Query(5, DENSE, Sparse((1,), (1.0,)))
_TESTS = count()
HTML = b"<html><body>Welcome to nginx!</body></html>"


class Running:
    """The server, the line to it, and an index whose one tenant has three passages."""

    def __init__(self, server: WireServer, line: Proxy, index: QdrantIndex) -> None:
        self.server = server
        self.line = line
        self.index = index
        self.vectors = index.of("ten_a")

    async def searches_fail(self) -> None:
        await is_away(lambda: self.vectors.find(QUESTION))

    async def is_back(self) -> None:
        async with asyncio.timeout(60):
            while True:
                try:
                    assert len(await self.vectors.find(QUESTION)) == 3
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def client_is_imported() -> None:
    """Where other work goes on, that alone takes longer than a call may."""
    import_module("shared.vectors.qdrant_collection")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireServer]:
    started = WireServer(tmp_path_factory.mktemp("wire"))
    started.start()
    yield started
    started.kill()


@pytest.fixture
async def running(server: WireServer) -> AsyncIterator[Running]:
    async with Proxy(server.port) as line:
        url, name = f"http://127.0.0.1:{line.port}", f"test-{next(_TESTS)}"
        index = QdrantIndex(url, None, len(DENSE), "model-a", name=name)
        made = Running(server, line, index)
        await made.vectors.add([point(number) for number in range(3)])
        yield made
        await index.close()
    server.thaw()


async def is_away(call: Callable[[], Awaitable[object]]) -> None:
    with within(1), pytest.raises(StoreUnavailable) as caught:
        await call()
    assert caught.value.store == "vectors"


def point(number: int) -> Point:
    return Point(Passage(f"psg_{number}", "doc_a", 1, number, f"text {number}"), DENSE, Sparse((1,), (1.0,)))


async def test_a_killed_server_is_told_at_once_and_what_it_had_comes_back(running: Running) -> None:
    running.server.kill()
    for call in (lambda: running.vectors.find(QUESTION), running.vectors.count, running.index.ping):
        await is_away(call)
    running.server.start()
    await running.is_back()


async def test_a_frozen_server_is_told_within_a_second(running: Running) -> None:
    running.server.freeze()
    for call in (lambda: running.vectors.find(QUESTION), running.vectors.count, running.index.ping):
        await is_away(call)
    running.server.thaw()
    await running.is_back()


async def test_many_waiting_on_a_frozen_server_are_all_told_within_a_second(running: Running) -> None:
    running.server.freeze()
    await asyncio.gather(*(running.searches_fail() for _ in range(100)))
    running.server.thaw()
    await running.is_back()


async def test_a_slow_server_is_told_within_a_second(running: Running) -> None:
    running.line.delay_s = 2
    await running.searches_fail()
    await running.line.restore()
    await running.is_back()


async def test_a_line_that_is_cut_in_the_middle_of_a_search_is_told(running: Running) -> None:
    running.line.delay_s = 0.3
    searching = asyncio.create_task(running.searches_fail())
    await asyncio.sleep(0.1)
    await running.line.cut()
    await searching
    await running.line.restore()
    await running.is_back()


async def test_a_write_to_a_frozen_server_ends(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.vectors.qdrant._WRITE_SECONDS", 0.3)
    running.server.freeze()
    await is_away(lambda: running.vectors.add([point(4)]))
    await is_away(lambda: running.vectors.forget("doc_a", 1))


async def test_a_server_that_comes_back_empty_is_made_ready_again(running: Running) -> None:
    running.server.kill()
    (running.server.folder / "storage").rename(running.server.folder / "lost")
    running.server.start()
    await running.searches_fail()
    await running.vectors.add([point(number) for number in range(2)])
    assert await running.vectors.count() == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops",
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: %d\r\n\r\n%s" % (len(HTML), HTML),
        b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(HTML), HTML),
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{"result":null}',
        b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"resu',
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
    ids=["500", "502", "429", "html", "empty json", "null", "cut short", "another protocol", "hangs up"],
)
async def test_nonsense_is_a_server_that_is_away(answer: bytes) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as server:
        index = QdrantIndex(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", None, len(DENSE), "model-a")
        await index._open()  # the client library is loaded: what is timed is the server
        for prepared in (False, True):
            index._prepared = prepared
            for call in (lambda: index.of("ten_a").find(QUESTION), index.of("ten_a").count, index.ping):
                await is_away(call)
        await index.close()


async def test_a_name_that_is_nowhere_is_away() -> None:
    index = QdrantIndex("http://qdrant.invalid:6333", None, len(DENSE), "model-a")
    with pytest.raises(StoreUnavailable):
        await index.of("ten_a").count()
    await index.close()
