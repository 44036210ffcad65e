"""Many calls of a store at a time, but not all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

_AT_ONCE = 32
_In = TypeVar("_In")
_Out = TypeVar("_Out")


async def together(call: Callable[[_In], Awaitable[_Out]], items: Sequence[_In]) -> list[_Out]:
    """The answers in the order of the items. The first error ends the rest."""
    answers: list[_Out | None] = [None] * len(items)
    left = iter(enumerate(items))

    async def work() -> None:
        for place, item in left:
            answers[place] = await call(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_AT_ONCE, len(items))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return answers  # type: ignore[return-value]
