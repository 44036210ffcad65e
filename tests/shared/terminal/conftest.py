"""A server to speak to and the program, run in this process as a shell would run it."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.terminal import retry
from shared.terminal.program import main
from tests.shared.terminal.fake_server import FakeServer

KEY = "aeg_live_admin"


@dataclass
class Ended:
    exit: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Aegis = Callable[..., Ended]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours, no proxy, an empty folder, and pauses that a test can wait for."""
    names = ("AEGIS_", "AWS_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "K_SINK", "PORT", "HOST")
    for name in [name for name in os.environ if name.upper().startswith(names)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.005)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.close()


@pytest.fixture
def aegis(capfd: pytest.CaptureFixture[str]) -> Aegis:
    def run(*arguments: str | Path) -> Ended:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def served(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """A server that the environment names."""
    monkeypatch.setenv("AEGIS_URL", server.url)
    monkeypatch.setenv("AEGIS_API_KEY", KEY)
    monkeypatch.setenv("AEGIS_OPERATOR_KEY", "aeg_live_operator")
    return server


@pytest.fixture
def folder(server: FakeServer, tmp_path: Path) -> Path:
    """The data folder of a running server."""
    folder = tmp_path / ".aegis"
    folder.mkdir()
    (folder / "server.json").write_text(json.dumps({"url": server.url, "pid": os.getpid()}))
    for name, key in (("initial-api-key", "aeg_live_folder"), ("initial-operator-key", "aeg_live_folder_operator")):
        (folder / name).write_text(key + "\n")
        (folder / name).chmod(0o600)
    return folder
