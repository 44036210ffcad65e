"""The wire server as a process."""

import sys
from pathlib import Path
from urllib.request import urlopen

from tests.cluster.server import Server, free_ports


class WireServer(Server):
    """It keeps its port over restarts; what was acknowledged is there again. `version` is what it says it is."""

    def __init__(self, folder: Path, *keys: str, version: str = "1.19.0") -> None:
        super().__init__(folder)
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self._keys = keys
        self._version = version

    def command(self) -> list[str]:
        program = [sys.executable, "-m", "tests.cluster.qdrant_wire"]
        return [*program, self._version, str(self.folder / "storage"), str(self.port), *self._keys]

    def answers(self) -> bool:
        with urlopen(f"{self.url}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
