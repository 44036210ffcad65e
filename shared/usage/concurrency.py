"""Bounded concurrency for calls of a store."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

_MAX_CONCURRENT = 32
_In = TypeVar("_In")
_Out = TypeVar("_Out")


async def map_concurrently(call: Callable[[_In], Awaitable[_Out]], items: Sequence[_In]) -> list[_Out]:
    """Calls for every item, a bounded number at a time; the results are in the order of the items.

    The first error cancels the rest and is raised.
    """
    results: list[_Out | None] = [None] * len(items)
    pending = iter(enumerate(items))

    async def work() -> None:
        for index, item in pending:
            results[index] = await call(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_MAX_CONCURRENT, len(items))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return results  # type: ignore[return-value]
