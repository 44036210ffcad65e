"""`python -m tests.hostile`: attacks a suite on this machine, and measures what its other tenant notices.

Prints one line for each attack; exits 1 where a bar is missed, and the line says which.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
from msgspec import Struct

from tests.hostile.attacks import ATTACKS, Attack, Attacker, long_documents, many_embeddings
from tests.processes import family, proportional
from tests.suite.health_probe import HealthProbe
from tests.suite.running import Caller, Running

HEALTH_MS, READY_S, STOP_S, ERASED_S = 200, 10, 25, 120
MIB = 1 << 20
_ATTACK_S, _LONGEST_S, _LONGEST_READY_S = 6.0, 10.0, 30.0
_CANARY = "zylophantic-quorble-7731"


class Memory(threading.Thread):
    """The most memory that the process and its children had since the last reading."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._most = 0

    def run(self) -> None:
        while True:
            self._most = max(self._most, sum(map(proportional, family(self._pid))))
            time.sleep(0.3)

    def reading(self) -> int:
        most, self._most = self._most, 0
        return most


class Line(Struct):
    """What was measured during one attack."""

    name: str
    health_ms: list[float]
    ready_s: float
    memory: int
    most_memory: int
    answers: str

    def percentile(self, percent: float) -> float:
        if not self.health_ms:
            return float("inf")
        return self.health_ms[min(len(self.health_ms) - 1, int(len(self.health_ms) * percent / 100))]

    def missed(self) -> list[str]:
        bars = {
            f"/health p99 < {HEALTH_MS} ms": self.percentile(99) < HEALTH_MS,
            f"upload to ready < {READY_S} s": self.ready_s < READY_S,
            f"memory < {self.most_memory // MIB} MiB": self.memory < self.most_memory,
        }
        return [bar for bar, held in bars.items() if not held]

    def __str__(self) -> str:
        health = " / ".join(f"{self.percentile(percent):.0f}" for percent in (50, 99, 100))
        numbers = f"{self.name} | {health} | {self.ready_s:.1f} | {self.memory // MIB} | {self.answers}"
        return f"| {numbers} | {'; '.join(self.missed()) or 'all'} |"


class Bar(NamedTuple):
    name: str
    measured: float
    below: float

    def __str__(self) -> str:
        return f"| {self.name} | {self.measured:.1f} | < {self.below:g} | {'yes' if self.held else 'MISSED'} |"

    @property
    def held(self) -> bool:
        return self.measured < self.below


def upload_to_ready(victim: Caller, number: int) -> float:
    """Seconds; infinite where it is not ready within half a minute."""
    started = time.monotonic()
    with suppress(httpx.HTTPError):
        uploaded = victim.upload(f"# Note {number}\n\nThe lamp {number} is green.\n".encode(), f"{number}.md")
        path = uploaded.raise_for_status().json()["status_url"]
        while (waited := time.monotonic() - started) < _LONGEST_READY_S:
            if (document := victim.get(path).raise_for_status().json())["status"] == "ready":
                return waited
            time.sleep(0.1)
        print(f"still {document['status']}: {document['stages']}", file=sys.stderr)
    return float("inf")


@contextmanager
def attacking(server: Running, attack: Attack) -> Iterator[Attacker]:
    """A new free tenant attacks meanwhile; it is deleted afterwards, so that each attack stands alone."""
    tenant_id, caller = server.create_tenant("attacker", "free")
    attacker = Attacker(server.url, caller.key if attack.by_tenant else None, time.monotonic() + _ATTACK_S)
    thread = threading.Thread(target=attack.run, args=(attacker,), daemon=True)
    thread.start()
    try:
        yield attacker
        thread.join(_LONGEST_S)
    finally:
        with server.caller(server.operator_key) as operator:
            operator.delete(f"/tenants/{tenant_id}")


