"""The bill at size: a month of records in a folder, and the running suite asked for it.

`python -m tests.speed usage [RECORDS]` (1,000,000 by default, about 1 GB of disk); ends with status 1 where a bar is
not met: `GET /usage` within 1 s, a request's records (`aegis explain`) within 0.3 s, 99 % of `/health` within 100 ms
meanwhile, and 128 MiB of memory above the idle suite.
"""

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from shared.blobs.folder import FolderBlobs
from shared.types.clock import now
from shared.usage.balance import Balance
from shared.usage.codec import encode, join_lines
from shared.usage.ledger import UsageLedger
from shared.usage.paths import sealed_blob_path
from shared.usage.records import BudgetWindow, OutboundRecord, UsageLine, UsageRecord
from shared.usage.seal_chain import Seal, SealedBlob, seal_path, sha256_hex
from tests.processes import resident
from tests.suite.running import Caller, Running

TENANT = "ten_default"
DAYS = 30
SEALS_A_DAY = 1440
BARS = {"GET /usage": 1.0, "GET /usage by document": 1.0, "explain": 0.3, "GET /usage/ledger": 0.3}
MOST_HEALTH_S = 0.1
IDLE_S = 5
MOST_MEMORY = 128 << 20


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "data")
        running.start()
        running.stop()
        started = time.monotonic()
        blobs = FolderBlobs(Path(folder) / "data" / "blobs")
        request_id = write_month(Path(folder) / "data" / "blobs", count)
        print(f"{count:,} records written in {time.monotonic() - started:.0f} s")
        started = time.monotonic()
        asyncio.run(UsageLedger(blobs).update_digests())
        print(f"digests of {DAYS} days made in {time.monotonic() - started:.0f} s")
        running.start()
        try:
            return measure(running, request_id)
        finally:
            running.stop()


def measure(running: Running, request_id: str) -> int:
    since = (now() - timedelta(days=DAYS)).date().isoformat()
    idle = resident(running.pid)
    most, failed = idle, 0
    calls: dict[str, Callable[[Caller], httpx.Response]] = {
        "GET /usage": lambda caller: caller.get("/usage", params={"from": since}),
        "GET /usage by document": lambda caller: caller.get("/usage", params={"from": since, "group_by": "document"}),
        "explain": lambda caller: _explained(caller, request_id),
        "GET /usage/ledger": lambda caller: caller.get("/usage/ledger"),
    }
    health, ended = list[float](), threading.Event()
    probe = threading.Thread(target=_probe, args=(running.url, health, ended))
    probe.start()
    time.sleep(IDLE_S)
    print(f"{'idle':<24} {'':>36}{_percentiles(health)}")
    meanwhile: list[float] = []
    with running.caller(running.api_key) as caller:
        for name, call in calls.items():
            taken = []
            health.clear()
            for _ in range(3):
                started = time.monotonic()
                call(caller).raise_for_status()
                taken.append(time.monotonic() - started)
                most = max(most, resident(running.pid))
            failed += taken[0] > BARS[name]
            meanwhile += health
            print(f"{name:<24} first {taken[0] * 1000:6.0f} ms, then {min(taken) * 1000:6.0f} ms{_percentiles(health)}")
        started, size = time.monotonic(), 0
        health.clear()
        with caller.stream("GET", "/usage/export", params={"from": since}) as export:
            for piece in export.iter_bytes():
                size += len(piece)
                most = max(most, resident(running.pid))
        meanwhile += health
        print(
            f"{'GET /usage/export':<24} {time.monotonic() - started:12.1f} s, {size >> 20:10} MiB{_percentiles(health)}"
        )
    ended.set()
    probe.join()
    p99 = sorted(meanwhile)[int(len(meanwhile) * 0.99)]
    print(f"/health meanwhile: p99 {p99 * 1000:.0f} ms; memory {(most - idle) >> 20} MiB above idle")
    return int(failed > 0 or p99 > MOST_HEALTH_S or most - idle > MOST_MEMORY)


def _percentiles(health: list[float]) -> str:
    found = sorted(health) or [0.0]
    return f", /health p99 {found[int(len(found) * 0.99)] * 1000:.0f} ms, slowest {found[-1] * 1000:.0f} ms"


def _explained(caller: Caller, request_id: str) -> httpx.Response:
    records = caller.get("/usage/ledger", params={"request_id": request_id})
    assert len(records.json()["items"]) == 2
    return caller.get("/audit", params={"request_id": request_id})


def _probe(url: str, health: list[float], ended: threading.Event) -> None:
    with Caller(url) as caller:
        while not ended.is_set():
            started = time.monotonic()
            caller.get("/health")
            health.append(time.monotonic() - started)
            time.sleep(0.01)


def write_month(root: Path, count: int) -> str:
    """Writes blobs and seals as the sweep does, a minute after the other; returns the id of a request."""
    first = (now() - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    minutes = int((now() - first).total_seconds()) // 60
    previous, number = "", 0
    for minute in range(minutes):
        at = first + timedelta(minutes=minute)
        size = count * (minute + 1) // minutes - count * minute // minutes
        lines = [line for record in _records(number, size, at) for line in [encode(record)]]
        number += size
        data = join_lines(lines)
        sha256 = sha256_hex(data)
        blob = SealedBlob(sealed_blob_path(TENANT, at.date().isoformat(), minute + 1, sha256), sha256, len(lines))
        seal = Seal(number=minute + 1, previous=previous, at=at, consumed=(), blobs=(blob,), balance=Balance())
        encoded = msgspec.json.encode(seal)
        previous = sha256_hex(encoded)
        for name, content in ((blob.name, data), (seal_path(minute + 1), encoded)):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    (root / "book/head").write_text(str(minutes))
    return f"req_{count // 6 * 3}"


def _records(first: int, count: int, at: datetime) -> list[OutboundRecord | UsageRecord]:
    """Questions of three records each: what was found, what left, what it cost; every tenth names a document."""
    records: list[OutboundRecord | UsageRecord] = []
    for number in range(first, first + count):
        moment = at.astimezone(UTC) + timedelta(milliseconds=number % 59_000)
        request = f"req_{number // 3 * 3}"
        common: dict[str, Any] = {
            "tenant_id": TENANT,
            "key_id": f"key_{number % 20}",
            "request_id": request,
            "at": moment,
        }
        windows = (
            BudgetWindow("tenant", TENANT, "day", moment.date().isoformat()),
            BudgetWindow("tenant", TENANT, "month", moment.date().isoformat()[:7]),
            BudgetWindow("platform", "", "day", moment.date().isoformat()),
        )
        if number % 3 == 0:
            passages = tuple((f"psg_{number}_{place}", 900_000 - place) for place in range(8))
            line = UsageLine("embedded_1k_tokens", 12)
            document = f"doc_{number // 30}" if number % 30 == 0 else ""
            records.append(
                UsageRecord(
                    usage_id=f"question-{number}", lines=(line,), document_id=document, passages=passages, **common
                )
            )
        elif number % 3 == 1:
            records.append(
                OutboundRecord(
                    operation_id=f"opr_{number}",
                    lease_until=moment + timedelta(minutes=3),
                    model="gpt-oss:120b",
                    classification="internal",
                    reserved_microusd=900,
                    windows=windows,
                    prompt_hash="0" * 64,
                    **common,
                )
            )
        else:
            lines = (UsageLine("input_token", 1000, 150), UsageLine("output_token", 100, 60))
            usage_id = f"opr_{number - 1}"
            records.append(UsageRecord(usage_id=usage_id, lines=lines, windows=windows, location="cloud", **common))
    return records


if __name__ == "__main__":
    sys.exit(main())
