"""Straight through `/v1/chat/completions`, against LiteLLM's proxy with the same server behind both, in the same run.

    python -m tests.speed chat [--litellm VENV] [--seconds 4] [--rounds 2] [--callers 1,16]

The server behind says the same at once, so that what is measured is what stands in between. CPU is that of all
processes of a proxy. LiteLLM has neither a database nor Redis, and so neither budgets nor limits; ours has both. It is
left out without a virtual environment where `litellm[proxy]` is installed.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop
from msgspec import Struct

from tests.speed import constant_model
from tests.speed.constant_model import MODEL
from tests.speed.load import Loaded, load
from tests.suite.running import Running

_TICKS = os.sysconf("SC_CLK_TCK")
_LITELLM_KEY = "sk-measured-on-this-machine"
_WARM_S = 1.0


class Target(Struct, frozen=True):
    """Something to ask. `pid` is 0 where its CPU is not of interest."""

    name: str
    port: int
    path: str
    body: bytes
    key: str = ""
    pid: int = 0


class Measured(Struct, frozen=True):
    """CPU in seconds a request."""

    loaded: Loaded
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", type=Path, help="a virtual environment with litellm[proxy]")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--callers", default="1,16")
    arguments = parser.parse_args()
    levels = [int(one) for one in arguments.callers.split(",")]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(constant_model.running())
        targets = [Target("direct", upstream, "/api/chat", _body(MODEL)), stack.enter_context(_ours(folder, upstream))]
        if arguments.litellm:
            targets += stack.enter_context(_litellm(arguments.litellm, folder, upstream))
        else:
            print("LiteLLM is left out: give --litellm VENV to measure it too")
        runs = _measure(targets, levels, arguments.rounds, arguments.seconds)
    print(_table(targets, levels, runs))


def _body(model: str) -> bytes:
    messages = [{"role": "user", "content": "How is it there today, all things considered?"}]
    return json.dumps({"model": model, "messages": messages, "max_tokens": 64}).encode()


def _measure(
    targets: list[Target], levels: list[int], rounds: int, seconds: float
) -> dict[tuple[str, int], list[Measured]]:
    """Each target in turn, so that a busy machine is busy for all of them alike."""
    runs: dict[tuple[str, int], list[Measured]] = {}
    for target in targets:
        uvloop.run(load(target.port, target.path, target.key, target.body, 2, _WARM_S))
    for _ in range(rounds):
        for callers in levels:
            for target in targets:
                runs.setdefault((target.name, callers), []).append(_once(target, callers, seconds))
    return runs


def _once(target: Target, callers: int, seconds: float) -> Measured:
    before = _cpu(target.pid)
    loaded = uvloop.run(load(target.port, target.path, target.key, target.body, callers, seconds))
    if not loaded.latencies:
        raise RuntimeError(f"{target.name} answered no request")
    return Measured(loaded, (_cpu(target.pid) - before) / len(loaded.latencies))


def _table(targets: list[Target], levels: list[int], runs: dict[tuple[str, int], list[Measured]]) -> str:
    lines = [
        f"{'':24} {'c':>4} {'req/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'+p50':>8} {'+p95':>8} {'CPU ms':>7} {'bad':>4}"
    ]
    for callers in levels:
        direct = [_latency(runs["direct", callers], percent) for percent in (50, 95)]
        for target in targets:
            found = runs[target.name, callers]
            p50, p95 = (_latency(found, percent) for percent in (50, 95))
            failures = sum(one.loaded.failures for one in found)
            lines.append(
                f"{target.name:24} {callers:4} {_rate(found):8.0f} {p50 * 1e3:8.2f} {p95 * 1e3:8.2f} "
                f"{(p50 - direct[0]) * 1e3:8.2f} {(p95 - direct[1]) * 1e3:8.2f} "
                f"{statistics.median(one.cpu for one in found) * 1e3:7.2f} {failures:4}"
            )
        lines += _ratios([target.name for target in targets[2:]], callers, runs, direct)
    return "\n".join(lines)


def _ratios(
    others: list[str], callers: int, runs: dict[tuple[str, int], list[Measured]], direct: list[float]
) -> Iterator[str]:
    ours = runs["aegis", callers]
    for name in others:
        theirs = runs[name, callers]
        added = [
            (_latency(theirs, percent) - direct[at]) / max(_latency(ours, percent) - direct[at], 1e-6)
            for at, percent in enumerate((50, 95))
        ]
        cpu = statistics.median(one.cpu for one in theirs) / statistics.median(one.cpu for one in ours)
        yield (
            f"   against {name}, c={callers}: {_rate(ours) / _rate(theirs):.1f} x its requests a second; it takes "
            f"{cpu:.1f} x our CPU and adds {added[0]:.1f} x our latency at p50, {added[1]:.1f} x at p95"
        )


def _latency(found: list[Measured], percent: float) -> float:
    return statistics.median(one.loaded.percentile(percent) for one in found)


def _rate(found: list[Measured]) -> float:
    return statistics.median(one.loaded.per_second for one in found)


@contextmanager
def _ours(folder: Path, upstream: int) -> Iterator[Target]:
    config = folder / "proxy.yaml"
    config.write_text("ollama: {concurrency: 200}\n")
    environ = {"AEGIS_PROXY_CONFIG": str(config), "AEGIS_OLLAMA_URL": f"http://127.0.0.1:{upstream}"}
    server = Running(folder / "data", **environ).start()
    port = int(server.url.rpartition(":")[2])
    try:
        yield Target("aegis", port, "/v1/chat/completions", _body(MODEL), server.api_key, server.pid)
    finally:
        server.stop()


@contextmanager
def _litellm(venv: Path, folder: Path, upstream: int) -> Iterator[list[Target]]:
    """One process, once with each of its clients: OpenAI's, and Ollama's."""
    base = f"http://127.0.0.1:{upstream}"
    models = {
        "over-openai": {"model": f"openai/{MODEL}", "api_base": f"{base}/v1", "api_key": "none"},
        "over-ollama": {"model": f"ollama_chat/{MODEL}", "api_base": base},
    }
    listed = [{"model_name": name, "litellm_params": parameters} for name, parameters in models.items()]
    config = folder / "litellm.yaml"
    config.write_text(json.dumps({"model_list": listed, "general_settings": {"master_key": _LITELLM_KEY}}))
    port = _free_port()
    command = [str(venv / "bin/litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    with _process(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _until_alive(f"http://127.0.0.1:{port}/health/liveliness", process)
        path = "/v1/chat/completions"
        yield [Target(f"litellm {name}", port, path, _body(name), _LITELLM_KEY, process.pid) for name in models]


@contextmanager
def _process(command: list[str], **options: object) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_alive(url: str, process: "subprocess.Popen[bytes]", within_s: float = 180) -> None:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"it ended at its start with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(url)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _cpu(pid: int) -> float:
    """Seconds of the process and of all its descendants so far; 0 for none."""
    if not pid:
        return 0.0
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(path.parent.name)
        parents[number] = int(fields[1])
        used[number] = (int(fields[11]) + int(fields[12])) / _TICKS
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used.get(one, 0.0) for one in family)


if __name__ == "__main__":
    main()
