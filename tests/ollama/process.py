"""The fake as a process of its own, for tests that drive a whole suite from outside."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import httpx

_ROOT = Path(__file__).parents[2]


class FakeProcess:
    """Started with the arguments of `python -m tests.ollama`; `url` is where it listens."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.ollama", *self._arguments]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("ready "), "the fake did not start"
        self.url = line.split()[1]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(60)
        self._process.stdout.close()

    def next(self, *what: str, path: str = "") -> None:
        """What the next calls of a model, or of a path, meet: names of `trouble.named`."""
        self._post("next", {"what": what, "path": path})

    def always(self, what: str | None, path: str = "") -> None:
        self._post("always", {"what": what, "path": path})

    @property
    def seen(self) -> list[dict[str, str]]:
        """`method`, `path` and `body` of every request so far."""
        answer = httpx.get(f"{self.url}/_fake/seen", trust_env=False).raise_for_status()
        items: list[dict[str, str]] = answer.json()["items"]
        return items

    def _post(self, verb: str, body: dict[str, Any]) -> None:
        httpx.post(f"{self.url}/_fake/{verb}", json=body, trust_env=False).raise_for_status()
