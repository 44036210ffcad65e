"""Ends asyncio tasks."""

import asyncio
from collections.abc import Collection


async def cancel_all(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Cancels until all have ended: a cancellation that coincides with an answer can get lost."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=1)
