"""How a run goes over the wire, whole or broken."""

import asyncio
from typing import Protocol

from tests.ollama.exchange import Exchange, HungUp
from tests.ollama.generating import Run
from tests.ollama.native import Refused
from tests.ollama.recorded import Recorded

_BROKEN = "an error was encountered while running the model: unexpected EOF"


class Shape(Protocol):
    """The lines of a run: natively, or as OpenAI has them."""

    @property
    def stream_type(self) -> str: ...
    def piece(self, text: str, thinking: str) -> bytes: ...
    def last(self, run: Run, *, counted: bool = True) -> bytes: ...
    def error(self, text: str) -> bytes: ...
    def whole(self, run: Run, *, done: bool = True, counted: bool = True) -> tuple[str, bytes]: ...


async def stream(exchange: Exchange, run: Run, shape: Shape, seconds_per_token: float) -> None:
    """No header before the first token. Raises `HungUp`."""
    for place, word in enumerate(run.tokens):
        if seconds_per_token:
            await exchange.pause(seconds_per_token)
        if not exchange.started:
            await exchange.begin(200, shape.stream_type)
        if place == run.half and await _fails(exchange, shape):
            return
        answer, thought = ("", word.text) if word.thinking else (word.text, "")
        await exchange.piece(shape.piece(answer, thought))
    if not exchange.started:
        await exchange.begin(200, shape.stream_type)
    await exchange.piece(shape.last(run, counted=exchange.met != "lost_usage"))
    await exchange.end()


async def _fails(exchange: Exchange, shape: Shape) -> bool:
    """Whether the answer ended here."""
    met = exchange.met
    if met == "stall":
        await exchange.until_left()
        raise HungUp
    if met == "cut":
        exchange.cut()
    elif met in ("abort", "error_line"):
        if met == "error_line":
            await exchange.piece(shape.error(_BROKEN))
        await exchange.end()
    elif met == "wrong_json":
        await exchange.piece(shape.piece("word", "")[:-9] + b"\n\n")
    return met in ("cut", "abort", "error_line")


async def send_whole(exchange: Exchange, run: Run, shape: Shape, seconds_per_token: float) -> None:
    if seconds_per_token:
        await exchange.pause(seconds_per_token * len(run.tokens))
    met = exchange.met
    if met == "error_line":
        raise Refused(500, _BROKEN)
    if met == "stall":
        await exchange.until_left()
        raise HungUp
    if met == "cut":
        exchange.reset()
        return
    content_type, answer = shape.whole(run, done=met != "abort", counted=met != "lost_usage")
    await exchange.whole(200, content_type, answer[:-9] if met == "wrong_json" else answer)


async def send_recorded(exchange: Exchange, recorded: Recorded) -> None:
    """The recorded answer, byte by byte in the recorded pieces, with its end or without."""
    if not recorded.status:
        await exchange.until_left()
        return
    if recorded.chunks is None:
        await exchange.whole(recorded.status, recorded.content_type, recorded.body)
        return
    await exchange.begin(recorded.status, recorded.content_type)
    for chunk in recorded.chunks:
        await exchange.piece(chunk)
    if recorded.terminated:
        await exchange.end()
    elif recorded.left:
        await exchange.until_left()
    else:
        exchange.cut()


async def or_left(semaphore: asyncio.Semaphore, exchange: Exchange) -> None:
    """A slot, or `HungUp` when the caller leaves first: a queued call is dropped."""
    slot = asyncio.create_task(semaphore.acquire())
    gone = asyncio.create_task(exchange.until_left())
    try:
        await asyncio.wait({slot, gone}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        _give_back(semaphore, slot)
        raise
    finally:
        gone.cancel()
    if exchange.left:
        _give_back(semaphore, slot)
        raise HungUp


def _give_back(semaphore: asyncio.Semaphore, slot: asyncio.Task[bool]) -> None:
    if not slot.cancel():
        semaphore.release()
