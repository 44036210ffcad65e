"""Whatever dies, and wherever: every document that was taken in ends, once, and as if nothing had happened."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.embedding.minilm import MiniLM
from shared.redis.connection import over_socket
from shared.vectors.edge import EdgeIndex
from tests.stores import ANSWER_LIMIT_S
from tests.suite.running import FINAL, Caller, Running

TENANT = "ten_default"
STAGES = (("parse", "chunk"), ("embed", "finish"), ("extract", "link"))
WHEN = ("before-write", "after-write", "after-reply")
SHORT = ("extract", "link")
"""Stages of one step, which are killed in the middle only."""
WITHIN_S = 60
A_KILL = 3
"""Documents that are uploaded before each of them."""


class Dying(Running):
    """A server that ends at a point of its own accord."""

    def __init__(self, data: Path, operation: str, when: str) -> None:
        super().__init__(data)
        self.program = (sys.executable, "-m", "tests.suite.crashing_serve", operation, when)

    def died(self) -> None:
        """Returns when it has."""
        assert self._process
        try:
            assert self._process.wait(30) == -9, self.log[-4000:]
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not die:\n{self.log[-4000:]}") from None
        self._process = None


def document(number: int) -> bytes:
    """A small document of several passages that no other number has."""
    sections = [
        f"## Part {part} of {number}\n\n" + f"Sentence {part} tells of thing {number} and of what it is for. " * 12
        for part in range(3)
    ]
    return "\n\n".join([f"# Document {number}", *sections]).encode()


def upload(caller: Caller, numbers: range) -> dict[int, str]:
    """Uploads; ids of those that were answered, by their number."""
    answered = {}
    for number in numbers:
        try:
            answer = caller.upload(document(number), f"{number}.md")
        except httpx.TransportError:  # the server died under it
            continue
        if answer.status_code == 503:  # its Redis died first
            continue
        assert answer.status_code in (200, 202), answer.text
        answered[number] = answer.json()["document_id"]
    return answered


def all_ready(caller: Caller, ids: list[str], within_s: float = WITHIN_S) -> None:
    until = time.monotonic() + within_s
    for document_id in ids:
        while (answer := caller.get(f"/documents/{document_id}")).json()["status"] != "ready":
            assert answer.status_code in (200, 503), answer.text
            assert answer.json()["status"] not in FINAL, answer.text
            assert time.monotonic() < until, f"not ready after {within_s} s: {answer.text}"
            time.sleep(0.05)
        assert [stage["status"] for stage in answer.json()["stages"]] == ["done"] * 6


def generation_folders(server: Running) -> Iterator[Path]:
    return (server.data / "blobs" / "t" / TENANT / "d").glob("*/*")


def ended_stages(server: Running) -> dict[tuple[str, str], Any]:
    """Every stage that has ended, by document and name: what the ledger says of it."""
    return {
        (folder.parent.name, path.name): json.loads(path.read_bytes())
        for folder in generation_folders(server)
        for path in folder.glob("stages/*")
    }


def passages(server: Running) -> dict[str, Any]:
    """By document: ids, texts and all else of its passages."""
    return {folder.parent.name: json.loads((folder / "passages").read_bytes()) for folder in generation_folders(server)}


def markers(server: Running) -> list[str]:
    root = server.data / "blobs" / "open"
    return [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]


def points(server: Running) -> int:
    """How many passages the index of a stopped server holds."""

    async def count() -> int:
        model = MiniLM()
        index = EdgeIndex(server.data / "vectors", model.dimensions, model.name)
        held = await index.of(TENANT).count()
        await index.close()
        return held

    return asyncio.run(count())


def flush(server: Running) -> None:
    """Empties the running server's Redis."""

    async def empty() -> None:
        redis = over_socket(server.data / "counters" / "valkey.sock", answer_s=ANSWER_LIMIT_S)
        await redis.call("FLUSHALL")
        await redis.close()

    asyncio.run(empty())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server to which nothing happens; it has taken in all documents of the kills."""
    server = Running(tmp_path_factory.mktemp("undisturbed") / "data")
    try:
        server.start()
        with server.caller(server.api_key) as caller:
            all_ready(caller, list(upload(caller, range(len(WHEN) * 2 * A_KILL)).values()))
        yield server
    finally:
        server.stop()


Start = Callable[[Running], Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a server, which does not outlive its test."""
    started: list[Running] = []

    def begin(server: Running) -> Running:
        started.append(server)
        return server.start()

    yield begin
    for server in started:
        server.stop()


