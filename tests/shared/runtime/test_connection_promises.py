"""What a client may send before its request is understood, and how slowly, is bounded on every connection."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.runtime.http import exchange, protocol
from shared.runtime.http.connection_limits import ConnectionLimits
from shared.runtime.http.exchange import Exchanges
from shared.runtime.http.listening import http_server, listen, started
from shared.runtime.http.open_connections import client_network

LIMITS = ConnectionLimits(header_bytes=4096, header_count=20, header_s=0.5, body_rate=1000, body_window_s=0.5, body_s=3)
PATIENT = ConnectionLimits(header_bytes=4096, header_count=20, header_s=600, body_window_s=600)
WITHIN_S = 30
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


class Application:
    """Reads the body, unless the path is `/unread`, and answers with its length; notes what it was given."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.disconnected = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        length, more = 0, scope["path"] != "/unread"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected += 1
                return
            length, more = length + len(message["body"]), message["more_body"]
        if scope["path"] == "/watched":
            self.disconnected += (await receive())["type"] == "http.disconnect"
            return
        await self.answering.wait()
        text = str(length).encode()
        headers = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})


async def unlimited(_: Any) -> None: ...


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(WITHIN_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def answer(self) -> bytes:
        async with asyncio.timeout(WITHIN_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            return head + await self.reader.readexactly(length)


class Server:
    def __init__(self, app: Application, address: tuple[str, int]) -> None:
        self.app, self._address = app, address
        self._clients: list[Client] = []

    async def client(self) -> Client:
        client = Client(*await asyncio.open_connection(*self._address))
        self._clients.append(client)
        return client

    async def rest_after(self, *pieces: bytes) -> bytes:
        client = await self.client()
        with contextlib.suppress(ConnectionError):
            await client.send(*pieces)
        return await client.rest()

    def close(self) -> None:
        for client in self._clients:
            client.writer.close()


@asynccontextmanager
async def serving(limits: ConnectionLimits = PATIENT, around: Any = lambda app: app) -> AsyncIterator[Server]:
    app = Application()
    with listen("127.0.0.1", 0) as listener:
        server = http_server(around(app), limits)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await started(server, task)
        served = Server(app, listener.getsockname())
        yield served
        served.close()
        server.should_exit = server.force_exit = True
        await task


@pytest.mark.parametrize(
    "head",
    [
        [b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 5000 + b"\r\n\r\n"],
        [b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 25 + b"\r\n"],
        [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *[b"a" * 65_536] * 64],
        [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *[b" " * 65_536] * 64],
        [b"GET / HTTP/1.1\r\nHost: a\r\n", *[b"X:" + b" " * 3000 + b"a\r\n"] * 64],
        [b"GET /", *[b"a" * 65_536] * 64],
        [b"\r\n" * 2000] * 64,
    ],
    ids=["a header", "the path", "many", "no end", "spaces", "many spaces", "path without end", "empty lines"],
)
async def test_headers_beyond_the_limits_are_refused_and_never_taken(head: list[bytes]) -> None:
    async with serving() as server:
        answer = await server.rest_after(*head)
        assert b"200 OK" not in answer
        assert len(head) > 1 or answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert len(head) > 1 or b"application/problem+json" in answer
        assert not server.app.scopes


async def test_headers_within_the_limits_are_taken() -> None:
    async with serving() as server:
        client = await server.client()
        for size in (1000, 3900):
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a" * size, b"\r\n\r\n")
            assert b"200 OK" in await client.answer()


async def test_a_head_that_does_not_end_in_time_closes_its_connection() -> None:
    async with serving(LIMITS) as server:
        assert await server.rest_after(b"GET / HTTP/1.1\r\nHost: a\r\n") != b""
        dripping = await server.client()
        answer = asyncio.create_task(dripping.rest())
        while not answer.done():
            await dripping.send(b"\r\n")
            await asyncio.sleep(0.05)
        await server.rest_after()
        assert not server.app.scopes


async def test_a_second_head_has_to_come_in_time_too() -> None:
    async with serving(LIMITS) as server:
        client = await server.client()
        await client.send(GET)
        assert b"200 OK" in await client.answer()
        await client.send(b"GET /")
        await client.rest()
        assert len(server.app.scopes) == 1


@pytest.mark.parametrize(
    "start",
    [POST + b"Content-Length: 100000\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\n5;"],
    ids=["length", "chunked"],
)
async def test_a_body_that_drips_ends_its_request(start: bytes) -> None:
    async with serving(LIMITS) as server:
        client = await server.client()
        await client.send(start)
        answer = asyncio.create_task(client.rest())
        while not answer.done():
            await client.send(b"a")
            await asyncio.sleep(0.05)
        assert (await answer).startswith(b"HTTP/1.1 504 ")
        assert server.app.disconnected == 1


async def test_a_body_that_is_quick_and_endless_ends_too() -> None:
    async with serving(LIMITS) as server:
        client = await server.client()
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = asyncio.create_task(client.rest())
        while not answer.done():
            await client.send(b"200\r\n" + b"a" * 512 + b"\r\n")
            await asyncio.sleep(0.02)
        assert (await answer).startswith(b"HTTP/1.1 504 ")


async def test_a_slow_application_costs_the_client_nothing() -> None:
    async with serving(LIMITS) as server:
        server.app.answering.clear()
        client = await server.client()
        await client.send(POST + b"Content-Length: 1\r\n\r\na")
        await asyncio.sleep(4 * LIMITS.body_window_s)
        server.app.answering.set()
        assert b"200 OK" in await client.answer()


async def test_the_body_of_an_answered_request_is_not_read_for_ever() -> None:
    async with serving(LIMITS) as server:
        client = await server.client()
        await client.send(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        rest = asyncio.create_task(client.rest())
        while not rest.done():
            with contextlib.suppress(ConnectionError):
                await client.send(b"a" * 1000)
            await asyncio.sleep(0.01)
        assert b"200 OK" in await rest


@pytest.mark.parametrize(
    "tail",
    [
        [b"1;" + b"x" * 65_536] * 64,
        [b"0\r\n", *[b"X: " + b"a" * 1000 + b"\r\n"] * 2000],
        [b"0\r\nX: ", *[b"a" * 65_536] * 64],
    ],
    ids=["extensions", "trailers", "a trailer without end"],
)
async def test_what_stands_between_chunks_is_bounded(tail: list[bytes]) -> None:
    async with serving() as server:
        answer = await server.rest_after(POST + b"Transfer-Encoding: chunked\r\n\r\n", *tail)
        assert b"200 OK" not in answer


async def test_trailers_are_no_headers() -> None:
    async with serving() as server:
        client = await server.client()
        await client.send(
            POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nAuthorization: x\r\nHost: b\r\n\r\n" + GET
        )
        assert b"200 OK" in await client.answer()
        assert b"200 OK" in await client.answer()
        names = [name for name, _ in server.app.scopes[0]["headers"]]
        assert names == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length: +5\r\n\r\nhello",
        POST + b"Content-Length: 5, 5\r\n\r\nhello",
        POST + b"Content-Length: 0x5\r\n\r\nhello",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    ],
)
async def test_a_request_that_another_server_could_read_otherwise_is_refused(request_bytes: bytes) -> None:
    async with serving() as server:
        answer = await server.rest_after(request_bytes)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer
        assert answer.count(b"HTTP/1.1 ") == 1


async def test_requests_that_are_sent_ahead_are_answered_in_turn_and_bounded() -> None:
    async with serving() as server:
        client = await server.client()
        await client.send(GET * 10)
        for _ in range(10):
            assert b"200 OK" in await client.answer()
        server.app.answering.clear()
        await client.send(GET * 2000)
        await asyncio.sleep(0.2)
        server.app.answering.set()
        assert (await client.rest()).count(b"200 OK") < 20


async def test_an_answer_in_work_is_not_cut_by_what_is_sent_behind_it() -> None:
    async with serving() as server:
        answer = await server.rest_after(GET + b"NONSENSE\r\n\r\n")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\n0")


async def test_a_wish_for_another_protocol_is_not_granted_and_nothing_is_lost() -> None:
    async with serving() as server:
        client = await server.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + GET)
        assert b"200 OK" in await client.answer()
        assert b"200 OK" in await client.answer()