def measured(server: Running, victim: Caller, memory: Memory, idle: int, attack: Attack, number: int) -> Line:
    memory.reading()
    probe = HealthProbe(server.url)
    with attacking(server, attack) as attacker:
        time.sleep(1)
        ready_s = upload_to_ready(victim, number)
        time.sleep(max(0, attacker.until - time.monotonic()))
    try:
        health = probe.end()
    except AssertionError:  # one call had no answer
        health = []
    answers = ", ".join(f"{status} x {count}" for status, count in sorted(attacker.answers.items()))
    return Line(attack.name, health, ready_s, memory.reading(), idle * 3 // 2 + 512 * MIB, answers)


def stop_under_load(server: Running) -> Bar:
    for work in (many_embeddings, long_documents):
        _, caller = server.create_tenant("attacker", "free")
        attacker = Attacker(server.url, caller.key, 0)
        threading.Thread(target=work, args=(attacker,), daemon=True).start()
    time.sleep(3)
    started = time.monotonic()
    server.stop(within_s=60)
    return Bar("SIGTERM under load, s", time.monotonic() - started, STOP_S)


def canaries(folder: Path) -> list[Path]:
    """Files that hold the canary."""
    found = []
    for parent, _, names in os.walk(folder):  # a folder that is removed meanwhile is passed over
        for path in (Path(parent, name) for name in names):
            with suppress(FileNotFoundError):
                if path.is_file() and _CANARY.encode() in path.read_bytes():
                    found.append(path.relative_to(folder))
    return found


def canaries_after_deletion(server: Running, victim: Caller) -> Iterator[Bar]:
    tenant_id, other = server.create_tenant("canary", "pro")
    for caller in (victim, other):
        text = f"# {_CANARY}\n\nThe word {_CANARY} is the canary of the mine.\n".encode()
        try:
            document_id = caller.ingest(text, f"{_CANARY}.md")["document_id"]
        except (AssertionError, httpx.HTTPError) as late:
            print(f"the canary's document was not ready: {late}", file=sys.stderr)
            yield Bar("canary's upload to ready, s", float("inf"), READY_S)
            return
        key = {"Idempotency-Key": "canary"}
        caller.post("/ask", json={"question": f"What is {_CANARY}?"}, headers=key).raise_for_status()
        assert canaries(server.data), "a canary that is not found proves nothing"
        if caller is victim:
            victim.delete(f"/documents/{document_id}").raise_for_status()
    with server.caller(server.operator_key) as operator:
        operator.delete(f"/tenants/{tenant_id}").raise_for_status()
    started = time.monotonic()
    while (left := canaries(server.data)) and time.monotonic() - started < ERASED_S:
        time.sleep(3)
    print(*(f"still there: {path}" for path in left), sep="\n", file=sys.stderr)
    yield Bar("deletion and compaction, s", time.monotonic() - started, ERASED_S + 30)
    yield Bar("files with canaries", len(left), 1)


def main(folder: Path, chosen: str) -> int:
    server = Running(folder / "data").start()
    try:
        _, victim = server.create_tenant("victim", "pro")
        upload_to_ready(victim, 0)
        time.sleep(5)
        memory = Memory(server.pid)
        memory.start()
        time.sleep(2)
        idle = memory.reading()
        print(f"idle: {idle // MIB} MiB\n")
        print("| attack | /health p50 / p99 / max, ms | ready, s | MiB | answers | bars held |")
        print("|---|---|---|---|---|---|", flush=True)
        held = True
        for number, attack in enumerate(ATTACKS, 1):
            if chosen in attack.name:
                line = measured(server, victim, memory, idle, attack, number)
                print(line, flush=True)
                held &= not line.missed()
        print("\n| afterwards | measured | bar | held |\n|---|---|---|---|", flush=True)
        bars = [stop_under_load(server)]
        print(*bars, flush=True)
        server.start()
        victim.base_url = server.url
        for bar in canaries_after_deletion(server, victim):
            print(bar, flush=True)
            bars.append(bar)
        return 0 if held and all(bar.held for bar in bars) else 1
    finally:
        server.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="aegis-hostile-") as scratch:
        sys.exit(main(Path(scratch), " ".join(sys.argv[1:])))
