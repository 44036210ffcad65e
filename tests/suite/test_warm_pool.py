"""The suite with a warm pool: what has pages goes there, and comes out as it would without one."""

import resource
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.shared.parsing import drawn
from tests.suite.running import Caller, Running

REPORT = drawn.pdf(*(drawn.text_page(number) for number in range(1, 26)))
WARM_S = 90
"""Time enough for workers to load their models on a machine that does other things."""


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("pooled") / "data", AEGIS_POOL_WORKERS="1").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def caller(pooled: Running) -> Iterator[Caller]:
    with pooled.caller(pooled.api_key) as caller:
        yield caller


def routes(caller: Caller) -> dict[str, str]:
    return {one["extension"]: one["route"] for one in caller.get("/formats").json()["items"]}


def ingest(caller: Caller, content: bytes, name: str) -> dict[str, Any]:
    return caller.final(caller.upload(content, name).json()["document_id"], WARM_S)


def gauges(caller: Caller) -> dict[str, float]:
    lines = caller.get("/metrics").text.splitlines()
    found = [line.rpartition(" ") for line in lines if line.startswith("aegis_pool_")]
    return {name: float(value) for name, _, value in found}


def test_formats_say_what_goes_to_the_pool(caller: Caller, admin: Caller) -> None:
    with_pool, without = routes(caller), routes(admin)
    moved = {extension for extension, route in with_pool.items() if route != without[extension]}
    assert moved == {"pdf", "png", "jpg", "jpeg", "tiff", "tif", "bmp", "webp"}
    assert set(without.values()) == {"cpu"}, "on a laptop there is none by itself"


def test_a_document_is_read_by_the_pool_as_it_is_without_one(caller: Caller, admin: Caller) -> None:
    estimated = caller.post("/estimate", files={"file": ("report.pdf", REPORT)}).json()
    assert estimated["route"] == "gpu" and "parse_gpu" in [stage["stage"] for stage in estimated["stages"]]
    pooled, plain = (ingest(one, REPORT, "report.pdf") for one in (caller, admin))
    assert (pooled["status"], pooled["route"], pooled["pages"]) == ("ready", "gpu", 25)
    stages = [[stage["stage"] for stage in document["stages"]] for document in (pooled, plain)]
    assert stages[0][0] == "parse_gpu" and stages[1][0] == "parse" and stages[0][1:] == stages[1][1:]
    assert pooled["stages"][0]["seconds"] > 0
    contents = [one.get(f"/documents/{pooled['document_id']}/content").text for one in (caller, admin)]
    assert contents[0] == contents[1] and "Paragraph" in contents[0]
    assert pooled["passages"] == plain["passages"]


def test_a_document_at_fault_is_rejected_by_the_pool(caller: Caller) -> None:
    document = ingest(caller, drawn.pdf(drawn.text_page(1), password="secret"), "locked.pdf")
    assert (document["status"], document["reason"]["code"]) == ("rejected", "encrypted")


def test_the_pool_shows_its_size_and_its_queue(caller: Caller) -> None:
    idle = {
        'aegis_pool_size{store="parse_gpu"}': 1,
        "aegis_pool_queue_slices": 0,
        "aegis_pool_queue_pages": 0,
        "aegis_pool_oldest_wait_seconds": 0,
    }
    until = time.monotonic() + WARM_S  # the gauges are refreshed every few seconds
    while not idle.items() <= (seen := gauges(caller)).items() and time.monotonic() < until:
        time.sleep(0.1)
    assert idle.items() <= seen.items(), seen


def test_a_pod_of_the_pool_lives_at_once_and_is_ready_when_its_workers_have_loaded_their_models(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environ = {"AEGIS_EMBEDDED": "1", "AEGIS_POOL_WORKERS": "1", "AEGIS_DATA": str(tmp_path / "data")}
    pod = Running(tmp_path / "data", PORT=str(port), **environ)
    pod.program = (sys.executable, "-m", "shared.runtime.function", "parse_gpu")
    with ThreadPoolExecutor() as beside, Caller(f"http://127.0.0.1:{port}") as caller:
        starting = beside.submit(pod.start, WARM_S)
        seen = set()
        while not starting.done():
            with suppress(httpx.TransportError):
                seen.add((caller.get("/health").status_code, caller.get("/health/ready").status_code))
            time.sleep(0.05)
        starting.result()
        assert (200, 503) in seen and caller.get("/health/ready").status_code == 200
    workers = [pid for pid in children(pod.pid) if "shared.parsing.worker" in command(pid)]
    assert len(workers) == 1 and resident(workers[0]) > 120 << 20
    assert pod.stop() == 0


def children(parent: int) -> list[int]:
    return [
        int(pid) for task in Path(f"/proc/{parent}/task").iterdir() for pid in (task / "children").read_text().split()
    ]


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def resident(pid: int) -> int:
    """Bytes of memory in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def test_what_waits_when_the_server_is_killed_is_read_after_its_next_start(pooled: Running) -> None:
    """The last of these tests: it kills their server."""
    with pooled.caller(pooled.api_key) as caller:
        taken = caller.upload(drawn.pdf(*(drawn.text_page(number) for number in range(50, 80))), "long.pdf")
    pooled.kill()
    pooled.start(WARM_S)
    with pooled.caller(pooled.api_key) as caller:
        assert caller.final(taken.json()["document_id"], WARM_S)["status"] == "ready"
