"""Measures how quickly /health answers while other requests run.

As a program: asks /health at `URL` every 20 ms until its stdin ends; then it prints, in milliseconds, how long each
answer took.
"""

import http.client
import select
import subprocess
import sys
import time
from urllib.parse import urlsplit


class HealthProbe:
    """Another client's /health, in a process of its own, while tests run."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.suite.health_probe", url]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self) -> list[float]:
        """How long each answer took, in milliseconds, shortest first; nothing the second time."""
        if self._process.poll() is not None:
            return []
        out, _ = self._process.communicate(timeout=20)
        assert self._process.returncode == 0
        return sorted(map(float, out.split()))


def main(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    took = []
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        started = time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        assert answer.read() and answer.status == 200
        took.append((time.perf_counter() - started) * 1000)
    print(*(f"{ms:.1f}" for ms in took))


if __name__ == "__main__":
    main(sys.argv[1])
