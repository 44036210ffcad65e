"""Cold start and memory of single functions, against a bare hello started the same way and the bare imports.

`python -m tests.speed.cold`: from the process' start to the first 200, median of several starts, each in turn so that
a busy machine is busy for all of them alike.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from msgspec import Struct

ROUNDS = 7

HELLO = """
import sys, socket, uvicorn
from litestar import Litestar, get
@get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
uvicorn.run(Litestar([health]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
"""
STORES = """
import redis.asyncio, qdrant_edge, onnxruntime, tokenizers, numpy
"""


class Started(Struct):
    """Seconds to the first 200, and memory (bytes, resident) then."""

    seconds: float
    memory: int


def main() -> None:
    programs = {
        "hello": [sys.executable, "-c", HELLO],
        "formats": [sys.executable, "-m", "shared.runtime.function", "formats"],
        "search": [sys.executable, "-m", "shared.runtime.function", "search"],
        "chunk": [sys.executable, "-m", "shared.runtime.function", "chunk"],
    }
    runs: dict[str, list[Started]] = {name: [] for name in programs}
    imports: list[float] = []
    for _ in range(ROUNDS):
        for name, command in programs.items():
            runs[name].append(_start(name, command))
        imports.append(_imports())
    hello = _median(runs["hello"])
    bare = statistics.median(imports)
    print(f"{'':10} {'seconds':>8} {'/ hello':>8} {'MB':>6} {'/ hello':>8}")
    for name in programs:
        one = _median(runs[name])
        print(
            f"{name:10} {one.seconds:8.2f} {one.seconds / hello.seconds:8.2f} {one.memory / 1e6:6.0f} "
            f"{one.memory / hello.memory:8.2f}"
        )
    bar = hello.seconds + 1.1 * bare
    print(f"bare import of search's clients {bare:.2f} s; hello + 1.1 x that = {bar:.2f} s")
    print(f"search is at {_median(runs['search']).seconds / bar:.2f} of that bar; formats' bar is 1.5 x and 2 x hello")


def _median(runs: list[Started]) -> Started:
    return Started(statistics.median(r.seconds for r in runs), int(statistics.median(r.memory for r in runs)))


def _imports() -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", STORES], check=True)
    return time.monotonic() - started


def _start(name: str, command: list[str]) -> Started:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        embedded = {"AEGIS_EMBEDDED": "1", "AEGIS_DATA": f"{folder}/data"} if name not in ("hello", "formats") else {}
        process = subprocess.Popen(
            [*command, str(port)] if name == "hello" else command,
            env={**os.environ, "PORT": str(port), **embedded},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            path = "/formats" if name == "formats" else "/health"
            return Started(_first_200(f"http://127.0.0.1:{port}{path}"), _memory(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _first_200(url: str) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 60:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return time.monotonic() - started
        except (urllib.error.URLError, OSError):
            time.sleep(0.005)
    raise TimeoutError(url)


def _memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
