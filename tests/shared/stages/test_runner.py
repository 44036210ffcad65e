"""The runner of one process: it delivers by itself, and nothing that happens to it loses an event."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shared.bus import retries
from shared.bus.retries import ATTEMPTS
from shared.bus.streams import ReceivedEvent, StreamBus
from shared.records.records import PlatformRecords
from shared.runtime.events import runner as runner_module
from shared.runtime.events.runner import Runner
from shared.stages.stages import StageWork
from shared.types.errors import DiskFull, StoreUnavailable
from tests.pipeline.suite import SECRETS, Suite

Start = Callable[[], Awaitable[Runner]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(runner_module, "_REDIS_RETRY_S", 0.02)
    monkeypatch.setattr(runner_module, "_WAIT_MS", 20)


@pytest.fixture
async def start(suite: Suite) -> AsyncIterator[Start]:
    """Starts the runner, as each start of a process does; it is stopped at the end."""
    running: list[Runner] = []

    async def begin() -> Runner:
        running.append(Runner(suite.table, suite.services, suite.bus, SECRETS))
        await running[-1].start()
        return running[-1]

    yield begin
    for one in running:
        await one.stop(0)


async def becomes(suite: Suite, document_id: str, status: str) -> None:
    until = time.monotonic() + 60
    while (found := await suite.status(document_id)) != status:
        assert time.monotonic() < until, f"{found}, not {status}"
        await asyncio.sleep(0.01)


async def interrupt(suite: Suite, function: str, times: int) -> None:
    """Receives what waits for a function and lets a process die over it."""
    await suite.bus.receive(function, 10, 1)
    for _ in range(times - 1):
        for left in await suite.bus.open(function):
            await suite.bus.mark_started(left)


async def test_documents_pass_through_by_themselves(suite: Suite, start: Start) -> None:
    before = await suite.upload("uploaded before the start")
    await start()
    after = await suite.upload("uploaded after it")
    for record in (before, after):
        await becomes(suite, record.document_id, "ready")
    assert await suite.markers() == []


async def test_what_stands_still_at_the_start_is_found_at_once(suite: Suite, start: Start) -> None:
    record = await suite.store("never said")
    await start()
    await becomes(suite, record.document_id, "ready")


async def test_an_emptied_redis_is_found_at_once(suite: Suite, start: Start) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def waits(_: StageWork) -> None:
        started.set()
        await go_on.wait()

    suite.workshop.happens["parse"] = waits
    await start()
    record = await suite.upload("a text")
    others = [await suite.upload(f"text {number}") for number in range(30)]
    await started.wait()
    await suite.redis.call("FLUSHALL")
    go_on.set()
    for one in (record, *others):
        await becomes(suite, one.document_id, "ready")


@pytest.mark.parametrize(("turn_s", "is_over"), [(0, True), (3600, False)])
async def test_long_work_of_one_tenant_holds_every_place_and_another_begins_at_once(
    suite: Suite, start: Start, monkeypatch: pytest.MonkeyPatch, turn_s: float, is_over: bool
) -> None:
    monkeypatch.setattr(runner_module, "TURN_S", turn_s)
    go_on, ends_early, at_work = asyncio.Event(), dict[str, bool](), set[str]()

    async def works(work: StageWork) -> None:
        at_work.add(work.origin.document_id)
        await go_on.wait()
        ends_early.setdefault(work.origin.tenant_id, work.is_late)

    suite.workshop.happens["parse"] = works
    await start()
    long = [await suite.upload(f"text {number}") for number in range(25)]
    while len(at_work) < suite.table.function("parse").concurrency:
        await asyncio.sleep(0.01)
    other = [await suite.store(f"of another {number}", "ten_b") for number in range(2)]
    for record in other:
        await suite.bus.publish(suite.stored(record, "ten_b"), "upload")
    async with asyncio.timeout(60):
        while other[0].document_id not in at_work:
            await asyncio.sleep(0.01)
    assert other[1].document_id not in at_work
    go_on.set()
    for record in long:
        await becomes(suite, record.document_id, "ready")
    assert ends_early == {"ten_a": is_over, "ten_b": False}


async def test_a_stage_of_many_steps_ends_early_to_the_end_of_the_process(suite: Suite, start: Start) -> None:
    started, is_late = asyncio.Event(), list[bool]()

    async def works(work: StageWork) -> None:
        is_late.append(work.is_late)
        started.set()
        while not work.is_late:
            await asyncio.sleep(0.01)
        is_late.append(True)

    suite.workshop.happens["parse"] = works
    await suite.upload("a text")
    running = await start()
    await started.wait()
    await running.stop(60)
    assert is_late == [False, True]


async def test_a_stage_of_many_steps_gives_way_to_the_end_of_its_pod(suite: Suite) -> None:
    is_late = list[bool]()

    async def works(work: StageWork) -> None:
        is_late.append(work.is_late)
        suite.services.stopping = True
        is_late.append(work.is_late)

    suite.workshop.happens["parse"] = works
    await suite.upload("a text")
    await suite.step("parse")
    assert is_late == [False, True]


async def test_what_fails_is_tried_again_and_in_the_end_a_dead_letter(suite: Suite, start: Start) -> None:
    async def away(_: StageWork) -> None:
        raise StoreUnavailable("vectors", "away", retry_after=0)

    suite.workshop.happens["embed"] = away
    await start()
    record = await suite.upload("a text")
    until = time.monotonic() + 60
    while not (dead_letters := await suite.platform.dead_letters()):
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    assert (dead_letters[0].function, dead_letters[0].status, dead_letters[0].attempts) == ("embed", 503, ATTEMPTS)
    assert suite.workshop.stages().count("embed") == ATTEMPTS
    assert await suite.status(record.document_id) == "waiting"


async def test_what_may_have_ended_the_process_runs_first_and_alone(suite: Suite, start: Start) -> None:
    suspects = [await suite.upload(f"suspect {number}") for number in range(2)]
    await interrupt(suite, "parse", 2)
    others = [await suite.upload(f"other {number}") for number in range(3)]
    await suite.bus.receive("parse", 1, 1)
    at_work: set[str] = set()
    together: dict[str, set[str]] = {}

    async def look(work: StageWork) -> None:
        document_id = work.origin.document_id
        at_work.add(document_id)
        await asyncio.sleep(0.05)
        together[document_id] = set(at_work)
        at_work.remove(document_id)

    suite.workshop.happens["parse"] = look
    await start()
    for record in (*suspects, *others):
        await becomes(suite, record.document_id, "ready")
    ids = [record.document_id for record in suspects]
    assert {run.document_id for run in suite.workshop.runs[:2]} == set(ids)
    assert all(together[one] == {one} for one in ids)
    assert any(len(together[record.document_id]) > 1 for record in others), "those that are not run side by side"


async def test_what_ended_the_process_each_time_is_put_aside_and_says_until_when(suite: Suite, start: Start) -> None:
    record = await suite.upload("a text")
    await interrupt(suite, "parse", ATTEMPTS)
    await start()
    await becomes(suite, record.document_id, "waiting")
    assert suite.workshop.runs == []
    (dead_letter,) = await suite.platform.dead_letters()
    assert (dead_letter.status, dead_letter.attempts) == (503, ATTEMPTS)
    assert dead_letter.next_replay_at
    view = await suite.view(record.document_id)
    assert view and view.reason
    assert "the process ended" in view.reason.detail
    assert f"{dead_letter.next_replay_at:%H:%M:%S}" in view.reason.detail


async def test_an_orderly_end_in_the_middle_counts_as_nothing(suite: Suite, start: Start) -> None:
    async def hangs(_: StageWork) -> None:
        await asyncio.sleep(60)

    suite.workshop.happens["parse"] = hangs
    record = await suite.upload("a text")
    for _ in range(ATTEMPTS + 1):
        running = await start()
        until = time.monotonic() + 60
        suite.workshop.runs.clear()
        while not suite.workshop.runs:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        await running.stop(0)
    suite.workshop.happens.clear()
    await start()
    await becomes(suite, record.document_id, "ready")


async def test_what_is_at_work_may_finish_at_an_orderly_end(suite: Suite, start: Start) -> None:
    started = asyncio.Event()

    async def takes_its_time(_: StageWork) -> None:
        started.set()
        await asyncio.sleep(0.1)

    suite.workshop.happens["parse"] = takes_its_time
    record = await suite.upload("a text")
    running = await start()
    await started.wait()
    await running.stop(5)
    assert await suite.stage(record, "parse")
    assert await suite.queued() == {"chunk": 1, "embed": 1}


@pytest.mark.parametrize("error", [StoreUnavailable("counters", "away"), RuntimeError("unforeseen")], ids=repr)
async def test_a_queue_that_could_not_be_read_is_read_again(
    suite: Suite, start: Start, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    receive = StreamBus.receive
    failed: list[str] = []

    async def fails_at_first(self: StreamBus, function: str, count: int, wait_ms: int) -> list[ReceivedEvent]:
        if failed.count(function) < 2:
            failed.append(function)
            raise error
        return await receive(self, function, count, wait_ms)

    monkeypatch.setattr(StreamBus, "receive", fails_at_first)
    await start()
    record = await suite.upload("a text")
    await becomes(suite, record.document_id, "ready")


@pytest.mark.parametrize("error", [StoreUnavailable("counters", "away"), RuntimeError("unforeseen")], ids=repr)
async def test_an_outcome_that_could_not_be_passed_on_is_passed_on_later(
    suite: Suite, start: Start, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    acknowledge = StreamBus.acknowledge
    failed: list[str] = []

    async def fails_at_first(self: StreamBus, received: ReceivedEvent, reply: object) -> None:
        if failed.count(received.function) < 2:
            failed.append(received.function)
            raise error
        await acknowledge(self, received, reply)  # type: ignore[arg-type]

    monkeypatch.setattr(StreamBus, "acknowledge", fails_at_first)
    await start()
    record = await suite.upload("a text")
    await becomes(suite, record.document_id, "ready")
    assert len(suite.workshop.runs) == 4


async def test_a_dead_letter_that_finds_no_room_is_kept_when_there_is_room_again(
    suite: Suite, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: StageWork) -> None:
        raise RuntimeError

    keep, full = PlatformRecords.write_dead_letter, [True, True]

    async def finds_no_room(self: PlatformRecords, dead_letter: object) -> None:
        if full:
            full.pop()
            raise DiskFull("The disk is full.")
        await keep(self, dead_letter)  # type: ignore[arg-type]

    monkeypatch.setattr(PlatformRecords, "write_dead_letter", finds_no_room)
    suite.workshop.happens["parse"] = broken
    await start()
    record = await suite.upload("a text")
    await becomes(suite, record.document_id, "failed")
    assert full == []
