"""Ends asyncio tasks, and starts those whose callers may leave."""

import asyncio
from collections.abc import Collection
from typing import Any


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
