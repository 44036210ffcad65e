"""A server that sends what no server should is at fault: the call ends as `broken`, soon and in bounded memory."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from shared.types.model import TokenCounts
from shared.upstreams import calling
from shared.upstreams.calling import Timeouts
from shared.upstreams.ollama import OllamaClient
from shared.upstreams.openai import OpenAICompatible
from shared.upstreams.port import Capabilities, TextDelta, UpstreamError
from tests.shared.upstreams.streams import call, collected, fault

Write = Callable[[asyncio.StreamWriter], Awaitable[None]]
Client = OllamaClient | OpenAICompatible
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
DEEP = b"[" * 100_000
MIB = 1 << 20


@asynccontextmanager
async def serving(write: Write, kind: type[Client] = OllamaClient, first_byte_s: float = 20) -> AsyncIterator[Client]:
    """A client of a server that answers every chat with what `write` writes; it knows no page of any model."""
    asked: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0"))
                if b"/api/show" in head:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    continue
                await write(writer)
                await writer.drain()
                writer.close()
                return
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    timeouts = Timeouts(first_byte_s=first_byte_s, between_s=20)
    client: Client = OllamaClient(url, timeouts=timeouts)
    if kind is OpenAICompatible:
        client = OpenAICompatible(url, "cloud", capabilities=Capabilities(), timeouts=timeouts)
    yield client
    await client.close()
    listening.close()
    for task in asked:
        task.cancel()


def body(*lines: bytes) -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n" + b"".join(line + b"\n" for line in lines))

    return write


@pytest.mark.parametrize("kind", [OllamaClient, OpenAICompatible])
@pytest.mark.parametrize(
    "line",
    [
        b'{"x":' + DEEP,
        b'{"message":' + b'{"content":' * 100_000,
        b'{"choices":' + DEEP,
        b'{"usage":' + b'{"a":' * 100_000,
        b'{"message":{"content":"\xff\xfe"}}',
        b'{"message":{"content":7},"choices":[{"delta":{"content":7}}]}',
        b'{"choices":7,"done":[]}',
        b'{"error":{"message":' + DEEP,
        b"{",
    ],
)
async def test_a_line_that_cannot_be_read_is_the_servers_fault(kind: type[Client], line: bytes) -> None:
    async with serving(body(line), kind) as client:
        assert (await fault(client.stream(call()))).fault in ("broken", "failed")


@pytest.mark.parametrize("kind", [OllamaClient, OpenAICompatible])
async def test_a_refusal_that_cannot_be_read_is_a_refusal_still(kind: type[Client]) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 429 Too Many\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + DEEP[:60_000])

    async with serving(write, kind) as client:
        assert (await fault(client.stream(call()))).fault == "rate_limited"


def _ollama(prompt: str, completion: str) -> tuple[bytes, ...]:
    counters = f'"prompt_eval_count":{prompt},"eval_count":{completion}'
    return b'{"message":{"content":"Hello."}}', f'{{"done":true,"done_reason":null,{counters}}}'.encode()


def _openai(prompt: str, completion: str) -> tuple[bytes, ...]:
    counters = f'"prompt_tokens":{prompt},"completion_tokens":{completion},"prompt_tokens_details":[]'
    return (
        b'data: {"choices":[{"delta":{"content":"Hello."},"finish_reason":"stop"}]}',
        f'data: {{"choices":null,"usage":{{{counters}}}}}'.encode(),
        b"data: [DONE]",
    )


@pytest.mark.parametrize(
    ("prompt", "completion", "expected"),
    [
        ("7", "3", TokenCounts(7, 3)),
        ('"7"', '"3"', TokenCounts(7, 3)),
        ("7.0", "3.2e0", TokenCounts(7, 3)),
        ("7", str(10**18), TokenCounts(7, 10**18)),
        ("null", "3", None),
        ("0", "3", None),
        ("-7", "3", None),
        ("7", "-3", None),
        ("7", "[3]", None),
        ("true", "3", None),
        ("1e999", "3", None),
        ("9" * 5000, "3", None),
    ],
)
@pytest.mark.parametrize(("kind", "lines"), [(OllamaClient, _ollama), (OpenAICompatible, _openai)])
async def test_no_counter_costs_an_answer(
    kind: type[Client],
    lines: Callable[[str, str], tuple[bytes, ...]],
    prompt: str,
    completion: str,
    expected: TokenCounts | None,
) -> None:
    async with serving(body(*lines(prompt, completion)), kind) as client:
        text, end = await collected(client.stream(call()))
    assert (text, end.counts) == ("Hello.", expected)


@pytest.mark.parametrize("usage", ['"none"', "[]", "7", "null", '{"prompt_tokens":{"a":[]}}'])
async def test_a_usage_of_another_shape_costs_no_answer(usage: str) -> None:
    line = f'data: {{"choices":[{{"delta":{{"content":"Hi"}},"finish_reason":"stop"}}],"usage":{usage}}}'
    async with serving(body(line.encode()), OpenAICompatible) as client:
        text, end = await collected(client.stream(call()))
    assert (text, end.counts) == ("Hi", None)


_EMPTY = {
    OllamaClient: (
        b'{"message":{"content":""}}',
        b'{"message":{"thinking":"","content":null}}',
        b'{"message":null}',
        b"",
    ),
    OpenAICompatible: (b'data: {"choices":[{"delta":{"content":""}}]}', b'data: {"choices":[]}', b": ping", b""),
}


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in _EMPTY.items() for line in lines])
async def test_lines_without_an_answer_are_not_read_for_ever(kind: type[Client], line: bytes) -> None:
    sent = 0

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(HEAD + b"\r\n")
        piece = (line + b"\n") * (100_000 // (len(line) + 1))
        while sent < 24 * MIB:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    async with serving(write, kind) as client:
        assert (await fault(client.stream(call()))).fault == "broken"
    assert sent < 16 * MIB


@pytest.mark.parametrize(
    ("kind", "thought", "end"),
    [
        (OllamaClient, b'{"message":{"thinking":"Hm."}}', _ollama("7", "3")),
        (OpenAICompatible, b'data: {"choices":[{"delta":{"reasoning_content":"Hm."}}]}', _openai("7", "3")),
        (OpenAICompatible, b'data: {"choices":[{"delta":{"reasoning":"Hm."}}]}', _openai("7", "3")),
    ],
)
async def test_a_model_that_thinks_for_long_is_at_work(
    kind: type[Client], thought: bytes, end: tuple[bytes, ...]
) -> None:
    lines = [thought] * (5 * MIB // 4 // len(thought))
    async with serving(body(*lines, *end), kind) as client:
        assert (await collected(client.stream(call())))[0] == "Hello."


def headers_without_end(writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    return b"X-Filler: " + b"a" * 1000 + b"\r\n"


def one_header_without_end(writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Filler: ")
    return b"a" * 1000


def interim_answers_without_end(writer: asyncio.StreamWriter) -> bytes:
    return b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def trailers_without_end(writer: asyncio.StreamWriter) -> bytes:
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
    return b"X-Filler: " + b"a" * 1000 + b"\r\n"


@pytest.fixture(params=["ours", "httpx"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of our own, and httpx's, which servers with TLS are reached by."""
    made = calling._transport
    if request.param == "httpx":
        monkeypatch.setattr(calling, "_transport", lambda scheme, connections: made("https", connections))


