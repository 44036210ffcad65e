"""Measures how quickly /health answers while other requests run.

As a program: asks /health at `URL` every 20 ms until its stdin ends; then it prints, in milliseconds, how long each
answer took. Of the process whose id is also given, it leaves out the time without a processor, and of itself.
"""

import http.client
import os
import select
import subprocess
import sys
import time
from urllib.parse import urlsplit

from tests.timing import Queue


class HealthProbe:
    """Another client's /health, in a process of its own, while tests run.

    With the server's `pid`, what counts is the time in which the machine, which may have other work, let it answer.
    """

    def __init__(self, url: str, pid: int | None = None) -> None:
        command = [sys.executable, "-m", "tests.suite.health_probe", url, *([] if pid is None else [str(pid)])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self) -> list[float]:
        """How long each answer took, in milliseconds, shortest first; nothing the second time."""
        if self._process.poll() is not None:
            return []
        out, _ = self._process.communicate(timeout=120)
        assert self._process.returncode == 0
        return sorted(map(float, out.split()))


def main(url: str, *pids: str) -> None:
    processes = (os.getpid(), *map(int, pids)) if pids else ()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    took = []
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        queue, started = Queue(processes), time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        assert answer.read() and answer.status == 200
        took.append(max(0.0, time.perf_counter() - started - queue.seconds()) * 1000)
    print(*(f"{ms:.1f}" for ms in took))


if __name__ == "__main__":
    main(*sys.argv[1:])
