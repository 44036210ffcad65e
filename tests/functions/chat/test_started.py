"""A stream begins when it is known that it may: a refusal has its own status, and who waits long is told to wait."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from functions.chat.chunks import started
from shared.types.errors import BudgetExceeded


class Source:
    """Numbers, the first of them when it is let go; says when it was left."""

    def __init__(self, *, refused: bool = False, many: int = 3) -> None:
        self.go = asyncio.Event()
        self.left = asyncio.Event()
        self.refused = refused
        self.many = many

    async def items(self) -> AsyncIterator[int]:
        try:
            await self.go.wait()
            if self.refused:
                raise BudgetExceeded("No.")
            for number in range(self.many):
                yield number
        finally:
            self.left.set()


async def test_nothing_is_lost_or_doubled() -> None:
    for many in (0, 1, 3):
        source = Source(many=many)
        source.go.set()
        assert [item async for item in await started(source.items())] == list(range(many))


async def test_what_is_refused_at_once_is_raised_before_the_stream() -> None:
    source = Source(refused=True)
    source.go.set()
    with pytest.raises(BudgetExceeded):
        await started(source.items())


async def test_who_waits_long_has_a_stream_already() -> None:
    source = Source()
    items = await started(source.items(), within_s=0.01)
    source.go.set()
    assert [item async for item in items] == [0, 1, 2]


async def test_what_is_refused_late_is_raised_in_the_stream() -> None:
    source = Source(refused=True)
    items = await started(source.items(), within_s=0.01)
    source.go.set()
    with pytest.raises(BudgetExceeded):
        [item async for item in items]


async def test_who_leaves_ends_the_work() -> None:
    source = Source()
    source.go.set()
    items = await started(source.items())
    assert await anext(items) == 0
    await items.aclose()
    assert source.left.is_set()


async def test_who_leaves_before_the_first_piece_ends_the_work_too() -> None:
    source = Source()
    waiting = asyncio.ensure_future(started(source.items()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait_for(source.left.wait(), 60)
    late = Source()
    items = await started(late.items(), within_s=0.01)
    first = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait_for(late.left.wait(), 60)
