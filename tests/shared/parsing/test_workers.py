"""What a pool of parsers promises, whatever it is fed."""

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from shared.parsing.document import Block, ParsedDocument
from shared.parsing.limits import MIB, ParsingLimits
from shared.parsing.markdown import to_markdown
from shared.parsing.pool import ParserPool, WorkerRefused
from shared.parsing.process import ParserHung, ParserUnavailable
from shared.parsing.time_limits import HUNG
from shared.types.errors import Rejected, StoreUnavailable, retry_seconds
from tests.timing import within

SLOW = b"![[" * 400_000
"""Keeps a Markdown parser busy for minutes."""


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    pool = ParserPool(ParsingLimits(seconds=20))
    yield pool
    await pool.close()


async def read(pool: ParserPool, media_type: str, content: bytes) -> ParsedDocument:
    return await pool.parse("light", media_type, "a file", content)


async def works(pool: ParserPool) -> bool:
    return (await read(pool, "text/plain", b"still here")).blocks[0].text == "still here"


async def refusal(pool: ParserPool, media_type: str, content: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        await read(pool, media_type, content)
    return caught.value.code


def children() -> set[int]:
    """Processes that we started and that live."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.add(int(stat.parent.name))
    return found


async def new_child(before: set[int]) -> int:
    while not (new := children() - before):
        await asyncio.sleep(0.01)
    return new.pop()


async def busy_child(pool: ParserPool, before: set[int]) -> int:
    """A new worker, once it has its document."""
    while not (new := {worker.pid for worker in pool._busy} - before):
        await asyncio.sleep(0.01)
    return new.pop()


async def test_documents_are_parsed_one_after_the_other_by_one_warm_worker(pool: ParserPool) -> None:
    before = children()
    assert (await read(pool, "text/markdown", b"# One\n\ntext")).title == "One"
    worker = children() - before
    assert (await read(pool, "text/html", b"<h1>Two</h1>")).title == "Two"
    assert len(worker) == 1
    assert children() - before == worker


BAD = {
    "deep json": ("application/json", b"[" * 200_000, "too-deep"),
    "deep html": ("text/html", b"<div>" * 20_000 + b"x", "too-deep"),
    "deep markdown": ("text/markdown", b">" * 5_000 + b" x", "too-deep"),
    "nothing but zeros": ("text/markdown", b"\x00" * 100_000, "corrupt"),
    "bad utf-8": ("text/csv", b"\xff\xfe\xfd" * 10_000, "corrupt"),
    "half a json": ("application/json", b'{"a": [1, 2', "corrupt"),
    "no words": ("text/html", b"<p> </p>" * 1000, "empty"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_file_is_rejected_in_time_and_the_next_one_is_parsed(pool: ParserPool, name: str) -> None:
    media_type, content, code = BAD[name]
    with within(5):
        assert await refusal(pool, media_type, content) == code
    assert await works(pool)


LARGE = {
    "laughs": ("text/html", b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><p>&b; words'),
    "one line of text": ("text/plain", b"word " * 2_000_000),
    "one line of html": ("text/html", b"word " * 2_000_000),
    "one line of markdown": ("text/markdown", b"word " * 500_000),
    "one cell": ("text/csv", b"word " * 500_000),
    "many columns": ("text/csv", b",".join(b"c%d" % n for n in range(10_000)) + b"\n" + b"1," * 9_999 + b"1\n"),
}


@pytest.mark.parametrize("name", LARGE)
async def test_an_unusual_file_is_parsed_in_time(pool: ParserPool, name: str) -> None:
    with within(10):
        document = await read(pool, *LARGE[name])
    assert sum(len(block.text) for block in document.blocks) <= 2 * len(LARGE[name][1]) + 200_000


async def test_a_document_that_takes_too_long_is_ended() -> None:
    pool = ParserPool(ParsingLimits(seconds=0.5))
    before = children()
    try:
        assert await refusal(pool, "text/markdown", SLOW) == "time-limit"
        assert children() == before
        assert await works(pool)
    finally:
        await pool.close()


async def test_a_document_that_takes_too_much_memory_is_ended() -> None:
    pool = ParserPool(ParsingLimits(seconds=20, memory_bytes=160 * MIB))
    try:
        assert await refusal(pool, "application/json", b"[" + b"[1],[2]," * 1_500_000 + b"0]") == "memory-limit"
        assert await works(pool)
    finally:
        await pool.close()


async def test_a_worker_that_dies_is_replaced_and_its_document_is_tried_again() -> None:
    pool = ParserPool(ParsingLimits(seconds=1.2))
    before = children()
    try:
        task = asyncio.create_task(read(pool, "text/markdown", SLOW))
        first = await busy_child(pool, before)
        os.kill(first, signal.SIGSEGV)
        assert await new_child({*before, first}) != first
        with pytest.raises(Rejected, match="time-limit"):
            await task
    finally:
        await pool.close()


@pytest.mark.parametrize(("death", "code"), [(signal.SIGSEGV, "corrupt"), (signal.SIGKILL, "memory-limit")])
async def test_a_document_that_ends_two_workers_is_rejected(pool: ParserPool, death: signal.Signals, code: str) -> None:
    before = children()
    task = asyncio.create_task(read(pool, "text/markdown", SLOW))
    for _ in range(2):
        worker = await busy_child(pool, before)
        before.add(worker)
        os.kill(worker, death)
    with pytest.raises(Rejected) as caught:
        await task
    assert caught.value.code == code
    assert isinstance(caught.value, WorkerRefused) == (code == "corrupt"), "another parser is told the time it took"
    assert await works(pool)


async def test_a_worker_that_hangs_twice_is_our_fault(pool: ParserPool) -> None:
    before = children()
    task = asyncio.create_task(read(pool, "text/markdown", SLOW))
    for _ in range(2):
        worker = await busy_child(pool, before)
        before.add(worker)
        os.kill(worker, HUNG)
    with pytest.raises(ParserHung):
        await task
    assert await works(pool)


async def test_an_idle_worker_that_died_is_not_missed(pool: ParserPool) -> None:
    before = children()
    assert await works(pool)
    os.kill((children() - before).pop(), signal.SIGKILL)
    assert await works(pool)


async def test_cancelling_ends_the_worker_and_frees_its_place(pool: ParserPool) -> None:
    before = children()
    task = asyncio.create_task(read(pool, "text/markdown", SLOW))
    await busy_child(pool, before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == before
    assert await works(pool)


async def test_closing_ends_every_worker_and_blames_no_document() -> None:
    pool = ParserPool(ParsingLimits(), workers=2)
    before = children()
    tasks = [asyncio.create_task(read(pool, "text/markdown", SLOW)) for _ in range(3)]
    await new_child(before)
    await asyncio.sleep(0.5)
    await pool.close()
    assert all(isinstance(r, ParserUnavailable) for r in await asyncio.gather(*tasks, return_exceptions=True))
    assert children() == before


async def test_a_worker_is_replaced_after_its_share_of_documents() -> None:
    pool = ParserPool(ParsingLimits(documents=2))
    before = children()
    seen = set()
    try:
        for _ in range(4):
            assert await works(pool)
            seen |= children() - before
    finally:
        await pool.close()
    assert len(seen) == 2
    assert children() == before


async def test_a_worker_that_has_grown_is_replaced() -> None:
    pool = ParserPool(ParsingLimits(growth_bytes=4 * MIB))
    before = children()
    try:
        await read(pool, "text/csv", b"a,b\n" + b"some,cells\n" * 60_000)
        assert children() == before
        assert await works(pool)
    finally:
        await pool.close()


async def test_an_unknown_parser_is_our_fault_and_not_the_documents(pool: ParserPool) -> None:
    with pytest.raises(ParserUnavailable):
        await pool.parse("gpu", "application/pdf", "a.pdf", b"%PDF-")
    assert await works(pool)


@pytest.mark.parametrize("fault", [errno.EMFILE, errno.ENOMEM, errno.EAGAIN])
async def test_a_worker_that_cannot_be_started_is_tried_again_later(
    fault: int, pool: ParserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise OSError(fault, "no more")

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", fails)
        with pytest.raises(ParserUnavailable) as raised:
            await pool.parse("light", "text/markdown", "a.md", b"# Heading")
    assert isinstance(raised.value, StoreUnavailable) and retry_seconds(raised.value)
    assert await works(pool)


async def test_the_event_loop_stays_free_while_a_document_is_parsed(pool: ParserPool) -> None:
    await works(pool)
    task = asyncio.create_task(read(pool, "text/markdown", b"Some words.\n\n" * 15_000))
    longest, last = 0.0, time.thread_time()
    while not task.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.thread_time() - last), time.thread_time()
    assert longest < 0.3
    assert len((await task).blocks) == 15_000


CONFINED = """
import os, sys
from shared.parsing.confinement import confine
from shared.parsing.limits import ParsingLimits
confine(ParsingLimits(), os.getppid())
import socket
def tried(call):
    try:
        call()
        return "done"
    except PermissionError as error:
        return "refused" if "a parser may not use" in str(error) else str(error)
    except OSError as error:
        return str(error)
print(tried(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)))
print(tried(lambda: socket.getaddrinfo("example.org", 80)))
print(tried(lambda: socket.socket().bind(("127.0.0.1", 0))))
print(tried(lambda: os.system("true")))
print(tried(lambda: os.fork()))
print(tried(lambda: __import__("subprocess").run(["true"])))
print(tried(lambda: open(os.devnull).close()))
"""


def test_a_confined_process_reaches_neither_the_network_nor_another_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        ran = subprocess.run([sys.executable, "-c", CONFINED, port], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:-1] == ["refused"] * 6 + ["done"], ran.stderr


NAMESPACE = """
import ctypes, socket, sys
from shared.parsing.confinement import leave_network
left = leave_network(ctypes.CDLL(None, use_errno=True))
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
    print(left, "connected")
