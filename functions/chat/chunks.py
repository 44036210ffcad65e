"""An answer as a stream of chunks in OpenAI's format."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import TypeVar

from msgspec import UNSET, Struct, UnsetType

from functions.chat.openai_types import ChatChunk, ChatDelta, ChatUsage, ChunkChoice, called_tools
from shared.answers.answering import AnswerExecution
from shared.types.citation import Citation
from shared.types.http import ServerSentEvent
from shared.types.model import FinishReason, ToolCall

REFUSED_WITHIN_S = 10.0
"""How long a stream waits for its first piece before it begins: what is refused in this time has its own status."""

_Item = TypeVar("_Item")


class Chunks(Struct, frozen=True):
    """The pieces of one answer."""

    id: str
    created: int
    model: str
    includes_usage: bool

    def first(self) -> ServerSentEvent:
        return self._chunk(ChatDelta(role="assistant", content=""))

    def piece(self, text: str) -> ServerSentEvent:
        return self._chunk(ChatDelta(content=text))

    def calls(self, calls: Sequence[ToolCall]) -> ServerSentEvent:
        return self._chunk(ChatDelta(tool_calls=called_tools(calls, streamed=True)))

    def last(
        self,
        finish: FinishReason,
        usage: ChatUsage,
        execution: AnswerExecution,
        citations: tuple[Citation, ...] | UnsetType = UNSET,
        degraded: tuple[str, ...] | UnsetType = UNSET,
    ) -> Iterator[ServerSentEvent]:
        yield _event(
            ChatChunk(
                id=self.id,
                created=self.created,
                model=self.model,
                choices=(ChunkChoice(ChatDelta(), finish),),
                usage=self._no_usage,
                aegis_citations=citations,
                aegis_execution=execution,
                aegis_degraded=degraded,
            )
        )
        if self.includes_usage:
            yield _event(ChatChunk(id=self.id, created=self.created, model=self.model, choices=(), usage=usage))

    def _chunk(self, delta: ChatDelta) -> ServerSentEvent:
        choices = (ChunkChoice(delta),)
        return _event(
            ChatChunk(id=self.id, created=self.created, model=self.model, choices=choices, usage=self._no_usage)
        )

    @property
    def _no_usage(self) -> UnsetType | None:
        return None if self.includes_usage else UNSET


def _event(chunk: ChatChunk) -> ServerSentEvent:
    return ServerSentEvent("", chunk)


async def started(items: AsyncIterator[_Item], within_s: float = REFUSED_WITHIN_S) -> AsyncGenerator[_Item]:
    """Returns the same items, once the first is there or `within_s` is over. Raises what the first one raises."""
    first = asyncio.ensure_future(anext(items))
    try:
        await asyncio.wait([first], timeout=within_s)
    except asyncio.CancelledError:
        first.cancel()
        raise
    if first.done() and (refused := first.exception()) and not isinstance(refused, StopAsyncIteration):
        raise refused
    return _from(first, items)


async def _from(first: "asyncio.Future[_Item]", items: AsyncIterator[_Item]) -> AsyncGenerator[_Item]:
    try:
        yield await first
        async for item in items:
            yield item
    except StopAsyncIteration:
        return
    finally:
        if not first.done():
            first.cancel()
        elif closing := getattr(items, "aclose", None):
            await closing()
