"""Which server is spoken to, with which key, and what is said when there is none."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, FakeServer

NONE = Answer(body={"items": [], "next_cursor": None})


@pytest.fixture(autouse=True)
def empty_lists(server: FakeServer) -> None:
    for path in ("/documents", "/tenants", "/failed"):
        server.on("GET", path, NONE)


def credentials_sent(server: FakeServer) -> list[str]:
    return [str(asked.headers["authorization"]) for asked in server.asked]


def test_the_data_folder_names_the_server_and_holds_the_key(aegis: Aegis, server: FakeServer, folder: Path) -> None:
    assert aegis("documents", "list", "--data", folder).exit == 0
    assert aegis("documents", "list").exit == 0, "./.aegis is the default"
    assert credentials_sent(server) == ["Bearer aeg_live_folder"] * 2


def test_operators_commands_take_the_operators_key(aegis: Aegis, server: FakeServer, folder: Path) -> None:
    assert aegis("tenants", "list").exit == 0
    assert aegis("failed", "list", "--operator").exit == 0
    assert aegis("failed", "list").exit == 0
    assert credentials_sent(server) == ["Bearer aeg_live_folder_operator"] * 2 + ["Bearer aeg_live_folder"]


def test_the_key_of_the_environment_may_be_an_operators(
    aegis: Aegis, served: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AEGIS_OPERATOR_KEY")
    monkeypatch.setenv("AEGIS_API_KEY", "aeg_live_an_operators")
    assert aegis("tenants", "list").exit == 0
    assert credentials_sent(served) == ["Bearer aeg_live_an_operators"]


def test_an_admins_key_in_the_environment_does_not_replace_the_folders_operator_key(
    aegis: Aegis, server: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_API_KEY", "aeg_live_admin")
    server.on("PUT", "/budget", Answer(body={"scopes": []}))
    assert aegis("tenants", "list").exit == 0
    assert aegis("budget", "set", "platform", "--daily-usd", "5").exit == 0
    assert aegis("budget", "set", "tenant", "--daily-usd", "5").exit == 0
    keys = ["Bearer aeg_live_folder_operator"] * 2 + ["Bearer aeg_live_admin"]
    assert credentials_sent(server) == keys


def test_the_environment_wins_over_the_folder(aegis: Aegis, served: FakeServer, folder: Path) -> None:
    (folder / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": os.getpid()}))
    ended = aegis("documents", "list", "--data", folder)
    assert ended.exit == 0
    assert "AEGIS_URL is set and wins over --data" in ended.err
    assert credentials_sent(served) == ["Bearer aeg_live_admin"]


def test_the_folders_key_is_not_shown_to_another_address(
    aegis: Aegis, server: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": os.getpid()}))
    monkeypatch.setenv("AEGIS_URL", server.url)
    ended = aegis("documents", "list")
    assert ended.exit == 4
    assert "AEGIS_API_KEY" in ended.err
    assert server.asked == []


def test_the_folders_key_serves_its_own_servers_address(
    aegis: Aegis, server: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_URL", server.url + "/")
    assert aegis("documents", "list").exit == 0
    assert credentials_sent(server) == ["Bearer aeg_live_folder"]


def test_a_server_on_every_address_is_met_on_this_machine(aegis: Aegis, server: FakeServer, folder: Path) -> None:
    everywhere = server.url.replace("127.0.0.1", "0.0.0.0")
    (folder / "server.json").write_text(json.dumps({"url": everywhere, "pid": os.getpid()}))
    assert aegis("documents", "list").exit == 0
    assert str(server.asked[0].headers["host"]).startswith("127.0.0.1:")


def test_a_killed_servers_key_is_not_shown_to_whoever_has_its_port(
    aegis: Aegis, server: FakeServer, folder: Path
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (folder / "server.json").write_text(json.dumps({"url": server.url, "pid": gone.pid}))
    ended = aegis("documents", "list")
    assert ended.exit == 6
    assert "aegis serve" in ended.err
    assert server.asked == []


def test_without_a_server_the_exit_is_6_and_the_way_to_start_one_is_told(aegis: Aegis, tmp_path: Path) -> None:
    ended = aegis("ask", "why?", "--data", tmp_path / "nothing")
    assert (ended.exit, ended.out) == (6, "")
    assert f"aegis serve --data {tmp_path / 'nothing'}" in ended.err


def test_a_server_that_does_not_answer_is_6(aegis: Aegis, served: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AEGIS_URL", f"http://127.0.0.1:{port}")
    ended = aegis("search", "why?")
    assert ended.exit == 6
    assert f"http://127.0.0.1:{port}" in ended.err


def test_a_proxy_of_the_environment_is_not_for_this_machine(
    aegis: Aegis, served: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert aegis("documents", "list").exit == 0


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8000", "ftp://x", "http://", "http://x:port", "http://x:99999", "http://u:hunter2@x", "http://x?a=b"],
)
def test_an_address_that_is_none_exits_2(
    aegis: Aegis, served: FakeServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_URL", url)
    ended = aegis("documents", "list")
    assert ended.exit == 2
    assert "AEGIS_URL" in ended.err
    assert "hunter2" not in ended.err


@pytest.mark.parametrize("key", ["schlüssel", "a\nb"])
def test_a_key_that_no_header_takes_is_not_sent(
    aegis: Aegis, served: FakeServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_API_KEY", key)
    ended = aegis("documents", "list")
    assert ended.exit == 4
    assert key not in ended.err
    assert served.asked == []


def test_a_folder_without_its_key_says_which_variable_helps(aegis: Aegis, server: FakeServer, folder: Path) -> None:
    (folder / "initial-api-key").unlink()
    ended = aegis("documents", "list")
    assert ended.exit == 4
    assert "AEGIS_API_KEY" in ended.err