except OSError:
    print(left, "unreachable")
"""


def test_where_the_kernel_allows_it_there_is_no_network_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        ran = subprocess.run([sys.executable, "-c", NAMESPACE, port], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() in {"True unreachable", "False connected"}


async def test_nothing_a_document_names_is_fetched(pool: ParserPool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x".encode()
        page = (
            b'<!DOCTYPE html SYSTEM "%s" [<!ENTITY e SYSTEM "%s">]><link rel=stylesheet href="%s"><base href="%s">'
            b'<img src="%s" alt="pic"><iframe src="%s"></iframe><p>&e; words</p>' % ((url,) * 6)
        )
        await read(pool, "text/html", page)
        await read(pool, "text/markdown", b"![pic](%s) [x](%s)\n\n%s" % (url, url, page))
        with pytest.raises(TimeoutError):
            server.accept()


async def test_a_worker_sees_none_of_our_secrets(pool: ParserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEGIS_EVENT_SECRET", "kid:secret")
    before = children()
    assert await works(pool)
    environ = Path(f"/proc/{(children() - before).pop()}/environ").read_bytes()
    assert b"PYTHONPATH" in environ
    assert b"AEGIS" not in environ


PARENT = """
import asyncio, os, sys
from shared.parsing.limits import ParsingLimits
from shared.parsing.markdown import to_markdown
from shared.parsing.pool import ParserPool
async def main():
    pool = ParserPool(ParsingLimits())
    await pool.parse("light", "text/plain", "a", b"words")
    print(pool._idle["light"][0]._process.pid, flush=True)
    await pool.parse("light", "text/markdown", "a", b"![[" * 400_000)