@pytest.mark.usefixtures("transport")
@pytest.mark.parametrize(
    "start", [headers_without_end, one_header_without_end, interim_answers_without_end, trailers_without_end]
)
async def test_headers_are_bounded(start: Callable[[asyncio.StreamWriter], bytes]) -> None:
    sent = 0

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        piece = start(writer) * 20
        while sent < 256 * MIB:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    async with serving(write, first_byte_s=2) as client:
        assert (await fault(client.stream(call()))).fault in ("broken", "timeout")
    assert sent < 64 * MIB


@pytest.mark.usefixtures("transport")
async def test_many_small_headers_are_bounded() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"a:b\r\n" * 300 + b"Content-Length: 2\r\n\r\n{}")

    async with serving(write) as client:
        assert (await fault(client.stream(call()))).fault == "broken"


async def test_a_compressed_answer_is_not_unpacked() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")

    async with serving(write) as client:
        assert "compressed" in (await fault(client.stream(call()))).detail


async def test_a_long_line_in_small_pieces_takes_time_in_proportion_to_its_length() -> None:
    """Joining at every piece what came before takes a hundred times as long as this."""

    async def taken(size: int) -> float:
        text = b"a" * size

        async def write(writer: asyncio.StreamWriter) -> None:
            line = b'{"message":{"content":"%b"}}\n{"done":true}\n' % text
            writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(line), 64):
                piece = line[start : start + 64]
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                if start % 65_536 == 0:
                    await writer.drain()
            writer.write(b"0\r\n\r\n")

        async with serving(write) as client:
            started = time.process_time()
            assert len((await collected(client.stream(call())))[0]) == size
            return time.process_time() - started

    small, large = await taken(MIB // 2), await taken(MIB * 7 // 2)
    assert large < 7 * small * 4 + 0.5


async def test_a_line_without_an_end_is_bounded() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b'\r\n{"message":{"content":"')
        for _ in range(256):
            writer.write(b"a" * MIB)
            await writer.drain()

    async with serving(write) as client:
        assert "line" in (await fault(client.stream(call()))).detail


async def test_an_answer_that_never_pauses_ends_at_its_time() -> None:
    line = json.dumps({"message": {"content": "word "}}).encode() + b"\n"

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(line * 2000)
            await writer.drain()

    async with serving(write) as client, aclosing(client.stream(call(timeout_s=0.5))) as events:
        with pytest.raises(UpstreamError, match="timeout"):
            async for event in events:
                assert isinstance(event, TextDelta)


async def test_a_list_of_models_without_an_end_is_bounded() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b'\r\n{"models":[')
        for _ in range(256):
            writer.write(b" " * MIB)
            await writer.drain()

    async with serving(write) as client:
        with pytest.raises(UpstreamError, match="without an end"):
            await client.models()
