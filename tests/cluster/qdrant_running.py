"""The wire server as a process: started, frozen, killed, started again at the same port."""

import os
import signal
import subprocess
import sys
from pathlib import Path


class WireServer:
    """`url` stays the same over restarts; what was acknowledged is there again."""

    def __init__(self, folder: Path, *keys: str, **environment: str) -> None:
        self._folder = folder
        self._keys = keys
        self._environment = environment
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> "WireServer":
        command = (sys.executable, "-m", "tests.cluster.qdrant_wire", str(self._folder), str(self._port), *self._keys)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | self._environment)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.strip().isdigit(), "the wire server did not start"
        self._port = int(said)
        return self

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            self._reap()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
