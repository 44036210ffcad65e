"""One process over stores of which some are a cluster's: each need whose variable is set is served there."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from redis import Redis

from events.envelope import Secrets, decode, unwrap
from tests.stores import valkey  # noqa: F401
from tests.suite.running import Caller, Running

AEGIS = Path(sys.executable).with_name("aegis")
SECRET = "k1:a-secret-of-these-tests"
TEXT = b"# Tides\n\nThe tide at Molde is two metres high.\n"


class Sink:
    """A broker that takes every event and delivers none."""

    def __init__(self) -> None:
        events: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                events.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.events = events
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Sink":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def document_of(self, body: bytes) -> str:
        """Whose event it is, once its signature is verified."""
        return unwrap(decode(body), Secrets.parse(SECRET)).origin.document_id


@contextmanager
def running(data: Path, **environ: str) -> Iterator[tuple[Running, Caller]]:
    server = Running(data, **environ).start()
    try:
        with server.caller(server.api_key) as admin:
            yield server, admin
    finally:
        assert server.stop() == 0


def backends(caller: Caller) -> dict[str, str]:
    ready = caller.get("/health/ready")
    assert ready.status_code == 200, ready.text
    assert set(ready.json()["stores"]) == {"blobs", "counters", "vectors", "graph"}
    found: dict[str, str] = ready.json()["backends"]
    return found


def test_all_that_has_no_variable_is_embedded(admin: Caller) -> None:
    assert backends(admin) == {
        "blobs": "folder",
        "counters": "valkey",
        "bus": "streams",
        "vectors": "edge",
        "graph": "sqlite",
    }


def test_a_redis_whose_url_is_set_is_the_one_that_is_used(valkey: str, tmp_path: Path) -> None:  # noqa: F811
    with Redis.from_url(valkey) as redis:
        redis.flushdb()
        with running(tmp_path / "data", AEGIS_REDIS_URL=valkey) as (server, admin):
            assert backends(admin) == {
                "blobs": "folder",
                "counters": "redis",
                "bus": "streams",
                "vectors": "edge",
                "graph": "sqlite",
            }
            assert admin.ingest(TEXT)["status"] == "ready"
            assert admin.search("How high is the tide?")
            assert redis.dbsize() > 5
            assert not (server.data / "counters").exists(), "no server of its own runs"
        redis.flushdb()
        with running(tmp_path / "data", AEGIS_REDIS_URL=valkey) as (server, admin):
            assert admin.search("How high is the tide?"), "keys and documents are read again from the folder"


def test_a_redis_that_does_not_answer_ends_the_start(tmp_path: Path) -> None:
    environ = {"AEGIS_REDIS_URL": f"unix://{tmp_path}/nothing", "PATH": ""}
    command = [str(AEGIS), "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 6
    assert ended.stderr.startswith("error: counters")


def test_events_go_to_the_sink_that_is_named(tmp_path: Path) -> None:
    with Sink() as sink, running(tmp_path / "data", K_SINK=sink.url, AEGIS_EVENT_SECRET=SECRET) as (_, admin):
        assert backends(admin)["bus"] == "broker"
        document_id = admin.upload(TEXT).json()["document_id"]
        assert [sink.document_of(body) for body in sink.events] == [document_id]
        assert admin.get(f"/documents/{document_id}").json()["status"] == "stored", "its stages run behind the broker"


def test_an_embedded_function_publishes_to_the_sink_that_is_named(tmp_path: Path) -> None:
    with Sink() as sink, function("upload", tmp_path, K_SINK=sink.url, AEGIS_EVENT_SECRET=SECRET) as caller:
        document_id = caller.upload(TEXT).raise_for_status().json()["document_id"]
        assert [sink.document_of(body) for body in sink.events] == [document_id]


@contextmanager
def function(name: str, folder: Path, **environ: str) -> Iterator[Caller]:
    """A function in a process of its own, on a data folder."""
    environ |= {"AEGIS_EMBEDDED": "1", "AEGIS_DATA": str(folder / "data"), "PORT": "0", "PATH": ""}
    process = subprocess.Popen([AEGIS, "function", name], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        url = process.stdout.readline().split()[1]
        with Caller(url, (folder / "data" / "initial-api-key").read_text().strip()) as caller:
            yield caller
    finally:
        process.terminate()
        assert process.wait(120) == 0
        process.stdout.close()


def test_a_rebuild_of_a_folder_that_is_none_makes_none(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for data in (tmp_path / "typo", tmp_path / "notes"):
        command = [str(AEGIS), "rebuild", "--data", str(data), "--json"]
        ended = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 2
        assert f"{data} is no data folder" in ended.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["notes"]


def test_a_rebuild_uses_the_redis_whose_url_is_set(valkey: str, tmp_path: Path) -> None:  # noqa: F811
    environ = {"AEGIS_REDIS_URL": valkey, "PATH": ""}
    with running(tmp_path / "data", AEGIS_REDIS_URL=valkey) as (server, admin):
        document_id = admin.ingest(TEXT)["document_id"]
    with Redis.from_url(valkey) as redis:
        redis.flushdb()
        command = [str(AEGIS), "rebuild", "--data", str(server.data), "--json"]
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["catalogue"] == {"documents": 1}
        assert not (server.data / "counters").exists()
        assert any(document_id in str(key) for key in redis.scan_iter("*"))