@pytest.mark.parametrize("stages", STAGES, ids="+".join)
def test_killed_at_every_boundary_of_a_stage_every_document_ends_as_if_nothing_had_happened(
    undisturbed: Running, start: Start, tmp_path: Path, stages: tuple[str, str]
) -> None:
    data = tmp_path / "data"
    answered: dict[int, str] = {}
    ended: dict[tuple[str, str], Any] = {}
    kills = [(stage, when) for stage in stages for when in (WHEN[1:2] if stage in SHORT else WHEN)]
    for kill, (stage, when) in enumerate(kills):
        dying = Dying(data, stage, when)
        start(dying)
        with dying.caller(dying.api_key) as caller:
            answered |= upload(caller, range(kill * A_KILL, (kill + 1) * A_KILL))
        dying.died()
        ended = ended_stages(dying) | ended  # what had ended before an earlier kill must still be the same

    server = start(Running(data))
    with server.caller(server.api_key) as caller:
        all_ready(caller, list(answered.values()))
        again = upload(caller, range(len(kills) * A_KILL))
        all_ready(caller, list(again.values()))
    assert {number: again[number] for number in answered} == answered
    assert markers(server) == []
    now = ended_stages(server)
    assert {stage: now[stage] for stage in ended} == ended, "a finished stage ran again"
    assert all(record["attempts"] <= 1 + len(kills) for record in now.values())
    assert server.stop() == 0
    expected = {one: of_one for one, of_one in passages(undisturbed).items() if one in again.values()}
    assert len(expected) == len(kills) * A_KILL
    assert passages(server) == expected
    assert points(server) == sum(len(of_one) for of_one in expected.values())


def test_a_redis_emptied_in_the_middle_keeps_no_document_waiting(start: Start, tmp_path: Path) -> None:
    hurried = Running(tmp_path / "data")
    hurried.program = (sys.executable, "-m", "tests.suite.hurried_serve", "serve")
    start(hurried)
    numbers = range(100, 108)
    with hurried.caller(hurried.api_key) as caller:
        answered: dict[int, str] = {}
        for number in numbers:
            answered |= upload(caller, range(number, number + 1))
            if number % 3 == 1:
                flush(hurried)
        flush(hurried)
        # Where one branch went on and the other's event was lost, the document counts as recent for a while.
        all_ready(caller, list(answered.values()), within_s=150)
        assert len(answered) == len(numbers)
        listed = {item["document_id"] for item in caller.get("/documents?limit=100").json()["items"]}
        assert set(answered.values()) <= listed
    assert markers(hurried) == []


def test_what_dies_in_an_upload_or_a_deletion_leaves_nothing_stuck_and_nothing_behind(
    start: Start, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for number, when in ((2, "after-marker"), (5, "after-original")):
        dying = Dying(data, "upload", when)
        start(dying)
        with dying.caller(dying.api_key) as caller:
            assert number not in upload(caller, range(number - 2, number + 1))
        dying.died()

    deleted: list[str] = []
    for number, when in enumerate(("hidden", "buried", "half-erased"), start=10):
        dying = Dying(data, "delete", when)
        start(dying)
        with dying.caller(dying.api_key) as caller:
            assert_gone(caller, deleted)
            victim = upload(caller, range(number, number + 1))[number]
            all_ready(caller, [victim])
            with pytest.raises(httpx.TransportError):
                caller.delete(f"/documents/{victim}")
        dying.died()
        deleted.append(victim)

    server = start(Dying(data, "delete", "slowly"))
    with server.caller(server.api_key) as caller:
        assert_gone(caller, deleted)
        assert not set(deleted) & {passage["document_id"] for passage in caller.search("thing 10 11 12", limit=50)}
        until = time.monotonic() + WITHIN_S
        while left := [folder for folder in generation_folders(server) if folder.parent.name in deleted]:
            assert time.monotonic() < until, left
            time.sleep(0.1)
        again = upload(caller, range(6))
        all_ready(caller, list(again.values()))
        assert len(again) == 6
        delete_and_upload_at_once(caller, server, number=5)
    while markers(server):
        assert time.monotonic() < until, markers(server)
        time.sleep(0.1)
    assert server.stop() == 0
    expected = sum(len(of_one) for of_one in passages(server).values())
    assert len(passages(server)) == 6
    assert points(server) == expected


def assert_gone(caller: Caller, ids: list[str]) -> None:
    for document_id in ids:
        assert caller.get(f"/documents/{document_id}").status_code == 404
    listed = {item["document_id"] for item in caller.get("/documents?limit=100").json()["items"]}
    assert not listed & set(ids)


def delete_and_upload_at_once(caller: Caller, server: Running, number: int) -> None:
    """Bytes that come in again while their deletion still runs are a document of their own."""
    document_id = upload(caller, range(number, number + 1))[number]
    statuses = []

    def delete() -> None:
        with server.caller(server.api_key) as other:
            statuses.append(other.delete(f"/documents/{document_id}").status_code)

    deleting = threading.Thread(target=delete)
    deleting.start()
    until = time.monotonic() + 60
    while caller.get(f"/documents/{document_id}").status_code != 404:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert upload(caller, range(number, number + 1)) == {number: document_id}
    assert deleting.is_alive(), "the erasure was over before the bytes came in again"
    all_ready(caller, [document_id])
    deleting.join()
    assert statuses == [204]
    assert caller.get(f"/documents/{document_id}").json()["status"] == "ready"
    found = caller.search(f"thing {number}", document_ids=[document_id])
    assert found, "its passages were erased with those of its former life"
