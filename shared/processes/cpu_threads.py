"""Threads for work of the processor. They are others than those that wait for files, so that neither waits for the
other; and short pieces of work, on which questions wait, have threads of their own beside long ones."""

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Literal, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def run_short(work: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Runs what takes at most a few tenths of a second. Whoever has more of it calls this for each piece: callers take
    turns, and one that is cancelled stops after its piece."""
    return await _run("short", partial(work, *args, **named))


async def run_long(work: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Runs what may take seconds or minutes and cannot be divided."""
    return await _run("long", partial(work, *args, **named))


async def _run(length: Literal["short", "long"], work: Callable[[], R]) -> R:
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_threads(length), context.run, work)


@cache
def _threads(length: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix=f"cpu-{length}")
