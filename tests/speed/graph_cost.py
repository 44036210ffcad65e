"""What entities cost: the same files by two tenants of one server, one with `graph` at `entities`, one with it off.

`python -m tests.speed graph_cost [FILES]` (60 by default). The tenants take turns with a part of the files each, so
that a busy machine is busy for both; processor seconds are given beside those of the clock.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.documents.reports import report
from tests.documents.with_text import document_with
from tests.processes import family, processor_seconds
from tests.speed.ingestion import KINDS, Spent
from tests.suite.running import Caller, Running

TURNS = 4
_WARMING = 10_000_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "data").start()
        try:
            _measure(running, count)
        finally:
            running.stop()


def _measure(running: Running, count: int) -> None:
    tenants = {name: running.create_tenant(f"graph-{name}")[1] for name in ("off", "entities")}
    spent = {name: Spent() for name in tenants}
    for name, caller in tenants.items():
        caller.patch("/settings", json={"graph": name}).raise_for_status()
        _ingest(caller, range(_WARMING, _WARMING + len(KINDS)))
    for turn in range(TURNS):
        order = list(tenants) if turn % 2 else list(reversed(tenants))
        for name in order:
            before, started = _processors(running), time.monotonic()
            _ingest(tenants[name], range(turn, count, TURNS))
            spent[name].wall += time.monotonic() - started
            spent[name].processors += _processors(running) - before
    for name, one in spent.items():
        print(f"{name:9} {one.wall:6.1f} s, {one.processors:6.1f} s of processors, {count} files")
    off, on = spent["off"], spent["entities"]
    print(f"ratio {on.wall / off.wall:.3f} by the clock, {on.processors / off.processors:.3f} of processors")


def _processors(running: Running) -> float:
    return sum(processor_seconds(pid) for pid in family(running.pid))


def _ingest(caller: Caller, numbers: range) -> None:
    ids = []
    for number in numbers:
        kind = KINDS[number % len(KINDS)]
        ids.append(caller.upload(document_with(kind, report(number)), f"{number}.{kind}").json()["document_id"])
    for document_id in ids:
        assert caller.final(document_id)["status"] == "ready"


if __name__ == "__main__":
    main()