asyncio.run(main())
"""


def test_a_worker_does_not_outlive_a_parent_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.kill()
    deadline = time.monotonic() + 60
    stat = Path(f"/proc/{worker}/stat")
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_limits_are_read_from_the_environment() -> None:
    environ = {"AEGIS_PARSE_SECONDS": "30", "AEGIS_PARSE_MEMORY_BYTES": "1000000", "AEGIS_PARSE_MAX_PAGES": "7"}
    assert ParsingLimits.from_environ(environ) == ParsingLimits(seconds=30, memory_bytes=1_000_000, max_pages=7)
    assert ParsingLimits.from_environ({}) == ParsingLimits()


@pytest.mark.parametrize("value", ["0", "-1", "ten", "1.5", "1e3", "²"])
@pytest.mark.parametrize("name", ["AEGIS_PARSE_SECONDS", "AEGIS_PARSE_MEMORY_BYTES", "AEGIS_PARSE_MAX_PAGES"])
def test_a_limit_that_is_no_whole_number_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        ParsingLimits.from_environ({name: value})


async def test_who_waits_for_a_worker_holds_no_bytes(pool: ParserPool) -> None:
    held = most_held = 0
    drawn = ParsedDocument((Block("paragraph", "text"),))

    async def bytes_of_a_document() -> bytes:
        nonlocal held, most_held
        held += 1
        most_held = max(most_held, held)
        return msgspec.json.encode(drawn)

    async def markdown() -> None:
        nonlocal held
        assert await pool.markdown(bytes_of_a_document) == b"text\n"
        held -= 1

    await asyncio.gather(*(markdown() for _ in range(12)))
    assert most_held == 1


async def test_a_long_text_is_written_as_markdown_while_the_loop_goes_on(pool: ParserPool) -> None:
    document = ParsedDocument((Block("paragraph", "*a_b [c](d) " * 400_000),))
    writing = asyncio.create_task(pool.markdown(msgspec.json.encode(document)))
    ticks = 0
    while not writing.done():
        await asyncio.sleep(0.02)
        ticks += 1
    assert await writing == to_markdown(document).encode()
    assert ticks > 3