@pytest.mark.parametrize(
    "codings", [[b"gzip, chunked"], [b"gzip", b"chunked"], [b"chunked, chunked"], [b"deflate,chunked"]], ids=str
)
async def test_a_body_in_a_coding_that_is_not_taken_apart_is_refused(codings: list[bytes]) -> None:
    async with serving() as server:
        framing = b"".join(b"Transfer-Encoding: " + coding + b"\r\n" for coding in codings)
        answer = await server.rest_after(POST + framing + b"\r\n1\r\na\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in answer
        assert not server.app.scopes
        good = await server.client()
        await good.send(POST + b"Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
        assert b"200 OK" in await good.answer()


async def test_a_client_that_sends_no_more_gets_its_answers_and_one_that_left_is_not_worked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "_HALF_CLOSED_S", 0.1)
    async with serving(around=lambda app: Exchanges(app, (), unlimited)) as server:
        both = await server.client()
        await both.send(GET * 2)
        both.writer.write_eof()
        assert (await both.rest()).count(b"200 OK") == 2
        left = await server.client()
        await left.send(b"GET /watched HTTP/1.1\r\nHost: a\r\n\r\n")
        left.writer.write_eof()
        assert (await left.rest(), server.app.disconnected) == (b"", 1)
        server.app.answering.clear()
        patient = await server.client()
        await patient.send(GET)
        patient.writer.write_eof()
        await asyncio.sleep(0.4)
        server.app.answering.set()
        assert b"200 OK" in await patient.rest()


@pytest.mark.parametrize(("path", "status"), [("/large", 413), ("/unknown", 404)])
async def test_a_body_that_is_vast_by_its_head_is_refused_before_it_comes(
    path: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_SILENT_S", 0.2)

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})

    async with serving(around=lambda _: Exchanges(refusing, (), unlimited)) as server:
        client = await server.client()
        await client.send(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (path.encode(), 10**18 - 1))
        async with asyncio.timeout(10):  # far less than a client has for its body
            answer = await client.answer()
            assert answer.startswith(b"HTTP/1.1 %d" % status) and b"connection: close" in answer
            await client.send(b"a" * 1_000_000)  # one that goes on sending reads why all the same
            assert await client.rest() == b""


