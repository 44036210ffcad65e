"""A real Redis, as a distribution packages it: `redis-server` or `valkey-server` on the path.

`AEGIS_TEST_REDIS_BINARY` names another.
"""

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.cluster.server import Server, free_ports


def redis_binary() -> str:
    """Skips the test where there is none."""
    found = os.environ.get("AEGIS_TEST_REDIS_BINARY") or shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        pytest.skip("needs redis-server")
    return found


class RedisServer(Server):
    """Stores nothing on disk unless its settings say so; `settings` are as in redis.conf, names with `_` for `-`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder)
        self.binary = redis_binary()
        [self.port] = free_ports(1)
        self.settings = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "maxmemory-policy": "noeviction"}
        self.settings |= {name.replace("_", "-"): value for name, value in settings.items()}

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [self.binary, *(word for name, value in self.settings.items() for word in (f"--{name}", value))]

    def answers(self) -> bool:
        return self.send("PING") != b""

    def send(self, command: str) -> bytes:
        """Sends one command on a connection of its own; an error is an answer too."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(4096)

    def flush(self) -> None:
        assert self.send("FLUSHALL") == b"+OK\r\n"

    def restart(self) -> None:
        """Restarts on the same port; empty, unless its settings write a file."""
        self.kill()
        self.start()
