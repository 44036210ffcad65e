"""Ends asyncio tasks, and starts those whose callers may leave."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def retrieve_failure(task: "asyncio.Future[Any]") -> None:
    """Called when a task is done: its callers may all be gone, and its error is not logged as never retrieved."""
    if not task.cancelled():
        task.exception()


async def cancel_all(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancels until all have ended: a cancellation that coincides with an answer can get lost."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=1)


async def to_its_end(work: "Coroutine[Any, Any, _Result]") -> _Result:
    """Awaits work that must not stop halfway: a cancellation of its caller takes effect once it has ended."""
    task, cancellation = asyncio.create_task(work), None
    task.add_done_callback(retrieve_failure)
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation:
        raise cancellation
    return task.result()