async def test_one_more_connection_takes_the_place_of_the_oldest_that_waits() -> None:
    limits = ConnectionLimits(per_address=5)
    async with serving(limits) as server:
        earlier = await server.client()
        await earlier.send(GET)
        assert b"200 OK" in await earlier.answer()
        half_sent = [await server.client() for _ in range(20)]
        for client in half_sent:
            await client.send(b"GET /")
        good = await server.client()
        await good.send(GET)
        assert b"200 OK" in await good.answer()
        closed = await asyncio.gather(*(client.rest() for client in half_sent[:17]))
        assert closed == [b""] * 17
        await earlier.send(GET)
        assert b"200 OK" in await earlier.answer()


async def test_an_address_whose_requests_are_all_in_work_gets_no_further_connection() -> None:
    limits = ConnectionLimits(per_address=2)
    async with serving(limits) as server:
        server.app.answering.clear()
        busy = [await server.client() for _ in range(2)]
        for client in busy:
            await client.send(GET)
        while len(server.app.scopes) < 2:
            await asyncio.sleep(0.01)
        refusal = await server.rest_after(GET)
        assert refusal.startswith(b"HTTP/1.1 503 ") and b"retry-after: " in refusal
        assert b"application/problem+json" in refusal and b"connection: close" in refusal
        server.app.answering.set()
        for client in busy:
            assert b"200 OK" in await client.answer()


async def test_more_connections_than_a_process_may_have_files_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that cannot be accepted for want of a descriptor would be reset, its caller left without a word."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (80, 80))
    async with serving(ConnectionLimits(trusted=("127.0.0.0/8",))) as server:
        half_sent = [await server.client() for _ in range(8)]
        for client in half_sent:
            await client.send(POST + b"Content-Length: 9\r\n\r\na")
        while len(server.app.scopes) < len(half_sent):
            await asyncio.sleep(0.01)
        refusals = await asyncio.gather(*(server.rest_after(GET) for _ in range(12)))
        assert all(refusal.startswith(b"HTTP/1.1 503 ") and b"retry-after: " in refusal for refusal in refusals)
        for client in half_sent:
            await client.send(b"a" * 8)
            assert b"200 OK" in await client.answer()
        assert b"200 OK" in await server.rest_after(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(("open_files", "total", "per_address"), [(10, 8, 6), (160, 48, 36), (1 << 20, 100_000, 256)])
def test_connections_fit_the_files_that_a_process_may_open(open_files: int, total: int, per_address: int) -> None:
    limits = ConnectionLimits().fitted(open_files)
    assert (limits.total, limits.per_address) == (total, per_address)


async def test_a_trusted_proxy_may_have_any_number_of_connections() -> None:
    limits = ConnectionLimits(per_address=1, trusted=("127.0.0.0/8",))
    async with serving(limits) as server:
        clients = [await server.client() for _ in range(5)]
        for client in clients:
            await client.send(GET)
            assert b"200 OK" in await client.answer()


def test_a_client_of_ipv6_is_its_network() -> None:
    assert client_network("2001:db8::1") == client_network("2001:db8::ffff:2")
    assert client_network("2001:db8::1") != client_network("2001:db8:0:1::1")
    assert client_network("::ffff:192.0.2.1") == client_network("192.0.2.1") == "192.0.2.1"
