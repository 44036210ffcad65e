"""A server of the tests' own: started on free ports of this machine, frozen, killed, started again; it dies with us."""

import ctypes
import os
import platform
import random
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_SERVER_PORTS = range(20_000, 32_000)


class Server(ABC):
    """One process in a folder. What it says stands in `log`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def answers(self) -> bool:
        """Whether it does its work already; may raise `OSError`."""

    def start(self, within_s: float = 240) -> None:
        """Returns when it answers. The thread that calls this has to outlive the server."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - two system calls, no lock
            )
        until = time.monotonic() + within_s
        while not self._answers():
            assert self._process.poll() is None, f"ended at its start:\n{self.log[-3000:]}"
            assert time.monotonic() < until, f"not ready after {within_s} s:\n{self.log[-3000:]}"
            time.sleep(0.02)

    def kill(self) -> None:
        """As a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and takes new ones, and answers nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            return self.answers()
        except OSError:
            return False


def free_ports(count: int) -> list[int]:
    """Free now, all different, and below the range that outgoing connections take theirs from: a server that is
    started again finds its port free."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(_SERVER_PORTS, len(_SERVER_PORTS)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
        if len(ports) == count:
            break
    return ports


def die_with_parent() -> None:
    os.setpgid(0, 0)  # Ctrl-C is ours to handle
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
