"""One server on one data folder: terminated by its platform, killed, started again."""

import asyncio
import hashlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.intake.intake import document_id_of
from shared.redis.connection import over_socket
from tests.stores import ANSWER_LIMIT_S
from tests.suite.running import Running
from tests.timing import within

TENANT = "ten_default"
TEXT = b"# Waits\n\nThis one is held back.\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that only these tests have, started as it is installed; each leaves it running."""
    running = Running(tmp_path_factory.mktemp("restarts") / "data")
    running.program = (str(Path(sys.executable).with_name("aegis")), "serve")
    yield running.start()
    running.stop()


def hold_back(server: Running, content: bytes) -> str:
    """Lets the first stage of a document that is not there yet wait; returns the document's id."""
    document_id = document_id_of(TENANT, hashlib.sha256(content).hexdigest())

    async def hold() -> None:
        redis = over_socket(server.data / "counters" / "valkey.sock", answer_s=ANSWER_LIMIT_S)
        await redis.call("SET", f"lease:{TENANT}:{document_id}:1:parse", "a test", "EX", 60)
        await redis.close()

    asyncio.run(hold())
    return document_id


def test_a_server_that_is_told_to_end_ends_its_watches_and_loses_nothing(own: Running) -> None:
    document_id = hold_back(own, TEXT)
    lines: list[str] = []
    with own.caller(own.api_key) as watcher, own.caller(own.api_key) as caller:
        assert caller.upload(TEXT).json()["document_id"] == document_id
        others = [caller.upload(f"# Other {number}\n\nText.\n".encode()).json()["document_id"] for number in range(3)]
        opened = threading.Event()

        def watch() -> None:
            with watcher.stream("GET", f"/documents/{document_id}/events") as stream:
                opened.set()
                lines.extend(stream.iter_lines())
                lines.append("ended")

        thread = threading.Thread(target=watch)
        thread.start()
        assert opened.wait(60)
        with within(15, own.pid):
            assert own.stop() == 0
        thread.join(60)
    assert lines[-1:] == ["ended"]
    own.start()
    with own.caller(own.api_key) as caller:
        for one in (document_id, *others):
            assert caller.final(one)["status"] == "ready"


def test_a_server_that_is_killed_goes_on_where_it_was(own: Running) -> None:
    with own.caller(own.api_key) as caller:
        ids = [caller.upload(f"# Killed {number}\n\nText.\n".encode()).json()["document_id"] for number in range(4)]
    own.kill()
    own.start()
    with own.caller(own.api_key) as caller:
        for one in ids:
            assert caller.final(one)["status"] == "ready"


def test_a_first_key_that_was_revoked_does_not_come_back(own: Running) -> None:
    with own.caller(own.api_key) as caller:
        initial = caller.get("/keys").json()["items"][0]["key_id"]
        assert caller.delete(f"/keys/{initial}").status_code == 204
        assert caller.get("/keys").status_code == 401
    own.stop()
    own.start()
    with own.caller(own.api_key) as caller:
        assert caller.get("/keys").status_code == 401
    with own.caller(own.operator_key) as operator:
        assert operator.get("/tenants").status_code == 200
