"""Limits of processor time inside a worker. The kernel ends the process that exceeds one, whatever library it is in.

A document is charged what its worker computes, so that it is not at fault for a busy machine. A worker that computes
nothing is ended by the clock, after `WALL_FACTOR` times as long; that is no fault of the document.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.types.errors import Rejected

OUT_OF_TIME = signal.SIGPROF
"""Ends a worker that has used up its processor time."""

HUNG = signal.SIGALRM
"""Ends a worker that has not finished although it has processor time left."""

WALL_FACTOR = 5
LEAST_WALL_S = 30.0
"""A process that is one of many gets its turn within this time, however short its limit is."""

LOADING_WALL_S = 300.0
_SHORTEST = 0.001

_loading = 0.0


def wall_seconds(seconds: float) -> float:
    """How long what may compute for `seconds` may take by the clock."""
    return max(WALL_FACTOR * seconds, LEAST_WALL_S)


def processor_seconds() -> float:
    """The processor time that this process has spent on documents: all its threads, without the loading of models."""
    return time.process_time() - _loading


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Bounds the body's processor time. Within another limit the one that ends first holds."""
    processor, wall = processor_seconds(), time.monotonic()
    processor_left = _set(signal.ITIMER_PROF, seconds)
    wall_left = _set(signal.ITIMER_REAL, wall_seconds(seconds))
    try:
        yield
    finally:
        _restore(signal.ITIMER_PROF, processor_left, processor_seconds() - processor)
        _restore(signal.ITIMER_REAL, wall_left, time.monotonic() - wall)


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raises Rejected("time-limit") in the body once it has computed for so long; 0 for no limit.

    Code of a library that does not return to Python is not interrupted.
    """
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise Rejected("time-limit", f"reading it takes more than {seconds:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def uncounted() -> Iterator[None]:
    """Does not charge the body, such as the loading of a model, to the document at hand; the clock bounds it still."""
    global _loading  # noqa: PLW0603 - a process has one clock of processor time
    started = time.process_time()
    processor_left, _ = signal.setitimer(signal.ITIMER_PROF, 0)
    wall_left, _ = signal.setitimer(signal.ITIMER_REAL, LOADING_WALL_S)
    try:
        yield
    finally:
        _loading += time.process_time() - started
        _restore(signal.ITIMER_PROF, processor_left, 0)
        _restore(signal.ITIMER_REAL, wall_left, 0)


def _set(timer: int, seconds: float) -> float:
    """Starts a timer, unless it ends earlier already, and returns what was left of it; 0 where it did not run."""
    left, _ = signal.setitimer(timer, max(seconds, _SHORTEST))
    if 0 < left < seconds:
        signal.setitimer(timer, left)
    return left


def _restore(timer: int, left: float, used: float) -> None:
    signal.setitimer(timer, max(left - used, _SHORTEST) if left else 0)
