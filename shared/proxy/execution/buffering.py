"""An answer is received at its model's pace, whatever the pace of its reader: a reader that sleeps holds no slot, and
delays neither a time-out nor the withdrawal of a budget."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

from shared.proxy.task import LLMResult, Token

MOST_PIECES = 256
"""What comes while so many pieces are unread is joined to one: the buffer grows by its text alone, and an attempt
bounds the text of an answer."""


class _Buffer:
    """The events that were received and not read."""

    def __init__(self) -> None:
        self._events: deque[Token | LLMResult] = deque()
        self._joined: list[str] = []
        self._change = asyncio.Event()

    async def fill(self, events: AsyncGenerator[Token | LLMResult]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Token) and not event.begins and len(self._events) >= MOST_PIECES:
                        self._joined.append(event.text)
                    else:
                        self._flush()
                        self._events.append(event)
                    self._change.set()
        finally:
            self._change.set()

    async def next(self, filling: "asyncio.Task[None]") -> Token | LLMResult | None:
        """None after the last. Raises what ended the answer."""
        while not self._events:
            self._flush()
            if self._events:
                break
            if filling.done():
                filling.result()
                return None
            self._change.clear()
            await self._change.wait()
        return self._events.popleft()

    def _flush(self) -> None:
        if self._joined:
            self._events.append(Token("".join(self._joined)))
            self._joined = []


async def buffered(events: AsyncGenerator[Token | LLMResult]) -> AsyncGenerator[Token | LLMResult]:
    """The same events. Leaving early ends the call, and returns when it has ended."""
    buffer = _Buffer()
    filling = asyncio.create_task(buffer.fill(events), name="answer of a model")
    try:
        while event := await buffer.next(filling):
            yield event
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
