"""What a caller relies on of a kept connection: it is used again, never after its end, and what breaks is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from shared.upstreams.connections import PooledConnections

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers each request with the next of its answers, the last one again and again; counts connections."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self.answers = list(answers)
        self.closes = closes
        self.connections = 0
        self.heads: list[bytes] = []
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
                self.heads.append(head + await reader.readexactly(length))
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                await writer.drain()
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        self.left.set()
        writer.close()


@asynccontextmanager
async def asking(server: Server, most_idle: int = 4, idle_s: float = 15.0) -> AsyncIterator[httpx.AsyncClient]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    transport = PooledConnections(most_idle=most_idle, idle_s=idle_s)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client
    listening.close()


async def test_a_connection_is_used_again() -> None:
    server = Server(OK)
    async with asking(server) as client:
        for _ in range(3):
            answer = await client.post("/a?b=c", content=b"body", headers={"X-One": "two"})
            assert (answer.status_code, answer.content) == (200, b"ok")
    assert server.connections == 1
    assert server.heads[0].startswith(b"POST /a?b=c HTTP/1.1\r\n") and server.heads[0].endswith(b"\r\n\r\nbody")
    assert b"\r\nX-One: two\r\n" in server.heads[0] and server.heads[0].lower().count(b"\r\nhost:") == 1


async def test_calls_at_a_time_have_connections_of_their_own_and_few_are_kept() -> None:
    server = Server(OK)
    async with asking(server, most_idle=2) as client:
        await asyncio.gather(*(client.get("/") for _ in range(6)))
        assert server.connections == 6
        await asyncio.gather(*(client.get("/") for _ in range(3)))
        assert server.connections == 7


@pytest.mark.parametrize("idle_s", [15.0, 0.0])
async def test_a_connection_that_ended_or_idled_too_long_is_not_used(idle_s: float) -> None:
    server = Server(OK, closes=idle_s > 0)
    async with asking(server, idle_s=idle_s) as client:
        for _ in range(3):
            assert (await client.get("/")).content == b"ok"
            await asyncio.sleep(0.01)
    assert server.connections == 3


@pytest.mark.parametrize(
    ("answer", "closes"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\nok", True),
        (b"HTTP/1.0 200 OK\r\n\r\nok", True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", False),
    ],
)
async def test_every_way_to_send_a_body_is_read(answer: bytes, closes: bool) -> None:
    server = Server(answer, closes=closes)
    async with asking(server) as client:
        for _ in range(2):
            found = await client.get("/")
            assert (found.status_code, found.content, "link" in found.headers) == (200, b"ok", False)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n",
    ],
)
async def test_an_answer_that_breaks_is_an_error_and_the_next_one_is_not(answer: bytes) -> None:
    server = Server(answer, OK, closes=True)
    async with asking(server) as client:
        with pytest.raises(httpx.HTTPError):
            await client.get("/")
        assert (await client.get("/")).content == b"ok"


async def test_what_is_said_unasked_is_no_answer_to_the_next_call() -> None:
    server = Server(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", OK)
    async with asking(server) as client:
        answers = []
        for _ in range(3):
            try:
                answers.append((await client.get("/")).content)
            except httpx.HTTPError:
                answers.append(b"")
    assert b"bad" not in answers and answers[-1] == b"ok"


async def test_nobody_there_is_a_connection_error() -> None:
    async with asking(Server(OK)) as client:
        unused = str(client.base_url)
    async with httpx.AsyncClient(transport=PooledConnections(most_idle=1, idle_s=1), timeout=60) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(unused)


async def test_leaving_half_way_ends_the_connection() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
    async with asking(server) as client:
        async with client.stream("GET", "/") as answer:
            assert await anext(answer.aiter_raw()) == b"ok"
        await asyncio.wait_for(server.left.wait(), 60)


async def test_giving_up_before_the_answer_ends_the_connection() -> None:
    server = Server(b"")
    async with asking(server) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.get("/")
        await asyncio.wait_for(server.left.wait(), 60)


async def test_a_long_body_makes_the_server_wait_for_its_reader() -> None:
    body = b"x" * (32 << 20)
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 1 << 16):
            writer.write(body[start : start + (1 << 16)])
            await writer.drain()
            sent = start
        writer.close()

    server = Server()
    server.serve = serve  # type: ignore[method-assign]
    async with asking(server) as client, client.stream("GET", "/") as answer:
        pieces = answer.aiter_raw()
        read = len(await anext(pieces))
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert sent < 24 << 20
        async for piece in pieces:
            read += len(piece)
    assert read == len(body)


async def test_chunks_of_one_byte_do_not_stop_the_other_calls() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\ny\r\n" * 200_000 + b"0\r\n\r\n"
    async with asking(Server(chunked)) as client, client.stream("GET", "/") as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert b"".join(pieces) == b"y" * 200_000
    assert len(pieces) < 2_000
