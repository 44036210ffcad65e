"""What the embedded backend promises beyond the port: its child process and its folder."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.types.errors import StoreUnavailable
from shared.types.passage import Passage
from shared.types.sparse import Sparse
from shared.vectors.edge import EdgeIndex
from shared.vectors.errors import WrongModel
from shared.vectors.port import Point, Query
from tests.timing import within

DIMENSIONS = 4
DENSE = (1.0, 0.0, 0.0, 0.0)


def points(count: int) -> list[Point]:
    return [
        Point(Passage(f"psg_{number}", "doc_a", 1, number, f"text {number}"), DENSE, Sparse((1,), (1.0,)))
        for number in range(count)
    ]


@pytest.fixture(autouse=True)
def others() -> Iterator[None]:
    """What other tests of this process have running is not these tests' matter."""
    _OTHERS.update(children())
    yield
    _OTHERS.clear()


_OTHERS: set[int] = set()


def children() -> list[int]:
    """The processes that own a shard and belong to this test."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == os.getpid() and b"shared.vectors.edge_child" in command:
            found.append(int(folder.name))
    return [pid for pid in found if pid not in _OTHERS]


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[EdgeIndex]:
    opened = EdgeIndex(tmp_path / "vectors", DIMENSIONS, "model-a")
    yield opened
    await opened.close()


async def test_no_process_is_started_before_the_first_call(index: EdgeIndex) -> None:
    index.of("ten_a")
    assert children() == []
    await index.ping()
    assert len(children()) == 1


async def test_what_was_added_survives_the_kill_of_the_child_and_the_next_call_starts_another(
    index: EdgeIndex,
) -> None:
    await index.of("ten_a").add(points(100))
    [child] = children()
    os.kill(child, signal.SIGKILL)
    assert await _counted_by_another(index) == 100
    assert len(await index.of("ten_a").find(Query(5, dense=DENSE))) == 5


async def test_a_call_in_flight_says_unavailable_when_the_child_dies(index: EdgeIndex) -> None:
    await index.prepare()
    [child] = children()
    os.kill(child, signal.SIGSTOP)
    calls = [asyncio.create_task(index.of("ten_a").count()) for _ in range(3)]
    await asyncio.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3
    assert await index.of("ten_a").count() == 0


async def test_a_frozen_child_is_unavailable_at_once_for_reads_and_for_erasure(index: EdgeIndex) -> None:
    vectors = index.of("ten_a")
    await vectors.add(points(1))
    (child,) = children()
    os.kill(child, signal.SIGSTOP)
    try:
        with within(5):  # not the 10 and the 60 s that a busy one is given
            with pytest.raises(StoreUnavailable):
                await vectors.count()
            with pytest.raises(StoreUnavailable):
                await vectors.forget("doc_b", 1)  # it may be done all the same, once the child goes on
    finally:
        os.kill(child, signal.SIGCONT)
    assert await vectors.count() == 1


async def test_a_frozen_child_is_unavailable_within_the_time_limit(
    index: EdgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.vectors.edge._READ_SECONDS", 0.1)
    await index.prepare()
    [child] = children()
    os.kill(child, signal.SIGSTOP)
    with pytest.raises(StoreUnavailable, match="no answer"):
        await index.ping()
    os.kill(child, signal.SIGCONT)
    monkeypatch.setattr("shared.vectors.edge._READ_SECONDS", 10)
    await index.ping()


async def test_closing_leaves_no_process_and_answers_no_more(index: EdgeIndex) -> None:
    await index.prepare()
    await index.close()
    assert children() == []
    with pytest.raises(StoreUnavailable, match="closed"):
        await index.ping()


@pytest.mark.parametrize(("dimensions", "model"), [(DIMENSIONS, "model-b"), (8, "model-a")])
async def test_another_model_is_refused_and_left_as_it_was(tmp_path: Path, dimensions: int, model: str) -> None:
    ours = EdgeIndex(tmp_path, DIMENSIONS, "model-a")
    await ours.of("ten_a").add(points(3))
    await ours.close()
    other = EdgeIndex(tmp_path, dimensions, model)
    with pytest.raises(WrongModel, match=r"model-a \(4 dimensions\).*aegis rebuild --only vectors"):
        await other.prepare()
    await other.close()
    assert children() == []
    again = EdgeIndex(tmp_path, DIMENSIONS, "model-a")
    assert await again.of("ten_a").count() == 3
    await again.close()


async def test_a_vector_of_another_length_is_refused(index: EdgeIndex) -> None:
    with pytest.raises(WrongModel):
        await index.of("ten_a").find(Query(1, dense=(1.0,)))


async def test_a_start_that_was_interrupted_begins_again(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    (folder / "shard.new" / "segments").mkdir(parents=True)
    index = EdgeIndex(folder, DIMENSIONS, "model-a")
    await index.of("ten_a").add(points(1))
    await index.close()
    assert not (folder / "shard.new").exists()


async def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from shared.vectors.edge import EdgeIndex\n"
        "async def main():\n"
        f"    index = EdgeIndex(Path({str(tmp_path)!r}), 4, 'model-a')\n"
        "    await index.prepare()\n"
        "    print(index._child._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(await asyncio.to_thread(parent.stdout.readline))
        parent.kill()
        parent.wait()
    await _until_it_is_gone(child)


async def _counted_by_another(index: EdgeIndex) -> int:
    """Until the death is noticed, a call may still be sent to the dead."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await index.of("ten_a").count()
            except StoreUnavailable:
                await asyncio.sleep(0.01)


