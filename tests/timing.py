"""Bounds of time that hold on a machine with other work."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.processes import family


@contextmanager
def within(seconds: float, pid: int | None = None) -> Iterator[None]:
    """Asserts that what is done inside takes less than `seconds`, for which this process, the process `pid` and all
    that these two started had processors: time for which one of them could run and had to wait does not count."""
    ours = (os.getpid(),) if pid is None else (os.getpid(), pid)
    pids = {each for one in ours for each in family(one)}
    queue, started = Queue(pids), time.monotonic()
    yield
    taken = time.monotonic() - started
    if taken >= seconds:
        queued = queue.seconds()
        assert taken - queued < seconds, f"{taken:.2f} s, of which {queued:.2f} s without a processor"


class Queue:
    """The queue for processors that processes stand in, from when this is made."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)
        self._before = self._waited()

    def seconds(self) -> float:
        """How long their threads had something to do and no processor, one after the other."""
        return sum(waited - self._before.get(thread, 0.0) for thread, waited in self._waited().items())

    def _waited(self) -> dict[str, float]:
        """By thread, since its start; nothing where the kernel does not count."""
        waited: dict[str, float] = {}
        for pid in self._pids:
            for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(OSError):  # the thread has ended
                    waited[str(file)] = int(file.read_text().split()[1]) / 1e9
        return waited
