"""Calls of these tests, and what came of them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from shared.upstreams.port import ModelCall, StreamEnd, TextDelta, UpstreamError, WireMessage


def call(text: str = "Say hello.", **changes: Any) -> ModelCall:
    given: dict[str, Any] = {"model": "smol", "max_output_tokens": 32, "timeout_s": 20.0} | changes
    return ModelCall(messages=given.pop("messages", (WireMessage("user", text),)), **given)


async def collected(stream: AsyncGenerator[TextDelta | StreamEnd]) -> tuple[str, StreamEnd]:
    """All that was said, and the end: exactly one, and nothing after it."""
    text, done = "", None
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            assert done is None
            if isinstance(piece, StreamEnd):
                done = piece
            else:
                text += piece.text
    assert done is not None
    return text, done


async def fault(stream: AsyncGenerator[TextDelta | StreamEnd]) -> UpstreamError:
    """How it failed."""
    try:
        await collected(stream)
    except UpstreamError as error:
        return error
    raise AssertionError("the call gave a whole answer")
