"""Threads for work of the processor. They are others than those that wait for files, so that neither waits for the
other; and short pieces of work, on which questions wait, have threads of their own beside long ones."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Literal, ParamSpec, TypeVar

from shared.processes.fair_slots import FairSlots
from shared.types.tasks import retrieve_failure

P = ParamSpec("P")
R = TypeVar("R")
_left: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("caller has left", default=None)
_AT_ONCE = max(2, os.cpu_count() or 1)
_LONG = FairSlots(_AT_ONCE)


class CallerLeft(Exception):
    """The caller of long work was cancelled."""


async def run_short(work: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Runs what takes at most a few tenths of a second. Whoever has more of it calls this for each piece: callers take
    turns, and one that is cancelled stops after its piece."""
    return await _run("short", partial(work, *args, **named))


async def run_long(tenant_id: str, work: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Runs what may take seconds or minutes and cannot be divided. Tenants share the threads; work whose caller is
    cancelled holds its thread until it ends, at its next call of `stop_if_left`."""
    await _LONG.take(tenant_id)
    left = threading.Event()
    _left.set(left)
    running = _run("long", partial(_returning_memory, partial(work, *args, **named)))
    running.add_done_callback(lambda _: _LONG.release(tenant_id))
    running.add_done_callback(retrieve_failure)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        left.set()
        raise


def stop_if_left() -> None:
    """Ends long work whose caller was cancelled. Raises `CallerLeft`, which nobody sees."""
    left = _left.get()
    if left is not None and left.is_set():
        raise CallerLeft


def _returning_memory(work: Callable[[], R]) -> R:
    """Gives what the work has freed back to the system: the allocator of C keeps it for the thread otherwise."""
    try:
        return work()
    finally:
        if trim := _malloc_trim():
            trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    import ctypes

    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone


def _run(length: Literal["short", "long"], work: Callable[[], R]) -> asyncio.Future[R]:
    context = contextvars.copy_context()
    return asyncio.get_running_loop().run_in_executor(_threads(length), context.run, work)


@cache
def _threads(length: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE + 1, thread_name_prefix=f"cpu-{length}")