async def _until_it_is_gone(process: int) -> None:
    async with asyncio.timeout(60):
        while _runs(process):
            await asyncio.sleep(0.01)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def test_a_call_waits_for_a_slow_start_no_longer_than_its_time_and_the_start_goes_on(
    index: EdgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, may_start, starts = index._start, asyncio.Event(), 0

    async def slowly() -> Any:
        nonlocal starts
        starts += 1
        await may_start.wait()
        return await start()

    monkeypatch.setattr(index, "_start", slowly)
    monkeypatch.setattr("shared.vectors.edge._READ_SECONDS", 0.1)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="no answer"):
            await index.ping()
    monkeypatch.setattr("shared.vectors.edge._READ_SECONDS", 30)
    may_start.set()
    await index.ping()
    assert starts == 1


async def compacted(index: EdgeIndex, token: str) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):  # a test has killed the child
                if await index.compact(token):
                    return
            await asyncio.sleep(0.01)


def files_with(folder: Path, text: bytes) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


async def test_after_a_compaction_no_file_holds_what_was_forgotten(index: EdgeIndex, tmp_path: Path) -> None:
    vectors = index.of("ten_a")
    canary = Passage("psg_canary", "doc_b", 1, 0, "Quetzalcoatlus")
    await vectors.add([*points(300), Point(canary, DENSE, Sparse((1,), (1.0,)))])
    await vectors.forget("doc_b", 1)
    assert files_with(tmp_path, b"Quetzalcoatlus"), "erased points stay in the engine's files"
    adding = asyncio.create_task(vectors.add(points(350)[300:]))
    await compacted(index, "a")
    await adding
    assert files_with(tmp_path, b"Quetzalcoatlus") == []
    assert await vectors.count() == 350
    assert len(await vectors.find(Query(5, DENSE))) == 5
    await vectors.forget("doc_a", 1)
    await compacted(index, "b")
    assert await vectors.count() == 0


async def test_a_compaction_that_is_cut_off_loses_nothing(index: EdgeIndex, tmp_path: Path) -> None:
    await index.of("ten_a").add(points(600))
    await index.compact("a")
    [child] = children()
    os.kill(child, signal.SIGKILL)
    await compacted(index, "b")
    assert await index.of("ten_a").count() == 600
    assert sorted(path.name for path in (tmp_path / "vectors").iterdir()) == ["collection.json", "shard"]
